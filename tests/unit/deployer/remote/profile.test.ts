import { execFile, execFileSync, spawn, spawnSync } from "node:child_process";
import {
  lstatSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  symlinkSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { describe, expect, onTestFinished, test } from "vitest";
import { shells } from "../../shells.ts";

const script = readFileSync(new URL("../../../../deployer/remote/profile.sh", import.meta.url), "utf8");

/** A folder of profiles with these links, beside the system's own. */
function profiles(links: Record<string, string> = {}): string {
  const folder = mkdtempSync(join(tmpdir(), "berth-profile-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  for (const [name, target] of Object.entries(links)) symlinkSync(target, join(folder, name));
  return folder;
}

const links = (folder: string): Record<string, string> =>
  Object.fromEntries(
    readdirSync(folder)
      .filter((name) => lstatSync(join(folder, name)).isSymbolicLink())
      .map((name) => [name, readlinkSync(join(folder, name))]),
  );

const command = (folder: string, system: string, more = ""): string =>
  `set -eu\nprofile=${folder}/system\n${script}\n${more}set_profile ${system}`;

describe.each(shells)("the system's profile, set by %s", (shell) => {
  const set = (folder: string, system: string, more = "") =>
    execFileSync(shell, ["-c", command(folder, system, more)], { stdio: "pipe", timeout: 60_000 });

  test.each<[string, Record<string, string>, Record<string, string>]>([
    ["begins with the first generation", {}, { system: "system-1-link", "system-1-link": "/nix/store/new" }],
    [
      "goes on behind the newest, by number and not by name",
      { system: "system-10-link", "system-9-link": "/nix/store/b", "system-10-link": "/nix/store/c" },
      { system: "system-11-link", "system-11-link": "/nix/store/new" },
    ],
    [
      "stays where it is that already",
      { system: "system-2-link", "system-1-link": "/nix/store/b", "system-2-link": "/nix/store/new" },
      {},
    ],
    [
      "returns to the newest where it stood on another",
      { system: "system-1-link", "system-1-link": "/nix/store/b", "system-2-link": "/nix/store/new" },
      { system: "system-2-link" },
    ],
    [
      "has a new generation of what only an older one is",
      { system: "system-2-link", "system-1-link": "/nix/store/new", "system-2-link": "/nix/store/b" },
      { system: "system-3-link", "system-3-link": "/nix/store/new" },
    ],
    [
      "is mended where it pointed nowhere",
      { system: "/nix/store/gone", "system-4-link": "/nix/store/b" },
      { system: "system-5-link", "system-5-link": "/nix/store/new" },
    ],
    [
      "heeds nothing that only looks like a generation",
      {
        system: "system-1-link",
        "system-1-link": "/nix/store/b",
        "system-old-link": "x",
        "system-7-link.bak": "x",
      },
      { system: "system-2-link", "system-2-link": "/nix/store/new" },
    ],
  ])("%s", (_, before, changes) => {
    const folder = profiles(before);
    set(folder, "/nix/store/new");
    expect(links(folder)).toEqual({ ...before, ...changes });
  });

  test("waits for whoever holds Nix' lock, also where Nix removes it at its end", async () => {
    const folder = profiles();
    const lock = join(folder, "system.lock");
    const holder = spawn("sh", ["-c", `exec 9>>${lock}; flock 9; echo held; read -r _; rm ${lock}`]);
    onTestFinished(() => void holder.kill());
    await new Promise((resolve) => holder.stdout.once("data", resolve));
    const setting = promisify(execFile)(shell, ["-c", command(folder, "/nix/store/new")], {
      timeout: 60_000,
    });
    await new Promise((resolve) => setTimeout(resolve, 300));
    expect(links(folder)).toEqual({});
    holder.stdin.end("on\n");
    await setting;
    expect(links(folder)).toEqual({ system: "system-1-link", "system-1-link": "/nix/store/new" });
    // Its own lock is the one that is there now, and is free again.
    expect(spawnSync("flock", ["--nonblock", lock, "true"]).status).toBe(0);
  });

  test("says what it cannot do, and leaves the profile as it was", () => {
    const gone = spawnSync(shell, ["-c", command("/nowhere", "/nix/store/new")], {
      encoding: "utf8",
    });
    expect([gone.status, gone.stderr]).toEqual([expect.any(Number), expect.stringContaining("system.lock")]);
    expect(gone.status).not.toBe(0);

    const taken = profiles({ system: "system-1-link", "system-1-link": "/nix/store/b" });
    const busy = "flock() { return 1; }\n";
    const ended = spawnSync(shell, ["-c", command(taken, "/nix/store/new", busy)], { encoding: "utf8" });
    expect([ended.status, ended.stderr]).toEqual([1, `${taken}/system.lock stays taken\n`]);
    expect(links(taken)).toEqual({ system: "system-1-link", "system-1-link": "/nix/store/b" });
  });

  test("is set by many at once as if by one after the other", async () => {
    const folder = profiles();
    const systems = Array.from({ length: 8 }, (_, index) => `/nix/store/s${index}`);
    await Promise.all(systems.map((system) => promisify(execFile)(shell, ["-c", command(folder, system)])));
    const found = links(folder);
    expect(systems.toSorted()).toEqual(
      systems.map((_, index) => found[`system-${index + 1}-link`]).toSorted(),
    );
    expect(found["system"]).toBe("system-8-link");
  });
});
