import { expect, test } from "vitest";
import { type Examined, examine, readTrial, secondLookSeconds } from "../../../../deployer/release/judge.ts";
import type { Observation } from "../../../../deployer/remote/scripts.ts";
import type { SshSession } from "../../../../deployer/ssh/session.ts";

const old = `/nix/store/${"b".repeat(32)}-nixos-system-web-1`;
const release = `/nix/store/${"a".repeat(32)}-nixos-system-web-2`;
const earlier: Observation = {
  os: "nixos",
  variant: "",
  machine: "x86_64",
  bootId: "boot-1",
  current: old,
  booted: old,
  profile: old,
  pendingReboot: [],
  marker: "{}",
  held: null,
  failed: [],
  trial: { state: "none", exitCode: null, log: "" },
  state: "running",
  restarts: {},
};
const well: Observation = {
  ...earlier,
  current: release,
  trial: { state: "pending", exitCode: 0, log: "" },
};
const crashed = { ...well, failed: [{ unit: "site.service", journal: "boom" }] };

/** A host that answers each look with the next, the last one for good, and a check of its own well. */
function host(
  looks: Observation[],
  { healthyFor = 0, health = [{ command: "true" }] }: Partial<Examined["wanted"]> = {},
) {
  const asked: string[] = [];
  const session = {
    label: "web1",
    target: { host: "web1", address: "203.0.113.7" },
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
  } as unknown as SshSession;
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
  const { trial, asked } = host([well, crashed]);
  expect(await examine(trial, read)).toMatchObject({
    healthy: false,
    because: "these units failed: site.service",
  });
  expect(asked).toEqual(["look", "check", "look"]);
});

test("what somebody switches to meanwhile counts", async () => {
  const { trial } = host([well, { ...well, current: old }]);
  expect(await examine(trial, read)).toMatchObject({ healthy: false, because: expect.stringContaining(old) });
});

test("the last word is the host's, behind its own checks", async () => {
  const { trial, asked } = host([well]);
  const conclude = async () => {
    asked.push("conclude");
    return { seen: well, kept: true };
  };
  expect(await examine({ ...trial, conclude }, read)).toEqual({ healthy: true, seen: well, kept: true });
  expect(asked).toEqual(["look", "check", "conclude"]);
});

test("where nothing is asked of the host itself, there is one look", async () => {
  const { trial, asked } = host([well], { health: [] });
  expect(await examine(trial, read)).toMatchObject({ healthy: true });
  expect(asked).toEqual(["look"]);
});

test("a second look has the time to ask each check once", () => {
  expect(secondLookSeconds([{ command: "slow", timeout: 15 }, { tcp: 22 }])).toBe(20);
});
