/**
 * An error meant for a person: what was tried, on which host, what came back, what to do next.
 * Shown without a stack.
 */
export class Failure extends Error {
  override readonly name = "Failure";
  readonly host: string | undefined;
  readonly tried: string;
  readonly cameBack: string;
  /** Where things are now; undefined where the rest tells that. */
  readonly stands: string | undefined;
  readonly next: string;

  constructor(parts: { host?: string; tried: string; cameBack: string; stands?: string; next: string }) {
    const where = parts.host === undefined ? "" : `${parts.host}: `;
    const stands = !parts.stands ? "" : ` ${sentence(parts.stands)}`;
    super(`${where}${parts.tried}: ${sentence(parts.cameBack)}${stands} Next: ${sentence(parts.next)}`);
    this.host = parts.host;
    this.tried = parts.tried;
    this.cameBack = parts.cameBack;
    this.stands = parts.stands;
    this.next = parts.next;
  }
}

/** `text` closed by a full stop unless it already ends in punctuation or in a block of lines. */
function sentence(text: string): string {
  const trimmed = text.trimEnd();
  return /[.!?]$/.test(trimmed) ? trimmed : trimmed.includes("\n") ? `${trimmed}\n` : `${trimmed}.`;
}

/** The message of whatever was thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** The message of what was thrown in another command than `pulumi up`: it is that which is to be run again. */
export const messageIn = (command: string, error: unknown): string =>
  messageOf(error).replaceAll("run pulumi up again", `run ${command} again`);

/** The message of what lies behind an error: Node hides the reason of a failed fetch one or two levels down. */
export function innermostOf(error: unknown): string {
  let inner: unknown = error;
  while (inner instanceof Error && inner.cause instanceof Error) inner = inner.cause;
  return messageOf(inner instanceof AggregateError && inner.errors.length > 0 ? inner.errors[0] : inner);
}
