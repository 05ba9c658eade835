import {
  type Change,
  describeChange,
  differences,
  needsAnotherVolume,
  outOfTraffic,
  shortImage,
} from "./compare.ts";
import { metadata, releaseCommandProcess, servesNobody, type WantedMachine } from "./machine.ts";
import { type FlyMachine, jsonAt, type MachineConfig } from "./shapes.ts";

/** What becomes of one machine. */
export type Step =
  | { do: "keep"; machine: FlyMachine }
  | { do: "update"; machine: FlyMachine; wanted: WantedMachine; changes: Change[] }
  | { do: "create"; wanted: WantedMachine; instead?: FlyMachine }
  | { do: "destroy"; machine: FlyMachine };

/** Everything that becomes of an app's machines. */
export interface Plan {
  steps: Step[];
  /** Machines on trial or for a release command, left by a deployer that did not end. They go first. */
  leftovers: FlyMachine[];
}

/** The configuration a machine has, whole or as far as it can be read. */
export const configOf = (machine: FlyMachine): MachineConfig =>
  machine.config ?? machine.incomplete_config ?? {};

/** The process whose machine it is. */
export const processOf = (machine: FlyMachine): string =>
  String(jsonAt(configOf(machine), "metadata", metadata.process) ?? "app");

/**
 * Whether a machine is at rest, and is left so by what it is told. One on its way to run, as another tool or Fly's proxy leaves it for
 * moments, is not; nor is one that failed to.
 */
export const isAsleep = ({ state }: FlyMachine): boolean => asleep.has(state);
const asleep = new Set(["created", "stopping", "stopped", "suspending", "suspended"]);

const isGone = ({ state }: FlyMachine): boolean => state === "destroyed" || state === "destroying";

/** Whether a machine is none that serves, but a deployer's that did not end. */
const isLeftover = (machine: FlyMachine): boolean =>
  processOf(machine) === releaseCommandProcess ||
  jsonAt(configOf(machine), "metadata", metadata.trial) !== undefined;

/** What makes the machines that run into the wanted ones. Those of one process and region stand for each other. */
export function planMachines(running: readonly FlyMachine[], wanted: readonly WantedMachine[]): Plan {
  const there = running.filter((machine) => !isGone(machine));
  const serving = there.filter((machine) => !isLeftover(machine) && !servesNobody(processOf(machine)));
  const key = (process: string, region: string) => JSON.stringify([process, region]);
  const groups = new Map<string, { running: FlyMachine[]; wanted: WantedMachine[] }>();
  const groupOf = (name: string) => {
    const group = groups.get(name) ?? { running: [], wanted: [] };
    groups.set(name, group);
    return group;
  };
  for (const one of wanted) groupOf(key(one.process, one.region)).wanted.push(one);
  for (const machine of serving) groupOf(key(processOf(machine), machine.region)).running.push(machine);
  return {
    steps: [...groups.values()].flatMap(planGroup),
    leftovers: there.filter(isLeftover),
  };
}

/** Where there are too many, those go that serve least: the stopped ones, and of the others the latest by id. */
function planGroup(group: { running: FlyMachine[]; wanted: WantedMachine[] }): Step[] {
  const rank = ({ state }: FlyMachine) => (state === "started" ? 0 : 1);
  const running = group.running.toSorted((a, b) => rank(a) - rank(b) || (a.id < b.id ? -1 : 1));
  const paired = group.wanted.map((wanted, index): Step[] => {
    const machine = running[index];
    if (!machine) return [{ do: "create", wanted }];
    const config = configOf(machine);
    if (needsAnotherVolume(config, wanted.config))
      return [
        { do: "create", wanted, instead: machine },
        { do: "destroy", machine },
      ];
    const changes = [
      ...(machine.cordoned ? [outOfTraffic] : []),
      ...differences({ ...config, image: imageOf(machine) }, wanted.config),
    ];
    return changes.length === 0 ? [{ do: "keep", machine }] : [{ do: "update", machine, wanted, changes }];
  });
  const surplus = running.slice(group.wanted.length).map((machine): Step => ({ do: "destroy", machine }));
  return [...paired.flat(), ...surplus];
}

/** The image that a machine runs, by what the platform resolved it to rather than by what it was told. */
export function imageOf(machine: FlyMachine): string {
  const { registry, repository, digest } = machine.image_ref;
  const told = String(configOf(machine)["image"] ?? "");
  return registry && repository && digest ? `${registry}/${repository}@${digest}` : told;
}

/** Whether anything is done at all. */
export const isNothing = ({ steps, leftovers }: Plan): boolean =>
  leftovers.length === 0 && steps.every((step) => step.do === "keep");

/** A machine as people know it. */
export const nameOf = (machine: Pick<FlyMachine, "id" | "region">): string =>
  `${machine.id} (${machine.region})`;

/**
 * What becomes of each machine, a line each.
 * @param unpushed in a preview, where the image is another one whose digest is not known before it is pushed; the plan has the old one
 */
export const describePlan = ({ steps, leftovers }: Plan, unpushed = false): string[] => [
  ...steps.map((step) => describeStep(step, unpushed)),
  ...leftovers.map((machine) => `${nameOf(machine)}: left by a deployer that did not end; goes`),
];

const anotherImage = "image: another one, which is pushed first";

function describeStep(step: Step, unpushed: boolean): string {
  switch (step.do) {
    case "keep":
      return `${nameOf(step.machine)}: ${unpushed ? anotherImage : "unchanged"}`;
    case "update": {
      const changes = step.changes.map(describeChange);
      return `${nameOf(step.machine)}: ${[...(unpushed ? [anotherImage] : []), ...changes].join("; ")}`;
    }
    case "create": {
      const { wanted, instead } = step;
      const why = instead ? `, with another volume, instead of ${instead.id}` : "";
      const image = unpushed ? anotherImage : shortImage(String(wanted.config["image"]));
      return `a new machine in ${wanted.region} for ${wanted.process}${why}: ${image}`;
    }
    case "destroy":
      return `${nameOf(step.machine)}: goes; a volume that it has stays`;
  }
}
