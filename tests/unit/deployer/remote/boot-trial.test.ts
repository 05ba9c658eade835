import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, test } from "vitest";
import { remote } from "../../../../deployer/remote/scripts.ts";
import { shells } from "../../shells.ts";
import { canPlay, PlayedHost } from "./played-host.ts";

const id = "one";
const options = { deadline: 30_000 };
const trialOf = (host: PlayedHost, seconds: number) =>
  `id=${id}\nowner=me\ntoplevel=${host.new}\nfallback=${host.old}\nseconds=${seconds}\n`;

/** A host that has booted its new system on trial. */
function booted(shell: string, { seconds = 600 }: { seconds?: number } = {}): PlayedHost {
  const host = new PlayedHost(shell);
  host.link("profiles/system-2-link", host.new);
  host.link("profiles/system", "system-2-link");
  host.link("booted", host.new);
  host.link("current", host.new);
  host.put("state/boot-trial", trialOf(host, seconds));
  return host;
}
/** Its guard, for which a minute is a twentieth of a second. */
const guard = (host: PlayedHost) =>
  host.start("nixos/services/boot-guard.sh", [`${host.root}/state`], (text) =>
    text
      .replace(/sleep 90/, "sleep 0.1")
      .replace(/sleep 10\b/, "sleep 0.1")
      .replace(/sleep 1\b/, "sleep 0.05")
      .replace(/grace=120/, "grace=1"),
  );
const forced = "systemctl reboot --force --force";

describe.runIf(canPlay).each(shells)("a boot on trial, with %s", (shell) => {
  test("is returned from though whoever gave it up was cut off before the reboot", async () => {
    const host = booted(shell);
    const watching = guard(host);
    await expect.poll(() => watching.said).toContain("on trial for 600 s");
    // Cut off between its name and all else.
    host.rename("state/boot-trial", "state/boot-trial.expired");
    await expect.poll(() => host.log, { timeout: 10_000 }).toContain("systemctl --no-block reboot");
    await expect.poll(() => host.log, { timeout: 10_000 }).toContain(forced);
  });

  test("is given up by a script that reboots though nobody listens to it any more", async () => {
    const host = booted(shell);
    await remote(host.session({ cut: true }), "reboot-return", { id }, options).catch(() => undefined);
    expect(host.has("state/boot-trial.expired")).toBe(true);
    expect(host.log).toEqual(["systemctl --no-block reboot"]);
  });

  test("is still watched where it could not be kept", async () => {
    const host = booted(shell, { seconds: 4 });
    const watching = guard(host);
    host.put("boot-full", "1");
    const kept = await remote(host.session(), "reboot-keep", { id, toplevel: host.new }, options);
    expect(kept).toEqual({ ok: false, because: "the boot loader could not be written" });
    expect(host.files("state")).toContain("boot-trial");
    expect(watching.runs).toBe(true);
    await expect.poll(() => host.log, { timeout: 15_000 }).toContain("systemctl --no-block reboot");
    expect(watching.said).toContain("not confirmed in time");
  });

  test("is returned from where whoever kept it died before the end", async () => {
    const host = booted(shell, { seconds: 2 });
    const watching = guard(host);
    await expect.poll(() => watching.said).toContain("on trial for 2 s");
    host.rename("state/boot-trial", "state/boot-trial.kept");
    await expect.poll(() => watching.said, { timeout: 15_000 }).toContain("never kept to the end");
    await expect.poll(() => host.log).toContain("systemctl --no-block reboot");
  });

  test.each([
    ["empty", () => ""],
    ["garbage", () => "\u0001\u0002 = x\n\n="],
    ["of a system that is gone", (host: PlayedHost) => trialOf(host, 5).replaceAll("aaaa-old", "gone")],
  ])("that nobody can read, as it is %s, blocks nothing and reboots nothing", async (_, textFor) => {
    const host = booted(shell);
    host.put("state/boot-trial", textFor(host));
    const watching = guard(host);
    expect(await watching.ended).toBe(0);
    expect([host.log, host.files("state")]).toEqual([[], ["boot-trial.unreadable", "checks"]]);

    host.put("state/boot-trial", textFor(host));
    const document = { id: "two", owner: "me", toplevel: host.new, system: "no-such-system", seconds: 45 };
    const prepared = host.session({
      change: (text) => text.replace('"$doc_system" = "$machine-linux"', "1 = 1"),
    });
    await remote(prepared, "prepare", document, { deadline: 30_000 }).catch(() => undefined);
    expect(host.files("state")).not.toContain("boot-trial");
    expect(host.leads("bootloader")).toBe("old");
  });

  test("that has ended is over, though its profile cannot be set", async () => {
    const host = booted(shell);
    host.link("booted", host.old);
    host.put("store/aaaa-old/sw/bin/nix-env", "#!/bin/sh\nexit 1\n");
    const watching = guard(host);
    expect(await watching.ended).toBe(0);
    expect(watching.said).toContain("its profile still names the other");
    expect(host.log).toEqual([]);
  });

  test("is watched no longer once it is kept, which can be asked for again", async () => {
    const host = booted(shell);
    const watching = guard(host);
    await expect.poll(() => watching.said).toContain("on trial for 600 s");
    const keep = (session = host.session()) =>
      remote(session, "reboot-keep", { id, toplevel: host.new }, options);
    // The answer is lost; asked beside it, the second waits for the first.
    const lost = keep(host.session({ cut: true })).catch(() => "lost");
    await sleep(100);
    expect(await keep()).toEqual({ ok: true });
    expect(await lost).toBe("lost");
    expect(await watching.ended).toBe(0);
    expect(host.leads("bootloader")).toBe("new");
    expect(host.files("state").filter((name) => name.startsWith("boot-"))).toEqual([]);
    expect(host.log).toEqual([]);
  });

  test("that is ordered reboots though nobody listens, and leaves nothing to the boot loader once it is dropped", async () => {
    const host = new PlayedHost(shell);
    const order = { id, owner: "me", toplevel: host.new, text: "", seconds: 600 };
    await remote(host.session({ cut: true }), "reboot", order, options).catch(() => undefined);
    expect(host.log).toEqual(["bootctl set-oneshot new.conf", "systemctl --no-block reboot"]);
    expect([host.leads("bootloader"), host.has("state/boot-trial")]).toEqual(["old", true]);
    // It never came to that reboot, or the new system did not boot.
    const returned = await remote(host.session(), "reboot-return", { id }, options);
    expect(returned).toEqual({ ok: true, rebooting: false, fallback: host.old });
    expect(host.log.at(-1)).toBe("bootctl set-oneshot ");
    expect([host.leads("profiles/system"), host.has("state/boot-trial")]).toEqual(["old", false]);
    expect(await remote(host.session(), "reboot-return", { id }, options)).toEqual({
      ok: false,
      because: "there is no such boot on trial",
    });
  });
});
