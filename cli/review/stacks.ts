import { z } from "zod";
import { pullOfStack, type ShortLived } from "../../config/short-lived.ts";
import { Failure } from "../../deployer/failure.ts";
import { jsonOrUndefined } from "../../deployer/json.ts";
import { type Ended, run } from "../../deployer/process.ts";
import { inTerminal } from "../in-terminal.ts";
import { explain, pulumi } from "../pulumi.ts";
import { type Judged, judgeMarks } from "./marks.ts";

/** The tag of a short-lived stack. */
const tagName = "berth:short-lived";

/** Milliseconds: a backend far away. */
const deadline = 60_000;
/** Milliseconds that taking everything down may take. */
const destroyDeadline = 3_600_000;

const ask = (args: readonly string[]): Promise<Ended> =>
  run("pulumi", [...args, "--non-interactive"], { deadline, env: { PULUMI_SKIP_UPDATE_CHECK: "true" } });

/** Have pulumi change something of a stack in its backend. */
async function change(tried: string, args: readonly string[]): Promise<void> {
  const { exitCode, stderr } = await ask(args);
  if (exitCode !== 0) throw new Failure({ tried, ...explain(stderr) });
}

const listed = z.array(z.looseObject({ name: z.string() }));

/** Names of the project's stacks. */
async function allStacks(): Promise<string[]> {
  const json = await pulumi(["stack", "ls", "--json"], undefined);
  const stacks = listed.safeParse(jsonOrUndefined(json));
  if (stacks.success) return stacks.data.map(({ name }) => name);
  throw new Failure({
    tried: "list the project's stacks",
    cameBack: "pulumi stack ls printed something else",
    next: "pulumi stack ls --json shows it",
  });
}

async function tagOf(name: string): Promise<string | undefined> {
  const { exitCode, stdout, stderr } = await ask(["stack", "tag", "get", tagName, "-s", name]);
  if (exitCode === 0) return stdout.trim();
  if (/stack tag .* not found/.test(stderr)) return undefined;
  throw new Failure({ tried: `read the tags of stack ${name}`, ...explain(stderr) });
}

/** Whether a stack is short-lived; undefined where there is no such stack. */
export async function judgeStack(name: string): Promise<Judged | undefined> {
  if (!(await allStacks()).includes(name)) return undefined;
  return await judgeThere(name);
}

async function judgeThere(name: string): Promise<Judged> {
  const tag = await tagOf(name);
  // Most stacks are neither: their state need not be read.
  if (tag === undefined && pullOfStack(name) === undefined) return { ours: false, claims: false };
  return judgeMarks({ name, tag, state: await pulumi(["stack", "export"], name) });
}

/** Every stack that says it is short-lived, whether that is to be believed or not; where it cannot be told, why. */
export async function claimingStacks(): Promise<{ name: string; judged: Judged | { unread: unknown } }[]> {
  const found: { name: string; judged: Judged | { unread: unknown } }[] = [];
  for (const name of await allStacks()) {
    const judged = await judgeThere(name).catch((error: unknown) => ({ unread: error }));
    if ("unread" in judged || judged.ours || judged.claims) found.push({ name, judged });
  }
  return found;
}

/** Names of the stacks with a tag that says they are short-lived, except one. */
export async function taggedBeside(name: string): Promise<string[]> {
  const others = (await allStacks()).filter((one) => one !== name);
  const tags = await Promise.all(others.map(tagOf));
  return others.filter((_, index) => tags[index] !== undefined);
}

/** Make an empty stack and leave the selected one selected. */
export const makeStack = (name: string, secretsProvider: string | undefined): Promise<void> =>
  change(`make stack ${name}`, [
    ...["stack", "init", name, "--no-select"],
    ...(secretsProvider === undefined ? [] : ["--secrets-provider", secretsProvider]),
  ]);

/** Say in the backend on which terms a stack is short-lived. */
export const tagStack = (terms: ShortLived): Promise<void> =>
  keepingSelection(() =>
    change(`tag stack ${terms.stack}`, [
      ...["stack", "tag", "set", tagName, JSON.stringify(terms)],
      ...["-s", terms.stack],
    ]),
  );

/** Setting a tag selects that stack and removing any stack selects none: the next plain `pulumi up` would go somewhere else. */
async function keepingSelection(work: () => Promise<void>): Promise<void> {
  const before = await ask(["stack", "--show-name"]);
  const selected = before.exitCode === 0 ? before.stdout.trim() : "";
  try {
    await work();
  } finally {
    await ask(selected === "" ? ["stack", "unselect"] : ["stack", "select", selected]);
  }
}

/** Take down everything of a stack. Which one may be, the caller has judged (`judgeMarks`). */
export const destroyAll = (name: string): Promise<number> =>
  inTerminal("pulumi", ["destroy", "--yes", "--skip-preview", "--non-interactive", "-s", name], {
    env: { PULUMI_SKIP_UPDATE_CHECK: "true" },
    aside: true,
    deadline: destroyDeadline,
  });

/** Remove a stack in which nothing is left; pulumi refuses where there is. */
export const removeStack = (name: string): Promise<void> =>
  keepingSelection(() => change(`remove stack ${name}`, ["stack", "rm", name, "--yes"]));

const outputs = z.looseObject({
  hosts: z.record(z.string(), z.looseObject({ url: z.string() })).default({}),
  apps: z.record(z.string(), z.looseObject({ url: z.string() })).default({}),
  loadBalancers: z.record(z.string(), z.looseObject({ ipv4Address: z.string() })).default({}),
});

/** Where a stack is reached, by the names of its hosts, load balancers and apps. */
export async function addressesOf(name: string): Promise<Record<string, string>> {
  const parsed = outputs.safeParse(jsonOrUndefined(await pulumi(["stack", "output", "--json"], name)));
  if (!parsed.success) return {};
  const { hosts, apps, loadBalancers } = parsed.data;
  return {
    ...Object.fromEntries(Object.entries(hosts).map(([host, { url }]) => [host, url])),
    ...Object.fromEntries(
      Object.entries(loadBalancers).map(([one, { ipv4Address }]) => [one, `http://${ipv4Address}/`]),
    ),
    ...Object.fromEntries(Object.entries(apps).map(([app, { url }]) => [app, url])),
  };
}
