import { z } from "zod";

const state = z.looseObject({
  type: z.string().default(""),
  inputs: z.record(z.string(), z.unknown()).default({}),
  outputs: z.record(z.string(), z.unknown()).default({}),
  /** URN; absent at the root. */
  parent: z.string().optional(),
  custom: z.boolean().default(false),
  protect: z.boolean().default(false),
});

const step = z.looseObject({
  /** "same", "create", "update", "replace", "delete", "create-replacement" and so on. */
  op: z.string(),
  urn: z.string(),
  oldState: state.optional(),
  newState: state.optional(),
  /** Properties that differ. */
  diffReasons: z.array(z.string()).nullish(),
  /** Properties for which it is replaced; none where another resource is the reason. */
  replaceReasons: z.array(z.string()).nullish(),
  /** By the path of a property, e.g. "labels.team"; of a refresh, what differs between the state and what was found. */
  detailedDiff: z.record(z.string(), z.looseObject({ kind: z.string() })).nullish(),
});
export type Step = z.infer<typeof step>;

const diagnostic = z.looseObject({
  urn: z.string().optional(),
  severity: z.string(),
  message: z.string(),
});

/** What `pulumi preview --json` prints, so far as it is told. Lists are absent where there is nothing to list. */
export const previewJson = z.looseObject({
  steps: z.array(step).nullish(),
  diagnostics: z.array(diagnostic).nullish(),
});
export type Preview = z.infer<typeof previewJson>;

/** What pulumi writes for a value that nobody knows before the update. */
export const unknownValue = "04da6b54-80e4-46f7-96ec-b56ff0331ba9";

/** The name of a resource: what its URN ends with. */
export const nameOf = (urn: string): string => urn.slice(urn.lastIndexOf("::") + 2);

/** Without pulumi's marks for colours. */
export const plain = (text: string): string => text.replaceAll(/<\{%.*?%\}>/g, "").trim();

/** A warning without the word that pulumi begins it with. */
export const unprefixed = (text: string): string => text.replace(/^warning: /, "");
