import { messageOf } from "../failure.ts";
import { shortImage } from "./compare.ts";
import { judge } from "./judge.ts";
import { configOf, imageOf, isAsleep, nameOf } from "./plan.ts";
import type { FlyMachine, MachineConfig } from "./shapes.ts";
import { digestOf, serves, stepAside, type Touched, type Work } from "./work.ts";

/** What became of one machine on the way back. */
export interface Returned {
  machine: FlyMachine;
  /** Whether the release made it: then it is gone again. */
  made: boolean;
  /** Undefined where it is as it was, read back and healthy. */
  wrong?: string;
}

/**
 * Bring every machine that a release has touched back to what was captured of it, the latest first. Each is read back; nothing counts as
 * returned because it was asked for. Never throws: what cannot be brought back is told.
 */
export async function takeBack(work: Work): Promise<Returned[]> {
  const returned: Returned[] = [];
  for (const touched of work.touched.toReversed()) {
    const machine = touched.what === "changed" ? touched.before : touched.machine;
    const made = touched.what === "made";
    try {
      const wrong = await bringBack(work, touched);
      returned.push({ machine, made, ...(wrong !== undefined && { wrong }) });
      work.say(`${nameOf(machine)}: ${wrong === undefined ? wordsOf(touched) : `not back: ${wrong}`}`);
    } catch (error) {
      returned.push({ machine, made, wrong: messageOf(error) });
    }
  }
  return returned;
}

const wordsOf = ({ what }: Touched): string =>
  what === "made" ? "destroyed again" : what === "cordoned" ? "in the traffic again" : "back, and as it was";

async function bringBack(work: Work, touched: Touched): Promise<string | undefined> {
  switch (touched.what) {
    case "made":
      return await unmake(work, touched.machine);
    case "cordoned": {
      const { id } = touched.machine;
      await work.api.uncordon(id, await work.leases.ensure(id));
      return (await work.api.machine(id))?.cordoned ? "it is still out of the traffic" : undefined;
    }
    case "changed":
      return await restore(work, touched.before);
  }
}

async function unmake({ api, leases }: Work, machine: FlyMachine): Promise<string | undefined> {
  await api.destroy(machine.id, await leases.ensure(machine.id));
  leases.forget(machine.id);
  const now = await api.machine(machine.id);
  return now === undefined || now.state.startsWith("destroy") ? undefined : `it is ${now.state} still`;
}

async function restore(work: Work, before: FlyMachine): Promise<string | undefined> {
  const { api, leases } = work;
  const { id } = before;
  const nonce = await leases.ensure(id);
  const now = await api.machine(id);
  if (!now || now.state.startsWith("destroy")) return "it is gone";
  const asleep = isAsleep(before);
  const config = captured(before);
  // Untouched, as when the order to change it was refused.
  let version = now.instance_id;
  if (version !== before.instance_id) {
    if (now.state === "started" && serves(now) && (await otherServes(work, now))) await stepAside(work, id);
    const launch = { config, region: before.region, skipLaunch: asleep };
    version = (await api.updateMachine(now, launch, nonce, version)).instance_id;
  }
  if (asleep) {
    const runs = await api.machine(id);
    return runs?.image_ref.digest === before.image_ref.digest
      ? undefined
      : "it has another image than before";
  }
  const verdict = await judge(api, { id, version, digest: digestOf(config) }, work.patience, () =>
    leases.nonce(id),
  );
  if (!verdict.healthy) return verdict.because;
  if (!before.cordoned) await api.uncordon(id, leases.nonce(id));
  return undefined;
}

/** What a machine had, with the very image that it ran: a tag may name another one by now. */
function captured(before: FlyMachine): MachineConfig {
  return { ...configOf(before), image: imageOf(before) };
}

/** Whether another machine takes the traffic as things stand now. */
const otherServes = async ({ api }: Work, machine: FlyMachine): Promise<boolean> =>
  (await api.machines()).some((one) => one.id !== machine.id && serves(one));

/** Where things stand after it, for people. */
export function describeReturn(returned: readonly Returned[]): string {
  if (returned.length === 0) return "No machine was changed.";
  const well = returned.filter(({ wrong }) => wrong === undefined);
  const back = well.filter(({ made }) => !made);
  const images = [...new Set(back.map(({ machine }) => shortImage(imageOf(machine))))].join(", ");
  const wrong = returned.filter((one) => one.wrong !== undefined);
  const gone = well.length - back.length;
  return [
    ...(back.length > 0
      ? [
          `${count(back.length)} it touched ${back.length === 1 ? "is" : "are"} back on ${images}, read back and healthy.`,
        ]
      : []),
    ...(gone > 0 ? [`${count(gone)} it made ${gone === 1 ? "is" : "are"} destroyed again.`] : []),
    ...(wrong.length > 0
      ? [`Not as before:\n${wrong.map((one) => `  ${nameOf(one.machine)}: ${one.wrong}`).join("\n")}\n`]
      : []),
  ].join(" ");
}

const count = (machines: number): string =>
  machines === 1 ? "The machine that" : `The ${machines} machines that`;
