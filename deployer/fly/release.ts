import { createHash, randomUUID } from "node:crypto";
import type { FlyAppConfig } from "../../config/fly.ts";
import { Failure, messageOf } from "../failure.ts";
import { FlyApi } from "./api.ts";
import { describeChange, shortImage } from "./compare.ts";
import type { FlyOptions } from "./http.ts";
import { Leases } from "./leases.ts";
import { metadata, servesNobody, type WantedRelease, wantedMachines } from "./machine.ts";
import { describePlan, isNothing, nameOf, type Plan, planMachines, processOf } from "./plan.ts";
import { refuse } from "./refuse.ts";
import { runReleaseCommand } from "./release-command.ts";
import type { FlyMachine } from "./shapes.ts";
import { strategies, taskOf } from "./strategies.ts";
import { describeReturn, takeBack } from "./take-back.ts";
import { retire, type Work } from "./work.ts";

/** What shall run, and what is known of it. */
export interface FlyRelease extends Omit<WantedRelease, "secretsRevision"> {
  /** The app's name at Fly. */
  name: string;
  /** Of the image, as its own configuration has it, e.g. "amd64". */
  architecture: string;
}

export interface FlyReleased {
  /** What runs, by digest. */
  image: string;
  /** Whether anything was done, or all was found as it shall be. */
  changed: boolean;
  /** Ids of the machines that run it, sorted. */
  machines: string[];
  /** Things that somebody should know, and that undo nothing. */
  notes: string[];
}

interface Look {
  running: FlyMachine[];
  plan: Plan;
  minSecretsVersion: number | undefined;
}

/** What a preview knows to come before the release, though not what it will be. */
interface Foreseen {
  /** The image will be another one, whose digest is not known yet; the release has the one that runs. */
  unpushed?: boolean;
  /** The app's secrets will be other ones. */
  otherSecrets?: boolean;
}

/** What a release would do, a line a machine. Throws a Failure where it would be refused. */
export async function previewFly(
  options: FlyOptions,
  release: FlyRelease,
  { unpushed = false, otherSecrets = false }: Foreseen = {},
): Promise<{ changes: boolean; lines: string[] }> {
  const { plan } = await look(new FlyApi(release.name, options), release, otherSecrets);
  return { changes: unpushed || !isNothing(plan), lines: describePlan(plan, unpushed) };
}

/** What a first release of an app that there is not yet would make, a line a machine. */
export function previewFirst(app: FlyAppConfig, image: string | undefined): string[] {
  const wanted = wantedMachines({ app, image: image ?? "", secretsRevision: "" });
  return describePlan(planMachines([], wanted), image === undefined);
}

/**
 * Bring an app's machines to a release. It refuses what cannot go well before it changes anything; the release command runs first, on a
 * machine of its own; then machines are changed as the strategy says, each held by a lease and judged by its version, its digest and its
 * checks. One that fails takes every touched machine back to what it was. Throws a Failure that says where things stand.
 */
export async function releaseFly(options: FlyOptions, release: FlyRelease): Promise<FlyReleased> {
  const say = options.say ?? (() => undefined);
  const api = new FlyApi(release.name, options);
  // What was changed is taken back even where the update was cancelled.
  const { signal, ...uncancelled } = options;
  const onward = new FlyApi(release.name, uncancelled);
  const leases = new Leases(onward, say);
  try {
    // Machines are held before the plan is made, so that it is still true when it is carried out.
    for (const machine of (await look(api, release)).running) await leases.take(machine.id, signal);
    const seen = await look(api, release);
    if (isNothing(seen.plan)) return released(release, seen.running, false, []);
    for (const line of describePlan(seen.plan)) say(line);
    const work = workOf(api, release, seen, leases, options);
    for (const machine of seen.plan.leftovers) await leases.ensure(machine.id);
    for (const machine of seen.plan.leftovers) await retire(work, machine);
    await runReleaseCommand(work, release);
    const retirees = await carryOut(work, release, seen, onward);
    const notes = await keep(work, retirees);
    return released(release, await onward.machines(), true, notes);
  } finally {
    await leases.giveBack();
  }
}

