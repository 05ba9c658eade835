import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { run } from "../../../../deployer/process.ts";
import { confirm, confirmIfWell } from "../../../../deployer/release/confirm.ts";
import { readTrial } from "../../../../deployer/release/judge.ts";
import { type Observation, renderDocument } from "../../../../deployer/remote/scripts.ts";
import { old, switched as onTrial, playedSession, release } from "./observed.ts";

const remoteScript = (name: string): string =>
  readFileSync(new URL(`../../../../deployer/remote/${name}.sh`, import.meta.url), "utf8");

/** A host on trial with the release, in the order that look.sh tells it; briefly. */
const switched: Observation = { ...onTrial, state: "" };
const earlier: Observation = { ...switched, current: old, trial: { state: "none", exitCode: null, log: "" } };
const trial = (changes: Partial<Observation["trial"]>) => ({ trial: { ...switched.trial, ...changes } });

test.each<[string, Partial<Observation>]>([
  ["is well", {}],
  ["is due for a reboot", { pendingReboot: ["kernel"] }],
  ["tells what only looks like a failure in its texts", { marker: '"failed":[{"unit":"x"}]' }],
  ["has booted anew", { bootId: "boot-2" }],
  ["runs another system", { current: old }],
  ["runs none", { current: null }],
  ["has a failed unit", { failed: [{ unit: "site.service", journal: "exited" }] }],
  [
    "has a failed unit, and tells what looks like none",
    {
      marker: '","failed":[],"trial":{"state":"pending","exitCode":0,',
      failed: [{ unit: "a.service", journal: "" }],
    },
  ],
  ["is still switching", trial({ exitCode: null })],
  ["has switched badly", trial({ exitCode: 4, log: "a unit failed" })],
  ["is rolling back", trial({ state: "rolling-back" })],
  ["has rolled back", { ...trial({ state: "rolled-back" }), current: old }],
])("a host that %s keeps the release by itself just if it would be judged so", async (_, changes) => {
  const folder = mkdtempSync(join(tmpdir(), "berth-confirm-"));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const now = { ...switched, ...changes };
  // In place of the host: its trial's folder, and what it would tell of itself.
  const played = `trial_dir=${folder}\nberth_run=${folder}/run\nlook() { cat <<'END'\n${JSON.stringify(now)}\nEND\n}`;
  const ended = await run(
    "sh",
    ["-c", `${remoteScript("lib")}\n${remoteScript("decide")}\n${played}\n${remoteScript("confirm")}`],
    {
      input: renderDocument({ id: "abc", toplevel: release, boot: "boot-1" }),
      deadline: 8_000,
    },
  );
  const answer = JSON.parse(ended.stdout) as Record<string, unknown>;
  if (readTrial(now, earlier, release)?.healthy) {
    // As far as a folder lets it come that holds no trial.
    expect(answer).toEqual({ ok: false, because: "the guard had already begun to roll back" });
  } else {
    expect(answer).toEqual({ ok: true, kept: false, seen: now });
    expect(readdirSync(folder)).toEqual([]);
  }
});

/** A host that answers one script after the other; an error is a connection that breaks. */
function host(...answers: (object | Error)[]) {
  const asked: { script: string; fresh: boolean }[] = [];
  const session = playedSession({
    label: "web1 (203.0.113.7)",
    sh: async (script: string, { fresh = false }: { fresh?: boolean }) => {
      asked.push({ script, fresh });
      const answer = answers.shift();
      if (answer instanceof Error || answer === undefined)
        throw answer ?? new Error("nothing more was expected");
      return { exitCode: 0, stdout: `${JSON.stringify(answer)}\n`, stderr: "" };
    },
  });
  return { session, asked };
}
const wanted = { toplevel: release, health: [] };
const broken = new Error("the connection broke");

test.each<[string, (object | Error)[], object]>([
  ["kept it", [{ ok: true, kept: true, seen: switched }], { kept: true, seen: switched }],
  ["found something amiss", [{ ok: true, kept: false, seen: switched }], { kept: false, seen: switched }],
  ["could not keep it", [{ ok: false, because: "no room" }], { refused: "no room" }],
  [
    "broke off, and says over another connection that it kept it",
    [broken, { ...switched, ...trial({ state: "confirmed" }) }],
    { kept: true, seen: { trial: { state: "confirmed" } } },
  ],
  [
    "broke off, and runs and boots it with nothing left of the trial",
    [broken, { ...switched, profile: release, ...trial({ state: "none", exitCode: null }) }],
    { kept: true },
  ],
])("a host that %s is believed", async (_, answers, expected) => {
  const { session, asked } = host(...answers);
  expect(await confirmIfWell({ session, id: "abc", wanted }, "boot-1")).toMatchObject(expected);
  expect(asked.map(({ fresh }) => fresh)).toEqual(asked.map((_, index) => index > 0));
});

test.each<[string, (object | Error)[]]>([
  ["is still on trial", [broken, switched]],
  [
    "has nothing left of the trial, but boots the old system",
    [broken, { ...switched, ...trial({ state: "none" }) }],
  ],
  ["cannot be asked again", [broken, broken]],
])("a host that broke off and %s has not kept it", async (_, answers) => {
  await expect(confirmIfWell({ ...host(...answers), id: "abc", wanted }, "boot-1")).rejects.toThrow("broke");
  expect(await confirm({ ...host(...answers), id: "abc", wanted })).toEqual({
    refused: expect.stringContaining("broke"),
  });
});
