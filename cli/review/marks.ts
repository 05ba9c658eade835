import { z } from "zod";
import { pullOfStack, type ShortLived, shortLived, shortLivedRecord } from "../../config/short-lived.ts";
import { jsonOrUndefined } from "../../deployer/json.ts";

/**
 * A stack is short-lived where two places say so in the same words: a tag of the stack in Pulumi's backend, set before anything was made, and
 * an entry in its state, made by the program before anything else. A copied state, a renamed stack, a copied file and a tag that somebody set
 * each lack one of them.
 */
export interface Marks {
  /** Name of the stack. */
  name: string;
  /** What the tag says; undefined where there is none. */
  tag: string | undefined;
  /** The stack's state, as `pulumi stack export` prints it. */
  state: string;
}

export type Judged =
  /** Its terms, `until` being the later one of the two marks'; how much there is; whether its state has its mark, too. */
  | { ours: true; terms: ShortLived; resources: number; recorded: boolean }
  /** Nothing says that it is short-lived. */
  | { ours: false; claims: false }
  /** Something says so, and it is not to be believed. */
  | { ours: false; claims: true; because: string };

const resource = z.looseObject({
  urn: z.string(),
  type: z.string(),
  inputs: z.looseObject({ input: z.unknown() }).partial().optional(),
  protect: z.boolean().optional(),
});
const exported = z.object({
  deployment: z.looseObject({
    resources: z.array(resource).nullish(),
    pending_operations: z.array(z.unknown()).nullish(),
  }),
});

/** Whether a stack is short-lived. Pure; the one place that decides what may be destroyed without a person. */
export function judgeMarks({ name, tag, state }: Marks): Judged {
  const refuse = (because: string): Judged => ({ ours: false, claims: true, because });
  const parsed = exported.safeParse(jsonOrUndefined(state));
  if (!parsed.success)
    return tag === undefined
      ? { ours: false, claims: false }
      : refuse("its state is not what pulumi stack export prints");
  const { resources: found, pending_operations: pending } = parsed.data.deployment;
  const all = found ?? [];
  const records = all.filter(
    ({ urn, type }) => type === "pulumi:index:Stash" && urn.endsWith(`::${shortLivedRecord}`),
  );
  // The stack's own entry and those of providers are no things.
  const things = all.filter(
    (one) =>
      !records.includes(one) &&
      one.type !== "pulumi:pulumi:Stack" &&
      !one.type.startsWith("pulumi:providers:"),
  );
  const resources = things.length + (pending ?? []).length;
  if (tag === undefined)
    return records.length === 0
      ? { ours: false, claims: false }
      : refuse("its state says that it is short-lived, and no tag of the stack does");
  const told = shortLived.safeParse(jsonOrUndefined(tag));
  if (!told.success) return refuse("its tag does not say on which terms it is short-lived");
  const terms = told.data;
  if (terms.stack !== name) return refuse(`its tag is of the stack ${terms.stack}`);
  if (terms.pull !== pullOfStack(name)) return refuse(`its tag is of the pull request ${terms.pull}`);
  const [guarded] = all.filter(({ protect }) => protect === true);
  if (guarded) return refuse(`${guarded.urn} in it is protected`);
  const [record, another] = records;
  if (record === undefined)
    return resources === 0
      ? { ours: true, terms, resources, recorded: false }
      : refuse("its tag says that it is short-lived, and there is more in its state, which does not say so");
  if (another !== undefined) return refuse("its state says twice that it is short-lived");
  if (!record.urn.startsWith(`urn:pulumi:${name}::`)) return refuse("its state is of another stack");
  const recorded = shortLived.safeParse(record.inputs?.input);
  if (!recorded.success) return refuse("its state does not say on which terms it is short-lived");
  const { stack, pull, id, until } = recorded.data;
  if (stack !== name || pull !== terms.pull) return refuse(`its state has the terms of the stack ${stack}`);
  if (id !== terms.id) return refuse("its tag and its state have the ids of two different stacks");
  const later = Date.parse(until) > Date.parse(terms.until) ? until : terms.until;
  return { ours: true, terms: { ...terms, until: later }, resources, recorded: true };
}