async function look(api: FlyApi, release: FlyRelease, otherSecrets = false): Promise<Look> {
  const app = await api.find();
  const early = refuse(release, app ? (app.organization?.slug ?? release.app.organization) : undefined);
  if (early) throw early;
  const [machines, secrets] = [await api.machines(), await api.secrets()];
  const running = machines.filter(
    (machine) => !servesNobody(processOf(machine)) && !machine.state.startsWith("destroy"),
  );
  const secretsRevision = otherSecrets ? "another" : revisionOf(secrets.secrets);
  const wanted = wantedMachines({ ...release, secretsRevision });
  const plan = planMachines(machines, wanted);
  for (const step of plan.steps) {
    if (step.do !== "update" || (step.machine.host_status ?? "ok") === "ok") continue;
    throw new Failure({
      host: release.name,
      tried: `change the machine ${nameOf(step.machine)} (${step.changes.map(describeChange).join("; ")})`,
      cameBack: `the host that it is on does not answer (${step.machine.host_status})`,
      stands: "Nothing was changed.",
      next: "run this again when it answers, or destroy that machine: fly machine destroy --force",
    });
  }
  return { running, plan, minSecretsVersion: secrets.version };
}

/** A name for what an app's secrets are, without a word of them. */
function revisionOf(secrets: readonly { name: string; digest: string }[]): string {
  if (secrets.length === 0) return "";
  const lines = secrets.map(({ name, digest }) => `${name} ${digest}`).toSorted();
  return createHash("sha256").update(lines.join("\n")).digest("hex").slice(0, 16);
}

function workOf(
  api: FlyApi,
  { app }: FlyRelease,
  { minSecretsVersion }: Look,
  leases: Leases,
  options: FlyOptions,
): Work {
  const { waitTimeout, steadyFor, drain } = app.deploy;
  return {
    api,
    leases,
    id: randomUUID(),
    patience: { wait: waitTimeout * 1000, steady: steadyFor * 1000 },
    drain: drain * 1000,
    minSecretsVersion,
    touched: [],
    say: options.say ?? (() => undefined),
    signal: options.signal,
  };
}

/** The strategy, and the way back where it fails. What is left is to retire machines that the app no longer needs. */
async function carryOut(
  work: Work,
  release: FlyRelease,
  { plan, running }: Look,
  onward: FlyApi,
): Promise<FlyMachine[]> {
  const strategy = strategies[release.app.deploy.strategy];
  try {
    return await strategy(work, taskOf(plan, running, release.app));
  } catch (error) {
    work.say(`${wordsOf(error)}; taking back what was changed`);
    const returned = await takeBack({ ...work, api: onward, signal: undefined });
    const secrets = plan.steps.some(
      (step) => step.do === "update" && step.changes.some(({ path }) => path[1] === metadata.secrets),
    );
    const stands = describeReturn(returned);
    throw new Failure({
      host: `${release.name} at Fly`,
      tried: `release ${shortImage(release.image)} (${release.app.deploy.strategy})`,
      cameBack: wordsOf(error),
      stands:
        secrets && returned.length > 0
          ? `${stands}. They have the app's new secrets: Fly gives a machine no older ones`
          : stands,
      next: returned.some(({ wrong }) => wrong !== undefined)
        ? `look at what is not back: fly machine list --app ${release.name}; then correct the release and run this again`
        : error instanceof Failure
          ? error.next
          : "correct what is wrong with the release and run this again",
    });
  }
}

/** What went wrong, without what to do about it. */
function wordsOf(error: unknown): string {
  if (error instanceof AggregateError) return error.errors.map(wordsOf).join("; ");
  return error instanceof Failure ? `${error.tried}: ${error.cameBack}` : messageOf(error);
}

/** From here on nothing is taken back: what serves is the release, and it is healthy. */
async function keep(work: Work, retirees: readonly FlyMachine[]): Promise<string[]> {
  const notes: string[] = [];
  const gone = new Set(retirees.map(({ id }) => id));
  const attempt = async (what: string, act: () => Promise<void>) => {
    try {
      await act();
    } catch (error) {
      notes.push(`${what}: ${messageOf(error)}`);
    }
  };
  for (const touched of work.touched) {
    if (touched.what !== "made" || gone.has(touched.machine.id)) continue;
    const { id } = touched.machine;
    await attempt(`${id} is still marked as on trial, and would be taken for a leftover`, () =>
      work.api.unmark(id, metadata.trial, work.leases.nonce(id)),
    );
  }
  for (const machine of retirees)
    await attempt(`${nameOf(machine)} is no longer needed and still there`, () => retire(work, machine));
  return notes;
}

function released(
  { image }: FlyRelease,
  machines: readonly FlyMachine[],
  changed: boolean,
  notes: string[],
): FlyReleased {
  const ids = machines.filter((machine) => !servesNobody(processOf(machine))).map(({ id }) => id);
  return { image, changed, machines: ids.toSorted(), notes };
}
