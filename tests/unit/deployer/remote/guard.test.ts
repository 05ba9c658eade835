import { spawn } from "node:child_process";
import { rmSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, onTestFinished, test } from "vitest";
import { remote } from "../../../../deployer/remote/scripts.ts";
import { shells } from "../../shells.ts";
import { canPlay, PlayedHost, thisSystem } from "./played-host.ts";

const id = "one";

/** A host whose new system runs on trial, with its guard on watch. */
function onTrial(shell: string) {
  const host = new PlayedHost(shell);
  host.link("current", host.new);
  host.put(`run/${id}/pending`, "");
  host.put(`run/${id}/exit`, "0\n");
  host.put(`run/${id}/ways`, "");
  host.put("run/lock/id", `${id}\n`);
  const guard = host.start("deployer/remote/guard.sh", [join(host.root, "run", id), host.old, "999999999"]);
  return { host, guard };
}

/** Hold a profile's lock, as Nix does; what it returns lets go of it. */
async function holdProfile(host: PlayedHost): Promise<() => void> {
  const holder = spawn("flock", [
    join(host.root, "profiles/system.lock"),
    "sh",
    "-c",
    "echo held; read -r _",
  ]);
  onTestFinished(() => void holder.kill());
  await new Promise((resolve) => holder.stdout.once("data", resolve));
  return () => holder.stdin.end("on\n");
}

describe.runIf(canPlay).each(shells)("a trial's guard, with %s", (shell) => {
  test("leaves a host to the system that was confirmed", async () => {
    const { host, guard } = onTrial(shell);
    await expect.poll(() => host.has(`run/${id}/watching`)).toBe(true);
    const document = { id, toplevel: host.new, keep: 5, text: "" };
    expect(await remote(host.session(), "confirm", document, { deadline: 30_000, rest: "[]" })).toMatchObject(
      {
        ok: true,
        kept: true,
      },
    );
    expect(await guard.ended).toBe(0);
    expect(["current", "bootloader", "profiles/system"].map((name) => host.leads(name))).toEqual([
      "new",
      "new",
      "new",
    ]);
    expect([host.files("state"), host.has(`run/${id}`)]).toEqual([["checks", "verdicts"], false]);
  });

  test("that takes a trial back as it is being confirmed undoes all of that, once nothing more is written", async () => {
    const { host, guard } = onTrial(shell);
    await expect.poll(() => host.has(`run/${id}/watching`)).toBe(true);
    const letGo = await holdProfile(host);
    const document = { id, toplevel: host.new, keep: 5, text: "" };
    const confirmed = remote(host.session(), "confirm", document, { deadline: 60_000, rest: "[]" });
    await expect.poll(() => host.has(`run/${id}/confirming`)).toBe(true);
    host.put(`run/${id}/abandon`, "");
    await expect.poll(() => host.has(`run/${id}/rolling-back`), { timeout: 10_000 }).toBe(true);
    setTimeout(letGo, 300);
    expect(await confirmed).toEqual({
      ok: false,
      because: "the guard took the trial back while it was being confirmed",
    });
    expect([await guard.ended, guard.said]).toEqual([0, expect.stringContaining("rolling back to")]);
    expect(["current", "bootloader", "profiles/system"].map((name) => host.leads(name))).toEqual([
      "old",
      "old",
      "old",
    ]);
    expect(host.has(`run/${id}/rolled-back`)).toBe(true);
    expect(host.files("state")).toEqual(["checks", "verdicts"]);
  });

  test.each(["SIGTERM", "SIGINT"] as const)("fails where %s ends it, which reboots", async (signal) => {
    const { host, guard } = onTrial(shell);
    await expect.poll(() => host.has(`run/${id}/watching`)).toBe(true);
    guard.kill(signal);
    expect(await guard.ended).toBe(1);
  });

  test("that is gone is made up for by a reboot, by whoever wants the way back and by whoever comes next", async () => {
    const { host, guard } = onTrial(shell);
    await expect.poll(() => host.has(`run/${id}/watching`)).toBe(true);
    guard.kill("SIGKILL");
    await guard.ended;
    host.put(`run/${id}/go`, "");
    expect(await remote(host.session(), "abandon", { id, seconds: 5 }, { deadline: 30_000 })).toEqual({
      ok: false,
      because: "its guard is gone: it reboots now, and so returns to what ran before",
    });
    expect(host.log).toEqual(["systemctl --no-block reboot"]);
    rmSync(join(host.root, "run/lock"), { recursive: true });
    const impatient = host.session({ change: (text) => text.replace("+ 60))", "+ 1))") });
    const next = { id: "two", owner: "me", toplevel: host.new, system: thisSystem, seconds: 45 };
    expect(await remote(impatient, "prepare", next, { deadline: 30_000 })).toEqual({
      ok: false,
      because: `an earlier trial (${id}) has lost its guard: it reboots now, and so returns to what ran before`,
    });
    expect([host.log.length, host.has(`run/${id}/called-off`), host.has("run/lock")]).toEqual([
      2,
      false,
      false,
    ]);
  });

  test.each([
    [undefined, 10],
    // And the first, which the guard may return to.
    [5, 6],
  ])("has a confirmation that is to keep %s generations leave %i", async (keep, left) => {
    const { host } = onTrial(shell);
    for (let number = 2; number < 10; number++)
      host.link(`profiles/system-${number}-link`, `${host.old}-${number}`);
    await expect.poll(() => host.has(`run/${id}/watching`)).toBe(true);
    const document = { id, toplevel: host.new, keep: keep ?? "", text: "" };
    await remote(host.session(), "confirm", document, { deadline: 30_000, rest: "[]" });
    expect(host.files("profiles").filter((name) => /^system-\d+-link$/.test(name)).length).toBe(left);
  });

  test("takes back a trial whose confirmation cannot be noted", async () => {
    const { host, guard } = onTrial(shell);
    await expect.poll(() => host.has(`run/${id}/watching`)).toBe(true);
    host.put("state/boot-unsettled/in-the-way", "");
    const document = { id, toplevel: host.new, keep: 5, text: "" };
    const confirmed = await remote(host.session(), "confirm", document, { deadline: 30_000, rest: "[]" });
    expect(confirmed).toEqual({ ok: false, because: `${host.root}/state cannot be written` });
    await expect.poll(() => host.has(`run/${id}/rolled-back`), { timeout: 10_000 }).toBe(true);
    expect(host.leads("current")).toBe("old");
    expect(await guard.ended).toBe(0);
  });
});
