import { existsSync } from "node:fs";
import { z } from "zod";
import { details, size } from "../deployer/compare/describe.ts";
import { compareSystems, type SystemChange } from "../deployer/compare/systems.ts";
import { Failure, messageOf } from "../deployer/failure.ts";
import { jsonOrUndefined } from "../deployer/json.ts";
import { closureOf, fetchClosure } from "../deployer/nix/closure.ts";
import { run } from "../deployer/process.ts";
import { leftAlone } from "../deployer/release/drift.ts";
import { foreseeHold, isHeld, parseHold } from "../deployer/release/hold.ts";
import { SshSession } from "../deployer/ssh/session.ts";
import { asJson } from "./as-json.ts";
import { buildsThere, buildThere, type WantedBuild } from "./diff-builds.ts";
import { print, say } from "./say.ts";
import { NothingYet, readStack, targetOf } from "./stack.ts";
import { nameOfStack } from "./stack-name.ts";

export interface DiffOptions {
  /** Build what is not built yet, and fetch from the host what ran there before, so that nothing is unknown. */
  build?: boolean;
  json?: boolean;
}

/** A host's release before and after the next update. */
export interface HostDiff {
  host: string;
  /** Toplevel that runs, as the stack's state knows it; absent where nothing was deployed yet. */
  before?: string;
  /** Toplevel that runs when the update is done. */
  after: string;
  what: "nothing" | "held" | "switch" | "switch, reboot due" | "first deployment" | "switch, changes unknown";
  /** Why it stays on what it runs although something else is wanted of it. */
  because?: string;
  /** Where both systems are at hand. */
  change?: SystemChange;
  /** Bytes of the closure of a first deployment. */
  bytes?: number;
  /** Why the change is not known. */
  unknown?: string;
}

const previewed = z.object({
  steps: z
    .array(
      z.object({
        urn: z.string(),
        newState: z.object({ inputs: z.record(z.string(), z.unknown()).optional() }).optional(),
        oldState: z
          .object({
            inputs: z.record(z.string(), z.unknown()).optional(),
            outputs: z.record(z.string(), z.unknown()).optional(),
          })
          .optional(),
      }),
    )
    .nullish(),
  diagnostics: z.array(z.object({ severity: z.string(), message: z.string() })).nullish(),
});
const wantedInputs = z.object({
  host: z.string(),
  toplevel: z.string(),
  drvPath: z.string(),
  // What another version of Berth says of it hides no host.
  builds: buildsThere.optional().catch(undefined),
});

interface Step extends z.infer<typeof wantedInputs> {
  before: string | undefined;
  /** Why the update leaves it on that; undefined where it does not. */
  stays: string | undefined;
}

/** Print what the next update changes in the systems of a stack's hosts, package by package and unit by unit. */
export async function diff(
  selected: string | undefined,
  host: string | undefined,
  { build = false, json = false }: DiffOptions,
): Promise<void> {
  const stack = await nameOfStack(selected);
  const steps = await wantedOf(stack);
  const chosen = host === undefined ? steps : steps.filter((step) => step.host === host);
  if (chosen.length === 0)
    throw new Failure({
      tried: host === undefined ? `compare the hosts of stack ${stack}` : `compare ${host}`,
      cameBack: "the stack's configuration has no such host",
      next: `name one of these: ${steps.map((step) => step.host).join(", ") || "none yet"}`,
    });
  if (build) await bringHere(stack, chosen);
  const compared = await Promise.all(chosen.map(compare));
  print(json ? asJson("diff", stack, compared) : compared.map(describe).join("\n"));
}

/** What the program wants of each host, as a preview tells. */
async function wantedOf(stack: string): Promise<Step[]> {
  const args = ["preview", "--json", "--show-sames", "--non-interactive", "-s", stack];
  const ended = await run("pulumi", args, { deadline: 900_000 });
  const { steps, diagnostics } = previewed.parse(jsonOrUndefined(ended.stdout) ?? {});
  if (ended.exitCode !== 0) {
    const errors = (diagnostics ?? []).filter(({ severity }) => severity === "error");
    throw new Failure({
      tried: `preview stack ${stack}`,
      cameBack: errors.map(({ message }) => plain(message)).join("\n") || plain(ended.stderr),
      next: "mend that; pulumi preview shows the same",
    });
  }
  return stepsIn(steps ?? []);
}

/**
 * What the hosts will run, by the steps of a preview: where a host is left as it is, whatever is wanted of it, that. Pure. Which those are is
 * told by the state before: what a step will have put out may be left out of a preview.
 */
