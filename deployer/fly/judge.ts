import type { FlyApi } from "./api.ts";
import { shortImage } from "./compare.ts";
import { checksOf } from "./machine.ts";
import { configOf, imageOf } from "./plan.ts";
import type { FlyMachine } from "./shapes.ts";

/** What a machine has to be. */
export interface Expected {
  id: string;
  /** The version that the change gave it. */
  version: string;
  /** Digest of the image it has to run. */
  digest: string;
}

/** How long a machine is given, in milliseconds. */
export interface Patience {
  /** To start, and again to become healthy. */
  wait: number;
  /** That it runs without a crash before its checks count. */
  steady: number;
}

export type MachineVerdict = { healthy: true } | { healthy: false; because: string };

const lookEvery = 1000;
/** Once may be a neighbour that was not up yet. */
const crashesAllowed = 1;

/**
 * Whether a machine runs what it was told to, and is healthy: the version that the change gave it has started, the digest is the wanted one
 * (the platform may have gone back without a word), it runs steadily, and every check passes.
 * @param held throws when the machine is no longer this deployer's
 */
export async function judge(
  api: FlyApi,
  expected: Expected,
  patience: Patience,
  held: () => void,
): Promise<MachineVerdict> {
  const { id, version } = expected;
  const started = await api.waitFor(id, "started", version, patience.wait);
  const { clock } = api;
  const until = clock.now() + patience.wait + patience.steady;
  let steadySince = clock.now();
  let crashes = 0;
  for (;;) {
    held();
    const machine = await api.machine(id);
    if (!machine || machine.state === "destroyed") return unhealthy("it is gone");
    const other = otherThan(machine, expected);
    if (other) return unhealthy(other);
    const ended = endsOf(machine);
    if (!started)
      return unhealthy(
        `it did not start within ${patience.wait / 1000} s: it is ${machine.state}${saidOf(ended)}`,
      );
    if (ended.length > crashes) {
      crashes = ended.length;
      steadySince = clock.now();
    }
    if (crashes > crashesAllowed) return unhealthy(`it crashed ${crashes} times${saidOf(ended)}`);
    if (["stopped", "failed", "suspended"].includes(machine.state))
      return unhealthy(`it is ${machine.state}${saidOf(ended)}`);
    const failing = failingChecks(machine);
    const steady = machine.state === "started" && clock.now() - steadySince >= patience.steady;
    if (steady && failing.length === 0) return { healthy: true };
    if (clock.now() >= until)
      return unhealthy(
        failing.length > 0
          ? `${failing.join("; ")}, for ${patience.wait / 1000} s`
          : `it is ${machine.state}${saidOf(ended)}`,
      );
    await clock.sleep(lookEvery);
  }
}

const unhealthy = (because: string): MachineVerdict => ({ healthy: false, because });

/** How a machine is not the one that was made of it. */
function otherThan(machine: FlyMachine, { version, digest }: Expected): string | undefined {
  const runs = shortImage(imageOf(machine));
  if (version && machine.instance_id !== version)
    return machine.image_ref.digest === digest
      ? `somebody else changed it meanwhile: it is at version ${machine.instance_id}`
      : `the platform took the change and went back without a word: it runs ${runs} at version ${machine.instance_id}`;
  return machine.image_ref.digest === digest ? undefined : `it runs another image than it was told: ${runs}`;
}

/** How its process ended since it was last made or changed, the latest first; what was asked to stop does not count. */
function endsOf(machine: FlyMachine): string[] {
  const since = machine.events.findIndex(({ type }) => type === "update" || type === "launch");
  return machine.events
    .slice(0, since === -1 ? machine.events.length : since)
    .flatMap(({ type, request }) => {
      const exit = request?.MonitorEvent?.exit_event ?? request?.exit_event;
      if (type !== "exit" || exit?.requested_stop) return [];
      return [exit?.oom_killed ? "out of memory" : `exit code ${exit?.exit_code ?? "unknown"}`];
    });
}

const saidOf = ([last]: readonly string[]): string => (last === undefined ? "" : ` (${last})`);

/** What does not pass yet, each in words. Checks that have not been run are not in the answer, and count as failing. */
export function failingChecks(machine: FlyMachine): string[] {
  const wanted = checksOf(configOf(machine));
  const passing = machine.checks.filter(({ status }) => status === "passing");
  if (passing.length >= wanted) return [];
  const failing = machine.checks
    .filter(({ status }) => status !== "passing")
    .map(
      ({ name, status, output }) =>
        `the check ${name} is ${status}${output ? `: ${output.trim().slice(0, 200)}` : ""}`,
    );
  return failing.length > 0 ? failing : [`${wanted - passing.length} of its checks have not been run yet`];
}
