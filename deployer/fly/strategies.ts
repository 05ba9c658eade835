import type { FlyAppConfig } from "../../config/fly.ts";
import { isAsleep, type Plan, processOf, type Step } from "./plan.ts";
import type { FlyMachine } from "./shapes.ts";
import { admit, change, inPools, make, othersServing, serves, stepAside, type Work } from "./work.ts";

type Update = Extract<Step, { do: "update" }>;
type Create = Extract<Step, { do: "create" }>;

/** What a strategy works on. */
export interface Task {
  updates: Update[];
  creates: Create[];
  /** Machines that there shall no longer be. */
  surplus: FlyMachine[];
  /** Those that run before the release. */
  running: FlyMachine[];
  maxUnavailable: number;
}

/** Machines to retire when everything is healthy; by then nothing is taken back any more. */
export type ToRetire = FlyMachine[];

export const taskOf = ({ steps }: Plan, running: readonly FlyMachine[], app: FlyAppConfig): Task => ({
  updates: steps.filter((step) => step.do === "update"),
  creates: steps.filter((step) => step.do === "create"),
  surplus: steps.flatMap((step) => (step.do === "destroy" ? [step.machine] : [])),
  running: [...running],
  maxUnavailable: app.deploy.maxUnavailable,
});

/** How many of so many machines may be on the way at once: never all, where another one could answer meanwhile. */
export function atOnce(maxUnavailable: number, machines: number): number {
  const wanted = maxUnavailable < 1 ? Math.ceil(machines * maxUnavailable) : maxUnavailable;
  return Math.max(1, Math.min(wanted, machines - 1));
}

/** One machine first, then the others some at a time, each process for itself. New ones come first: they show whether the release starts. */
export async function rolling(work: Work, task: Task): Promise<ToRetire> {
  const made = await makeAll(work, task.creates);
  await updateAll(work, task, made);
  return task.surplus;
}

/** One machine more for each process that is changed, in the traffic until the others have been changed. */
export async function canary(work: Work, task: Task): Promise<ToRetire> {
  const firsts = byProcess(task.updates).flatMap(([first]) => first ?? []);
  const canaries = await makeAll(
    work,
    firsts.map(({ wanted }) => ({ do: "create", wanted })),
  );
  const made = await makeAll(work, task.creates);
  await updateAll(work, task, [...canaries, ...made]);
  return [...canaries, ...task.surplus];
}

/** All of them anew, out of the traffic; when every one is healthy they get it, and the old ones no longer. */
export async function bluegreen(work: Work, task: Task): Promise<ToRetire> {
  const green = await inPools([...task.updates, ...task.creates], together, ({ wanted }) =>
    make(work, wanted),
  );
  for (const machine of green) await admit(work, machine);
  await work.api.clock.sleep(work.drain, work.signal);
  const blue = [...task.updates.map(({ machine }) => machine), ...task.surplus];
  await inPools(blue.filter(serves), together, async (machine) => {
    work.touched.push({ what: "cordoned", machine });
    await stepAside(work, machine.id);
  });
  return blue.map((machine) => ({ ...machine, cordoned: true }));
}

/** All at once. Whoever asks meanwhile finds nobody. */
export async function immediate(work: Work, task: Task): Promise<ToRetire> {
  const { updates, creates } = task;
  await inPools([...updates, ...creates], updates.length + creates.length, async (step) => {
    if (step.do === "create") await admit(work, await make(work, step.wanted));
    else await change(work, step.machine, step.wanted, false, false);
  });
  return task.surplus;
}

/** Machines that are made at once. */
const together = 5;

async function makeAll(work: Work, creates: readonly Create[]): Promise<FlyMachine[]> {
  const made = await inPools(creates, together, ({ wanted }) => make(work, wanted));
  for (const machine of made) await admit(work, machine);
  return made.map((machine) => ({ ...machine, state: "started", cordoned: false }));
}

async function updateAll(work: Work, task: Task, made: readonly FlyMachine[]): Promise<void> {
  for (const updates of byProcess(task.updates)) {
    const [first, ...rest] = updates;
    if (!first) continue;
    const all = [...task.running, ...made];
    // Where every machine sleeps, one is woken: a release that was never started is not known to start.
    const wake = updates.every(({ machine }) => isAsleep(machine));
    const one = ({ machine, wanted }: Update, launch: boolean) =>
      change(work, machine, wanted, othersServing(all, machine), launch);
    await one(first, wake);
    await inPools(rest, atOnce(task.maxUnavailable, updates.length), (update) => one(update, false));
  }
}

/** Updates of each process, those first that run. */
function byProcess(updates: readonly Update[]): Update[][] {
  const groups = new Map<string, Update[]>();
  for (const update of updates) {
    const process = processOf(update.machine);
    groups.set(process, [...(groups.get(process) ?? []), update]);
  }
  const asleep = ({ machine }: Update) => Number(isAsleep(machine));
  return [...groups.values()].map((group) => group.toSorted((a, b) => asleep(a) - asleep(b)));
}

export const strategies = { rolling, canary, bluegreen, immediate };
