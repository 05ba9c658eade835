import type { SshTarget } from "../deployer/ssh/config.ts";
import { isIdentityMismatch, SshSession } from "../deployer/ssh/session.ts";
import { inTerminal } from "./in-terminal.ts";
import { say } from "./say.ts";
import { hostOf, type StackView, targetOf } from "./stack.ts";

export interface SshOptions {
  /** A terminal for the command, too. */
  tty?: boolean;
}

/** Log in to a host of the stack, or run a command there. Returns ssh's exit code. */
export async function ssh(
  stack: StackView,
  host: string,
  command: readonly string[],
  options: SshOptions = {},
): Promise<number> {
  const exitCode = await terminal(targetOf(stack, host), command, options);
  if (exitCode === 255 && hostOf(stack, host).unlock)
    say(`${host}: its disk is encrypted; when it has restarted, it waits for berth unlock ${host}`);
  return exitCode;
}

/**
 * This terminal on a host, strictly: the login key lies in a private folder until the connection ends.
 * @returns ssh's exit code; 255 when there was no connection
 */
export async function terminal(
  target: SshTarget,
  command: readonly string[],
  { tty = false }: SshOptions = {},
): Promise<number> {
  const session = await SshSession.create(target);
  const wanted = command.length === 0 ? "auto" : tty ? "force" : "no";
  const options = ["-F", session.configFile, "-o", `RequestTTY=${wanted}`, session.alias];
  try {
    const exitCode = await inTerminal("ssh", [...options, ...command]);
    if (exitCode === 255 && (await answersAsAnother(session))) say(`${session.label}: ${stranger(target)}`);
    return exitCode;
  } finally {
    await session.close();
  }
}

/** Ssh's words went to the terminal: why it gave up is asked for once more. */
async function answersAsAnother(session: SshSession): Promise<boolean> {
  const ended = await session
    .sh("exit 0", { deadline: 10_000, fresh: true, connectTimeout: 5 })
    .catch(() => undefined);
  return ended !== undefined && isIdentityMismatch(ended.stderr);
}

/** What to do about a host that answers with another key than the stack's. */
const stranger = ({ address, port }: SshTarget): string =>
  `it answers with another key than this stack's. pulumi up completes a rotation that was cut off; otherwise find out who answers there, berth trust ${address}${port === 22 ? "" : ` --port ${port}`} shows the key`;
