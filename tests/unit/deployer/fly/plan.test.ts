import fc from "fast-check";
import { expect, test } from "vitest";
import { parseFlyApp } from "../../../../config/fly.ts";
import { wantedMachines } from "../../../../deployer/fly/machine.ts";
import { describePlan, isNothing, planMachines } from "../../../../deployer/fly/plan.ts";
import { type FlyMachine, flyMachine } from "../../../../deployer/fly/shapes.ts";

const digest = (letter: string) => `sha256:${letter.repeat(64)}`;
const wanted = (regions: Record<string, number>, letter = "b") =>
  wantedMachines({
    app: parseFlyApp({
      regions,
      primaryRegion: "sea",
      image: { package: "site" },
      services: [{ internalPort: 8080 }],
    }),
    image: `registry.fly.io/shop@${digest(letter)}`,
    secretsRevision: "",
  });

/** A machine that runs, as the API gives it. */
function machine(
  id: string,
  region: string,
  letter: string,
  more: object = {},
  metadata: object = {},
): FlyMachine {
  const config = wanted({ [region]: 1 }, letter)[0]?.config ?? {};
  return flyMachine.parse({
    id,
    region,
    state: "started",
    image_ref: { registry: "registry.fly.io", repository: "shop", digest: digest(letter) },
    config: { ...config, metadata: { ...(config["metadata"] as object), ...metadata } },
    ...more,
  });
}
const told = (running: FlyMachine[], regions: Record<string, number>) =>
  describePlan(planMachines(running, wanted(regions)));

test("machines become what is wanted in their own region", () => {
  expect(
    told([machine("m1", "sea", "a"), machine("m2", "fra", "b"), machine("m3", "ams", "a")], {
      sea: 2,
      fra: 1,
    }),
  ).toEqual([
    "m2 (fra): unchanged",
    "m1 (sea): image: registry.fly.io/shop@sha256:aaaaaaaaaaaa… -> registry.fly.io/shop@sha256:bbbbbbbbbbbb…",
    "a new machine in sea for app: registry.fly.io/shop@sha256:bbbbbbbbbbbb…",
    "m3 (ams): goes; a volume that it has stays",
  ]);
});

test("a machine that is out of the traffic is not as it shall be, whatever it runs", () => {
  expect(
    told([machine("m1", "sea", "b", { cordoned: true }), machine("m2", "sea", "b")], { sea: 2 }),
  ).toEqual([
    "m1 (sea): it is out of the traffic, and gets it again once it is healthy",
    "m2 (sea): unchanged",
  ]);
});

test("of too many machines the stopped ones go first", () => {
  expect(
    told([machine("m1", "sea", "b", { state: "stopped" }), machine("m2", "sea", "b")], { sea: 1 }),
  ).toEqual(["m2 (sea): unchanged", "m1 (sea): goes; a volume that it has stays"]);
});

test("a machine that was told the image and runs another one is updated", () => {
  const reverted = machine("m1", "sea", "b", {
    image_ref: { registry: "registry.fly.io", repository: "shop", digest: digest("a") },
  });
  expect(planMachines([reverted], wanted({ sea: 1 })).steps).toMatchObject([{ do: "update" }]);
});

test("what a dead deployer left goes, and what is gone or a person's console counts for nothing", () => {
  const plan = planMachines(
    [
      machine("m1", "sea", "b"),
      machine("green", "sea", "b", {}, { berth_trial: "r1" }),
      machine("command", "sea", "b", {}, { fly_process_group: "fly_app_release_command" }),
      machine("console", "sea", "b", {}, { fly_process_group: "fly_app_console" }),
      machine("gone", "sea", "b", { state: "destroyed" }),
    ],
    wanted({ sea: 1 }),
  );
  expect(plan.steps).toMatchObject([{ do: "keep", machine: { id: "m1" } }]);
  expect(plan.leftovers.map(({ id }) => id)).toEqual(["green", "command"]);
  expect(isNothing(plan)).toBe(false);
});

test("whatever runs, there is in the end what is wanted, and no machine is spoken of twice", () => {
  const region = fc.constantFrom("sea", "fra", "ams");
  const running = fc.array(
    fc.tuple(region, fc.constantFrom("a", "b"), fc.constantFrom("started", "stopped")),
    {
      maxLength: 8,
    },
  );
  fc.assert(
    fc.property(
      running,
      fc.dictionary(region, fc.integer({ min: 1, max: 3 }), { minKeys: 1 }),
      (there, regions) => {
        const machines = there.map(([where, letter, state], index) =>
          machine(`m${index}`, where, letter, { state }),
        );
        const { steps } = planMachines(machines, wanted(regions));
        const inTheEnd = steps.flatMap((step) =>
          step.do === "destroy" ? [] : [step.do === "create" ? step.wanted.region : step.machine.region],
        );
        expect(inTheEnd.toSorted()).toEqual(
          Object.entries(regions)
            .flatMap(([where, count]) => Array(count).fill(where))
            .toSorted(),
        );
        const spoken = steps.flatMap((step) => (step.do === "create" ? [] : [step.machine.id]));
        expect(spoken.toSorted()).toEqual(machines.map(({ id }) => id).toSorted());
      },
    ),
  );
});
