import { expect, test } from "vitest";
import { type Examined, examine, readTrial, secondLookSeconds } from "../../../../deployer/release/judge.ts";
import type { Observation } from "../../../../deployer/remote/scripts.ts";
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
    sh: async (script: string) => {
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
  const trial: Examined = { session, id: "abc", wanted, hooks: { status: () => undefined } };
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

test("a second look has the time to ask each check once", () => {
  expect(secondLookSeconds([{ command: "slow", timeout: 15 }, { tcp: 22 }])).toBe(20);
});
