import { expect, test } from "vitest";
import { type RebootTrial, rebootOnTrial } from "../../../../deployer/release/reboot.ts";
import type { ScriptName } from "../../../../deployer/remote/scripts.ts";
import { earlier, old, playedSession, target, release as wanted } from "./observed.ts";

/** A host that has switched to another kernel's system, and not booted it. */
const before = { ...earlier, current: wanted, profile: wanted, pendingReboot: ["kernel"] };
const onTrial = { ...before, bootId: "boot-2", booted: wanted, pendingReboot: [] };
const failed = { ...onTrial, failed: [{ unit: "site.service", journal: "exited" }] };
const returned = { ...before, bootId: "boot-3", current: old, pendingReboot: [] };

/** How each script tells what it is for. */
const known: [ScriptName, RegExp][] = [
  ["reboot", /^# Boot a system once/m],
  ["reboot-keep", /^# The boot was found healthy/m],
  ["reboot-return", /^# Give up a boot/m],
  ["observe", /^# What the host is and runs now/m],
];
const lost = new Error("the connection broke");
type Played = object | Error;

/** A host that answers each script with the next that is meant for it, the last one for good. */
function host(answers: Partial<Record<ScriptName, Played[]>>) {
  const asked: ScriptName[] = [];
  const session = playedSession({
    label: "web1 (203.0.113.7)",
    target,
    renew: async () => undefined,
    drop: () => undefined,
    sh: async (script: string) => {
      const name = known.find(([, mark]) => mark.test(script))?.[0];
      if (name === undefined) throw new Error(`nobody expects ${script.slice(0, 60)}`);
      asked.push(name);
      const left = answers[name] ?? [];
      const answer = left.length > 1 ? left.shift() : left[0];
      if (answer instanceof Error) throw answer;
      return { exitCode: 0, stdout: `${JSON.stringify(answer)}\n`, stderr: "" };
    },
  });
  const trial: RebootTrial = {
    session,
    id: "abc",
    wanted: {
      drvPath: "",
      toplevel: wanted,
      system: "x86_64-linux",
      health: [],
      healthDeadline: 5,
      bootDeadline: 5,
      owner: "me",
    },
    earlier: before,
    hooks: { status: () => undefined },
  };
  return { trial, asked: (name: ScriptName) => asked.filter((one) => one === name).length };
}
const ordered = { ok: true, fallback: old };
const why = (trial: RebootTrial): Promise<string> =>
  rebootOnTrial(trial, "kernel").then(
    () => "it was kept",
    (error: Error) => error.message,
  );

test("a boot that is kept is kept though the answer to that was lost", async () => {
  const { trial, asked } = host({
    reboot: [ordered],
    observe: [before, onTrial],
    "reboot-keep": [lost, lost, { ok: true }],
  });
  expect(await rebootOnTrial(trial, "kernel")).toEqual([]);
  expect([asked("reboot-keep"), asked("reboot-return")]).toEqual([3, 0]);
});

test("a boot is judged though the answer to its order was lost", async () => {
  const { trial } = host({ reboot: [lost], observe: [before, onTrial], "reboot-keep": [{ ok: true }] });
  expect(await rebootOnTrial(trial, "kernel")).toEqual([]);
});

test("a boot whose order was lost, and that is ill, is returned from to what the host says", async () => {
  const { trial } = host({
    reboot: [lost],
    observe: [before, failed, failed, failed, returned],
    "reboot-return": [
      { ok: true, rebooting: true, fallback: old },
      { ok: true, rebooting: false, fallback: old },
    ],
  });
  expect(await why(trial)).toMatch(
    new RegExp(
      `these units failed: site.service[^]*Rebooted into ${old}; the host was read back and runs it\\.`,
    ),
  );
});

test("a host that came back by itself is not said to have another profile", async () => {
  const { trial, asked } = host({
    reboot: [ordered],
    observe: [before, returned],
    "reboot-return": [
      { ok: true, rebooting: false, fallback: old },
      { ok: false, because: "there is none" },
    ],
  });
  const message = await why(trial);
  expect(message).toContain(`Rebooted into ${old}; the host was read back and runs it. `);
  expect(asked("reboot-return")).toBe(1);
});

test("a host on which nothing is on trial any more is read at once, and nothing is claimed of a reset", async () => {
  const { trial } = host({
    reboot: [ordered],
    observe: [before, onTrial],
    "reboot-keep": [{ ok: false, because: "the boot is no longer on trial" }],
    "reboot-return": [{ ok: false, because: "there is no such boot on trial" }],
  });
  const message = await why(trial);
  expect(message).toContain(
    `The host does not go back (there is no such boot on trial); it runs ${wanted}, and its profile is ${wanted}`,
  );
  expect(message).not.toContain("reset");
});

test("an order that the host refuses is told, and nothing has been rebooted", async () => {
  const { trial, asked } = host({ reboot: [{ ok: false, because: "no entry" }], observe: [before] });
  expect(await why(trial)).toMatch(/boot \S+ on trial: no entry\. It was not rebooted and runs/);
  expect(asked("reboot-return")).toBe(0);
});
