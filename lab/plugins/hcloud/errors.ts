/** Errors of the API, and the two ways the real provider words them. */

interface FieldFault {
  name: string;
  messages?: string[];
}

export class ApiError extends Error {
  override name = "ApiError";
  readonly code: string;
  /** The API's own words, without the code. */
  readonly words: string;
  readonly status: number | undefined;
  readonly fields: FieldFault[];
  /** A gateway's answer that is no answer of the API. */
  readonly bareGateway: boolean;

  /** `where` is the correlation id of a request, or the id of an action. */
  constructor(
    code: string,
    words: string,
    where: string | undefined,
    more: { status?: number; fields?: FieldFault[]; bareGateway?: boolean } = {},
  ) {
    super(`${words} (${where ? `${code}, ${where}` : code})`);
    this.code = code;
    this.words = words;
    this.status = more.status;
    this.fields = more.fields ?? [];
    this.bareGateway = more.bareGateway ?? false;
  }
}

/** Whether the API said no with one of these codes. */
export function isRefusal(error: unknown, ...codes: string[]): error is ApiError {
  return error instanceof ApiError && codes.includes(error.code);
}

/** What is known of an action that failed. */
export interface FailedAction {
  id: number;
  command: string;
  error: { code: string; message: string } | null;
  resources: { type: string; id: number }[];
}

/** An action of the cloud that ended badly. */
export class ActionFailed extends ApiError {
  override name = "ActionFailed";
  readonly action: FailedAction;

  constructor(action: FailedAction) {
    super(action.error?.code ?? "unknown", action.error?.message ?? "action failed", String(action.id));
    this.action = action;
  }
}

/** What an answer that is no success says. */
export function responseError(response: Response, text: string): Error {
  const { status } = response;
  const error = parseError(response, text);
  if (!error) {
    const bare = new ApiError("", "", undefined, { status, bareGateway: status === 502 || status === 504 });
    bare.message = `hcloud: server responded with status code ${status}`;
    return bare;
  }
  const fields = error.details?.fields ?? [];
  return new ApiError(error.code, error.message, response.headers.get("x-correlation-id") ?? undefined, {
    status,
    fields,
  });
}

interface ErrorBody {
  code: string;
  message: string;
  details?: { fields?: FieldFault[] } | null;
}

function parseError(response: Response, text: string): ErrorBody | undefined {
  if (!response.headers.get("content-type")?.startsWith("application/json")) return undefined;
  try {
    const { error } = JSON.parse(text) as { error?: ErrorBody };
    return error?.code ? error : undefined;
  } catch {
    return undefined;
  }
}

/** A request that had no answer. */
export function unreachable(method: string, url: string, error: unknown): Error {
  const verb = method.charAt(0) + method.slice(1).toLowerCase();
  return new Error(`${verb} "${url}": ${networkWords(url, error)}`);
}

function networkWords(url: string, error: unknown): string {
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  if (!(cause instanceof Error)) return String(error);
  const { hostname, port } = new URL(url);
  if ("code" in cause && cause.code === "ECONNREFUSED")
    return `dial tcp ${hostname}:${port}: connect: connection refused`;
  if ("code" in cause && cause.code === "ENOTFOUND") return `dial tcp: lookup ${hostname}: no such host`;
  return cause.message;
}

/** What was to be changed is not there any more, or was never made. */
export class Gone extends Error {
  override name = "Gone";

  /** As the bridge between Pulumi and the real provider says it. */
  words(step: Step, urn: string): string {
    if (step === "creating") return `expected non-nil error with nil state during Create of ${urn}`;
    return `Resource provider reported that the resource did not exist while updating ${urn}.\n\nThis is usually a result of the resource having been deleted outside of Pulumi, and can often be fixed by running \`pulumi refresh\` before updating.`;
  }
}

/** An error with a summary of its own, as the plugin framework has them. */
export class Diagnostic extends Error {
  override name = "Diagnostic";

  constructor(summary: string, words: string) {
    super(`${summary}: ${words}`);
  }
}

export type Step = "creating" | "updating" | "deleting";

/** How one half of the real provider words what went wrong. */
export interface Words {
  /** An error that leaves nothing behind to remember. */
  plain(step: Step, urn: string, error: Error): string;
  /** An error that leaves a resource behind. */
  partial(step: Step, urn: string, error: Error): string;
}

/** Resources on the older SDK: everything that is not on the plugin framework. */
export const sdkWords: Words = {
  plain: (step, urn, error) =>
    step === "deleting" ? sdkStep(step, urn, error) : `1 error occurred:\n\t* ${sdkMessage(error)}\n\n`,
  partial: sdkStep,
};

function sdkStep(step: Step, urn: string, error: Error): string {
  return `${step} ${urn}: 1 error occurred:\n\t* ${sdkMessage(error)}\n\n`;
}

function sdkMessage(error: Error): string {
  if (!(error instanceof ApiError) || error.code !== "invalid_input" || error.fields.length === 0)
    return error.message;
  const fields = error.fields.map(({ name, messages }) => `[${name} => [${(messages ?? []).join(" ")}]]`);
  return `${error.message}: ${fields.join(", ")}`;
}

/** Resources on the plugin framework: SSH keys, primary IPs, DNS, memberships in networks. */
export const frameworkWords: Words = {
  plain: (_step, _urn, error) => frameworkMessage(error),
  partial: (_step, _urn, error) => frameworkMessage(error),
};

function frameworkMessage(error: Error): string {
  if (error instanceof Diagnostic) return error.message;
  if (error instanceof ActionFailed) return actionMessage(error);
  if (!(error instanceof ApiError))
    return `API request failed: An unexpected error was encountered during an API request.\n\n${error.message}\n`;
  const status = error.status === undefined ? "" : `Status code: ${error.status}\n`;
  const [field] = error.fields;
  if (error.code === "invalid_input" && field) {
    const messages = (field.messages ?? []).map((message) => ` - ${message}\n`).join("");
    return `Invalid field in API request: An invalid field was encountered during an API request. The field might not map 1:1 to your terraform resource.\n\n${error.message}\n\nField: ${field.name}\nMessages:\n${messages}Error code: ${error.code}\n${status}`;
  }
  if (!error.code)
    return `API request failed: An unexpected error was encountered during an API request.\n\n${error.message}\n`;
  return `API request failed: An unexpected error was encountered during an API request.\n\n${error.message}\n\nError code: ${error.code}\n${status}`;
}

function actionMessage({ code, words, action: { command, id, resources } }: ActionFailed): string {
  const touched = resources.map((resource) => `${resource.type}: ${resource.id}`).join(", ");
  return `Action failed: An API action for the resource failed.\n\n${words}\n\nError code: ${code}\nCommand: ${command}\nID: ${id}\nResources: ${touched}`;
}
