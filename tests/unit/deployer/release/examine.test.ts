import { expect, test } from "vitest";
import { type Examined, examine, readTrial, secondLookSeconds } from "../../../../deployer/release/judge.ts";
import type { Observation } from "../../../../deployer/remote/scripts.ts";
import type { RemoteOptions } from "../../../../deployer/ssh/session.ts";
import { earlier, old, playedSession, release, switched, target } from "./observed.ts";

const crashed = { ...switched, failed: [{ unit: "site.service", journal: "boom" }] };

/** A host that answers each look with the next, the last one for good, and a check of its own well. */
function host(
  looks: Observation[],
  { healthyFor = 0, health = [{ command: "true" }] }: Partial<Examined["wanted"]> = {},
) {
  const asked: string[] = [];
  const session = playedSession({
    label: "web1",
    target,
    renew: async () => undefined,
    sh: async (script: string, { input }: RemoteOptions) => {
      if (script.includes("# The last words of a unit.") && input === "text=site.service\n---\n")
        return { exitCode: 0, stdout: '{"journal":"out of memory\\nexited"}\n', stderr: "" };
      const isCheck = /^# Ask one of the host's own health checks/m.test(script);
      asked.push(isCheck ? "check" : "look");
      const answer = isCheck
        ? { well: true, timedOut: false, because: "", output: "" }
        : looks.length > 1
          ? looks.shift()
          : looks[0];
      return { exitCode: 0, stdout: `${JSON.stringify(answer)}\n`, stderr: "" };
    },
  });
  const wanted = {
    toplevel: release,
    drvPath: "",
    system: "",
    health,
    healthDeadline: 5,
    healthyFor,
    owner: "me",
  };
  const trial: Examined = { session, id: "abc", wanted, earlier, hooks: { status: () => undefined } };
  return { trial, asked };
}
const read = (now: Observation) => readTrial(now, earlier, release);

test("a unit that fails while the host answers its own checks counts", async () => {
  const { trial, asked } = host([switched, crashed]);
  expect(await examine(trial, read)).toMatchObject({
    healthy: false,
    because: "these units failed: site.service",
  });
  expect(asked).toEqual(["look", "check", "look"]);
});

test("what somebody switches to meanwhile counts", async () => {
  const { trial } = host([switched, { ...switched, current: old }]);
  expect(await examine(trial, read)).toMatchObject({ healthy: false, because: expect.stringContaining(old) });
});

test("the last word is the host's, behind its own checks", async () => {
  const { trial, asked } = host([switched]);
  const conclude = async () => {
    asked.push("conclude");
    return { seen: switched, kept: true };
  };
  expect(await examine({ ...trial, conclude }, read)).toEqual({ healthy: true, seen: switched, kept: true });
  expect(asked).toEqual(["look", "check", "conclude"]);
});

test("where nothing is asked of the host itself, there is one look", async () => {
  const { trial, asked } = host([switched], { health: [] });
  expect(await examine(trial, read)).toMatchObject({ healthy: true });
  expect(asked).toEqual(["look"]);
});

test("a unit that systemd had to restart is named with its last words, and one that had crashed before is not", async () => {
  const restarts = { "site.service": 1, "flappy.service": 8 };
  const looks = [
    { ...switched, restarts: { "flappy.service": 7 } },
    { ...switched, restarts },
  ];
  const { trial } = host(looks, { healthyFor: 0.01, health: [] });
  const flappy = { unit: "flappy.service", journal: "" };
  expect(await examine({ ...trial, earlier: { ...earlier, failed: [flappy] } }, read)).toEqual({
    healthy: false,
    because: "it did not stay healthy for 0.01 s: systemd had to restart site.service",
    units: [{ unit: "site.service", journal: "out of memory\nexited" }],
  });
});

test("a second look has the time to ask each check once", () => {
  expect(secondLookSeconds([{ command: "slow", timeout: 15 }, { tcp: 22 }])).toBe(20);
});
