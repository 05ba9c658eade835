/** The contract between the gRPC framework and a resource of a provider. */

/** A property value with secrets unwrapped; `undefined` where the engine does not know it yet. */
export type Value = null | boolean | number | string | Value[] | { [key: string]: Value } | undefined;
export type Properties = Record<string, Value>;

/** What a handler is told about the call it serves. */
export interface CallContext {
  urn: string;
  /** The resource's logical name, the last part of the URN. */
  name: string;
  /** The engine's `customTimeouts` for this call in seconds, or undefined. */
  timeoutSeconds: number | undefined;
  /** Aborted when the user cancels the update or the timeout has passed; its reason is an Error that says which. */
  signal: AbortSignal;
  /** A line in the update's diagnostics, kept in the output. */
  log(severity: "debug" | "info" | "warning" | "error", message: string): void;
  /** A line that shows in the resource's row while it is being worked on. */
  status(message: string): void;
}

export interface CheckFailure {
  property: string;
  reason: string;
}

export type DiffKind = "add" | "add-replace" | "delete" | "delete-replace" | "update" | "update-replace";

export interface DiffResult {
  changes: boolean;
  /** Property path to kind, e.g. { toplevel: "update" }. A `*-replace` makes the step a replacement. */
  detailed?: Record<string, DiffKind>;
  deleteBeforeReplace?: boolean;
}

/** One custom resource. Errors thrown are shown as they are (message only, no stack). */
export interface ResourceHandler {
  /** Inputs the engine stores and diffs, normalised; unknown values are `undefined`. */
  check?(
    inputs: Properties,
    olds: Properties,
    call: CallContext,
  ): Promise<{ inputs: Properties; failures?: CheckFailure[] }>;
  /** Default: every path at which the inputs differ is an add, a delete or an update (`diffInputs`). */
  diff?(
    olds: { inputs: Properties; outputs: Properties; id: string },
    news: Properties,
    call: CallContext,
  ): Promise<DiffResult>;
  /** Outputs known before the resource exists; the rest shows as unknown. */
  preview?(inputs: Properties, old: Properties | undefined, call: CallContext): Promise<Properties>;
  /** An error stores nothing; throw `PartialFailure` when something exists that must be remembered. */
  create(inputs: Properties, call: CallContext): Promise<{ id: string; outputs: Properties }>;
  update?(
    id: string,
    olds: { inputs: Properties; outputs: Properties },
    news: Properties,
    call: CallContext,
  ): Promise<Properties>;
  /** Undefined = gone. Default: the state as it is. An import comes with empty state, and may be known by another id. */
  read?(
    id: string,
    state: { inputs: Properties; outputs: Properties },
    call: CallContext,
  ): Promise<{ inputs: Properties; outputs: Properties; id?: string } | undefined>;
  delete?(id: string, state: { inputs: Properties; outputs: Properties }, call: CallContext): Promise<void>;
  /** Properties that are always secret, as inputs and as outputs, beside what echoes a secret input. */
  secretOutputs?: readonly string[];
}

/** One that has a preview and is updated in place. */
export type UpdatableHandler = ResourceHandler & Required<Pick<ResourceHandler, "preview" | "update">>;

/** A resource, or what loads it when the engine first asks for one of its type. */
export type ResourceSource = ResourceHandler | (() => Promise<ResourceHandler>);

/** A provider: its resources by type token, and what to do with its configuration. */
export interface ProviderDefinition {
  name: string;
  version: string;
  resources: Record<string, ResourceSource>;
  /** What is wrong with the configuration; said where the provider is registered. Unknown values are `undefined`. */
  checkConfig?(config: Properties): Promise<CheckFailure[]>;
  /** Checked once before the first resource; throw to refuse the configuration. `call` speaks for the whole update. */
  configure?(config: Properties, call: CallContext): Promise<void>;
  /** Invokes (functions) by token. */
  functions?: Record<string, (args: Properties, call: CallContext) => Promise<Properties>>;
  /** Called once, when the last call has ended after a cancel or shutdown: end children, close connections. */
  close?(): Promise<void>;
  /** Words for a token the provider does not have. Default: it says that the provider has none of this name. */
  unknownToken?(token: string): string;
}
