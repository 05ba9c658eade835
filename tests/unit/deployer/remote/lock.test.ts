import { describe, expect, test } from "vitest";
import { type Document, remote } from "../../../../deployer/remote/scripts.ts";
import { shells } from "../../shells.ts";
import { canPlay, PlayedHost, thisSystem } from "./played-host.ts";

/** What a preparation answers up to where it would ask Nix. */
const prepare = async (host: PlayedHost, document: Document = {}) =>
  await remote(
    host.session({
      change: (text) => text.replace(/^# Nix takes longest to start/m, "refuse 'it has the lock'\n#"),
    }),
    "prepare",
    { id: "one", owner: "me at the desk", toplevel: host.new, system: thisSystem, seconds: 45, ...document },
    { deadline: 30_000 },
  ).then((answer) => (answer.ok ? "prepared" : answer.because));

describe.runIf(canPlay).each(shells)("a host's lock, taken by %s", (shell) => {
  test("is whole, and one deployment's", async () => {
    const host = new PlayedHost(shell);
    expect(await prepare(host)).toBe("it has the lock");
    expect([host.files("run"), host.files("run/lock")]).toEqual([["lock"], ["id", "owner", "until"]]);
    expect(await prepare(host, { id: "two" })).toMatch(
      /^another deployment holds the lock: me at the desk, for 4\d s more at most$/,
    );
    expect(host.files("run")).toEqual(["lock"]);
  });

  test.each(["", "garbage", "12 34", "-5", "9".repeat(22), "9999999999", "0"])(
    "is anybody's where it holds until %j",
    async (until) => {
      const host = new PlayedHost(shell);
      host.put("run/lock/until", until);
      host.put("run/lock/id", "dead\n");
      expect(await prepare(host)).toBe("it has the lock");
    },
  );

  test("is nobody's where it cannot be written down", async () => {
    const host = new PlayedHost(shell);
    host.put("run/lock-one", "in the way");
    expect(await prepare(host)).toBe(`${host.root}/run cannot be written`);
    expect(host.files("run")).toEqual([]);
  });

  test("is given back while what goes before an earlier release's switch still runs", async () => {
    const host = new PlayedHost(shell);
    host.put("cgroup/system.slice/berth-before.service/cgroup.procs", "");
    host.put("unit-state", "active\n");
    expect(await prepare(host)).toContain("see systemctl status berth-before.service");
    expect(host.files("run")).toEqual([]);
    host.put("unit-state", "inactive\n");
    expect(await prepare(host)).toBe("it has the lock");
  });

  test("is not taken by a preparation that gets there behind the word that gives it up", async () => {
    const host = new PlayedHost(shell);
    const giveUp = { id: "one", text: "unanswered" };
    expect(await remote(host.session(), "finish", giveUp, { deadline: 30_000 })).toEqual({ ok: true });
    expect(await prepare(host)).toBe("it was called off");
    expect(host.files("run")).toEqual([]);
    expect(await prepare(host, { id: "two" })).toBe("it has the lock");
  });

  test("is renewed whole", async () => {
    const host = new PlayedHost(shell);
    await prepare(host);
    const held = await remote(host.session(), "hold", { id: "one", seconds: 90 }, { deadline: 30_000 });
    expect(held).toEqual({ ok: true });
    expect(await prepare(host, { id: "two" })).toMatch(/ for [89]\d s more at most$/);
    expect(host.files("run/lock")).toEqual(["id", "owner", "until"]);
  });
});

describe.runIf(canPlay).each(shells)("a system that runs already, adopted by %s", (shell) => {
  const adopt = (host: PlayedHost, boot: string) =>
    remote(
      host.session(),
      "adopt",
      { id: "one", toplevel: host.new, boot },
      { deadline: 30_000, rest: "[]" },
    );

  test("is not the boot default before it is judged", async () => {
    const host = new PlayedHost(shell);
    host.link("current", host.new);
    host.put("run/lock/id", "one\n");
    expect(await adopt(host, "")).toEqual({ ok: true, adopted: false });
    expect([host.leads("bootloader"), host.leads("profiles/system"), host.files("state/checks")]).toEqual([
      "old",
      "old",
      [],
    ]);
    expect(await adopt(host, "judged")).toEqual({ ok: true, adopted: true });
    expect([host.leads("bootloader"), host.leads("profiles/system")]).toEqual(["new", "new"]);
    expect(host.files("state/checks")).toEqual(["bbbb-new"]);
    expect(await adopt(host, "")).toEqual({ ok: true, adopted: true });
  });

  /** A host that runs the new system, which is its profile. */
  const runningNew = (loader: string) => {
    const host = new PlayedHost(shell);
    for (const name of ["current", "profiles/system-1-link"]) host.link(name, host.new);
    host.put("run/lock/id", "one\n");
    host.put("boot/loader/loader.conf", loader);
    return host;
  };

  test("is made the boot default once it is judged, where the boot loader starts another than the profile", async () => {
    const host = runningNew("timeout 5\ndefault old.conf");
    expect(await adopt(host, "")).toEqual({ ok: true, adopted: false });
    expect(await adopt(host, "judged")).toEqual({ ok: true, adopted: true });
    expect(host.leads("bootloader")).toBe("new");
    expect(await adopt(host, "")).toEqual({ ok: true, adopted: true });
  });

  test.each(["default @saved\n", "default nixos-*\n", "default gone.conf\n", "timeout 5\n"])(
    "is taken for the boot default, as the profile has it, where the boot loader says %j",
    async (loader) => expect(await adopt(runningNew(loader), "")).toEqual({ ok: true, adopted: true }),
  );

  test("is not said to be the boot default where another was chosen in the boot loader's menu", async () => {
    const host = runningNew("default new.conf\n");
    const chosen = "firmware/efi/efivars/LoaderEntryDefault-4a67b082-0a4c-41cf-b6c7-440b29bb8c4f";
    host.put(chosen, `\u0007\0\0\0${[..."old.conf\0"].map((letter) => `${letter}\0`).join("")}`);
    expect(await adopt(host, "")).toEqual({ ok: true, adopted: false });
    expect(await adopt(host, "judged")).toEqual({
      ok: false,
      because: expect.stringMatching(/^the boot loader still starts \S+-old, .*bootctl set-default '' there/),
    });
  });
});