export function stepsIn(steps: NonNullable<z.infer<typeof previewed>["steps"]>): Step[] {
  const wanted = steps.flatMap(({ urn, newState, oldState }) => {
    const inputs = wantedInputs.safeParse(newState?.inputs);
    const release = oldState?.outputs?.["release"];
    if (!urn.includes("berth:deploy:Deployment::") || !inputs.success) return [];
    const before = typeof release === "string" ? release : undefined;
    const old = { ...oldState?.inputs, ...oldState?.outputs };
    const stays =
      before === undefined ? undefined : whyItStays({ ...newState?.inputs, ...inputs.data }, old, before);
    return [
      {
        ...inputs.data,
        ...(before !== undefined && stays !== undefined && { toplevel: before }),
        before,
        stays,
      },
    ];
  });
  return wanted.toSorted((a, b) => byName.compare(a.host, b.host));
}

/** As the update itself decides it: a hold comes first. */
function whyItStays(
  news: z.infer<typeof wantedInputs>,
  old: Readonly<Record<string, unknown>>,
  runs: string,
): string | undefined {
  const { host, toplevel: wanted } = news;
  const held = parseHold(JSON.stringify(old["held"]));
  return isHeld(held, wanted, runs) ? foreseeHold(held, { host, runs, wanted }) : leftAlone(news, old);
}

const byName = new Intl.Collator("en", { numeric: true });

/** Without pulumi's marks for colours. */
const plain = (text: string): string => text.replaceAll(/<\{%.*?%\}>/g, "").trim();

/** Build what is wanted and not built yet, and fetch what ran and is not here. What cannot be had stays unknown. */
async function bringHere(stack: string, steps: readonly Step[]): Promise<void> {
  const missing = toBuild(
    steps.filter(({ toplevel, before }) => toplevel !== before && !existsSync(toplevel)),
  );
  await buildThere(
    stack,
    missing,
    missing.some(({ builder }) => builder) ? await keyFor(stack) : undefined,
    say,
  );
  const gone = steps.filter(({ before }) => before !== undefined && !existsSync(before));
  if (gone.length === 0) return;
  const view = await readStack(stack);
  for (const { host, before = "" } of gone) {
    const session = await SshSession.create(targetOf(view, host));
    try {
      say(`${host}: fetching what runs there`);
      await fetchClosure(before, session, { deadline: 900_000 });
    } catch (error) {
      say(messageOf(error));
    } finally {
      await session.close();
    }
  }
}

/** The key that the stack's builders let in; a stack that has told nothing yet has none, and the ssh agent's is tried. */
async function keyFor(stack: string): Promise<string | undefined> {
  try {
    return (await readStack(stack)).loginKey;
  } catch (error) {
    if (error instanceof NothingYet) return undefined;
    throw error;
  }
}

/** Whether the host itself builds its next system; what it is installed with is built elsewhere. */
const buildsItself = ({ builds, before }: Pick<Step, "builds" | "before">): boolean =>
  builds?.on === "target" && before !== undefined;

/** What is to be built for these, and where: a host that builds its own systems does so in the update. Pure. */
export const toBuild = (steps: readonly Step[]): WantedBuild[] =>
  steps.flatMap((step) => {
    const { host, drvPath, toplevel: out, builds } = step;
    return buildsItself(step) ? [] : [{ host, drvPath, out, builder: builds?.builder }];
  });

/** What the update does to a host, as far as both systems are here. */
export async function compare(step: Step): Promise<HostDiff> {
  const { host, toplevel: after, before, stays } = step;
  if (stays !== undefined)
    return { host, ...(before !== undefined && { before }), after, what: "held", because: stays };
  if (before === after) return { host, before, after, what: "nothing" };
  const notBuilt = buildsItself(step) ? builtByItself : notBuiltYet;
  if (before === undefined) {
    if (!existsSync(after)) return { host, after, what: "first deployment", unknown: notBuilt };
    const closure = await closureOf(after);
    return {
      host,
      after,
      what: "first deployment",
      bytes: closure.reduce((sum, { bytes }) => sum + bytes, 0),
    };
  }
  const known = { host, before, after };
  if (!existsSync(after)) return { ...known, what: "switch, changes unknown", unknown: notBuilt };
  if (!existsSync(before)) return { ...known, what: "switch, changes unknown", unknown: notHere };
  const change = await compareSystems(before, after);
  return { ...known, what: change.reboot.length > 0 ? "switch, reboot due" : "switch", change };
}

const notBuiltYet = "the new system is not built yet: berth diff --build builds it";
const builtByItself = "the host builds the new system itself, in the update";
const notHere = "the system that runs is not on this machine: berth diff --build fetches it from the host";

/** One host's part of the answer for people. */
export function describe({ host, before, after, what, because, change, bytes, unknown }: HostDiff): string {
  const lines = [
    `${host}: ${what}${because === undefined ? "" : `, ${because}`}`,
    ...(before === after ? [`  ${after}`] : [`  ${before ?? "nothing"}`, `  → ${after}`]),
    ...(unknown === undefined ? [] : [`  What changes is not known: ${unknown}`]),
    ...(bytes === undefined ? [] : [`  Size: ${size(bytes)}`]),
    ...(change ? details(change).map((line) => `  ${line}`) : []),
  ];
  return `${lines.join("\n")}\n`;
}
