import { describe, expect, test } from "vitest";
import {
  explainExitCode,
  readBoot,
  readTrial,
  restartedBetween,
  type TrialVerdict,
} from "../../../../deployer/release/judge.ts";
import type { Observation } from "../../../../deployer/remote/scripts.ts";
import { earlier, old, release, switched } from "./observed.ts";

const failed = (unit: string) => ({ unit, journal: `${unit}: exited` });
const trial = (changes: Partial<Observation["trial"]>) => ({ trial: { ...switched.trial, ...changes } });

const unhealthy = (because: string, units: readonly string[] = []): TrialVerdict => ({
  healthy: false,
  because,
  units: units.map(failed),
});

describe("a trial", () => {
  test.each<[string, Partial<Observation>, Partial<Observation>, TrialVerdict | undefined]>([
    [
      "is healthy when the switch ended well and the release runs",
      {},
      {},
      { healthy: true, seen: expect.anything() },
    ],
    ["is not over while the switch goes on", { current: old, ...trial({ exitCode: null }) }, {}, undefined],
    [
      "is not over while the switch goes on, though the link is already new and a unit is down in between",
      { ...trial({ exitCode: null }), failed: [failed("site.service")] },
      {},
      undefined,
    ],
    [
      "is bad when a unit failed by it",
      { failed: [failed("site.service"), failed("nginx.service")] },
      {},
      unhealthy("these units failed: site.service, nginx.service", ["site.service", "nginx.service"]),
    ],
    [
      "is not to blame for a unit that had failed before",
      { failed: [failed("backup.service")] },
      { failed: [failed("backup.service")] },
      { healthy: true, seen: expect.anything() },
    ],
    [
      "is to blame for its own beside such a one",
      { failed: [failed("backup.service"), failed("site.service")] },
      { failed: [failed("backup.service")] },
      unhealthy("these units failed: site.service", ["site.service"]),
    ],
    [
      "names failed units rather than the exit code that tells of them",
      { failed: [failed("site.service")], ...trial({ exitCode: 4, log: "warning: failed" }) },
      {},
      unhealthy("these units failed: site.service", ["site.service"]),
    ],
    [
      "is bad when the switch failed, and shows its last lines",
      trial({ exitCode: 2, log: "setting up /etc...\nno space left\n" }),
      {},
      unhealthy(
        "switch-to-configuration ended with 2 (an activation script failed)\nsetting up /etc...\nno space left",
      ),
    ],
    [
      "is bad when the switch failed without a word",
      trial({ exitCode: 100 }),
      {},
      unhealthy(
        "switch-to-configuration ended with 100 (nothing was activated: the init interface changed, a reboot is needed)",
      ),
    ],
    [
      "is bad when the switch ended well and something else runs",
      { current: old },
      {},
      unhealthy(`/run/current-system is ${old}, not the release`),
    ],
    [
      "is bad when nothing runs",
      { current: null },
      {},
      unhealthy("/run/current-system is null, not the release"),
    ],
    [
      "is bad when the host rebooted, whatever runs now",
      { bootId: "boot-2" },
      {},
      unhealthy("the host rebooted during the trial"),
    ],
    [
      "is bad when the host rebooted while it switched",
      { bootId: "boot-2", ...trial({ state: "none", exitCode: null }) },
      {},
      unhealthy("the host rebooted during the trial"),
    ],
    ...(["rolling-back", "rolled-back"] as const).flatMap(
      (state): [string, Partial<Observation>, Partial<Observation>, TrialVerdict][] => [
        [
          `is over when the guard is ${state}, though all looks well`,
          trial({ state }),
          {},
          unhealthy("the guard on the host rolled back before it was confirmed"),
        ],
        [
          `is over when the guard is ${state} before the switch has ended`,
          { ...trial({ state, exitCode: null }), current: old },
          {},
          unhealthy("the guard on the host rolled back before it was confirmed"),
        ],
        [
          `is over when the guard is ${state} by a reboot`,
          { ...trial({ state }), bootId: "boot-2" },
          {},
          unhealthy("the guard on the host rolled back before it was confirmed"),
        ],
      ],
    ),
  ])("%s", (_, now, before, expected) => {
    expect(readTrial({ ...switched, ...now }, { ...earlier, ...before }, release)).toEqual(expected);
  });
});

describe("a boot on trial", () => {
  /** A host that has booted the release. */
  const up: Observation = { ...earlier, bootId: "boot-2", current: release, booted: release };

  test.each<[string, Partial<Observation>, Partial<Observation>, TrialVerdict | undefined]>([
    [
      "is healthy when systemd is done and the release runs",
      {},
      {},
      { healthy: true, seen: expect.anything() },
    ],
    [
      "is healthy beside a unit that had failed before",
      { state: "degraded", failed: [failed("a.service")] },
      { failed: [failed("a.service")] },
      { healthy: true, seen: expect.anything() },
    ],
    ["is not over while systemd starts", { state: "starting" }, {}, undefined],
    ["is not over while systemd does not say", { state: "" }, {}, undefined],
    [
      "is bad when something else booted, whatever its state",
      { booted: old, current: old, state: "starting" },
      {},
      unhealthy(`it came up with ${old} instead: the new system did not boot`),
    ],
    [
      "is bad as soon as a unit failed",
      { state: "starting", failed: [failed("site.service")] },
      {},
      unhealthy("these units failed: site.service", ["site.service"]),
    ],
    [
      "is bad when something else runs",
      { current: old },
      {},
      unhealthy(`/run/current-system is ${old}, not the release`),
    ],
  ])("%s", (_, now, before, expected) => {
    expect(readBoot({ ...up, ...now }, { ...earlier, ...before }, release)).toEqual(expected);
  });
});

test.each<[string, Record<string, number>, Record<string, number>, string[]]>([
  ["nothing", {}, {}, []],
  ["a unit that crashes", {}, { "site.service": 1 }, ["site.service"]],
  ["a unit that goes on crashing", { "site.service": 3 }, { "site.service": 4 }, ["site.service"]],
  ["not one that did so earlier", { "site.service": 3 }, { "site.service": 3 }, []],
  ["not one that was restarted by hand", { "site.service": 3 }, {}, []],
])("what systemd restarted by itself between two looks: %s", (_, before, after, expected) => {
  expect(
    restartedBetween({ ...earlier, restarts: before }, { ...earlier, restarts: after }, earlier),
  ).toEqual(expected);
});

test("a unit that had crashed before the release is none that systemd had to restart because of it", () => {
  const restarts = { "site.service": 1, "flappy.service": 41 };
  const before = { ...earlier, failed: [failed("flappy.service")] };
  const first = { ...switched, restarts: { "flappy.service": 40 } };
  expect(restartedBetween(first, { ...switched, restarts }, before)).toEqual(["site.service"]);
});

test.each([
  [1, "a pre-switch check or the boot loader failed"],
  [2, "an activation script failed"],
  [4, "a unit failed or keeps restarting"],
  [100, "nothing was activated: the init interface changed, a reboot is needed"],
  [128, "it was killed or could not take its lock"],
  [137, "it was killed or could not take its lock"],
])("exit code %i of a switch means that %s", (code, meaning) => {
  expect(explainExitCode(code)).toBe(meaning);
});
