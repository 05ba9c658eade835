import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { onTestFinished } from "vitest";
import { run } from "../../../../deployer/process.ts";
import type { RemoteOptions, SshSession } from "../../../../deployer/ssh/session.ts";
import { playedSession } from "../release/observed.ts";

/** The Nix system of this machine, which plays the host. */
export const thisSystem = `${spawnSync("uname", ["-m"], { encoding: "utf8" }).stdout.trim()}-linux`;

const read = (path: string): string => readFileSync(new URL(`../../../../${path}`, import.meta.url), "utf8");

/** Programs of a system whose boot loader is a file that names it; as NixOS's, two of them do not switch at once. */
const switching = `#!/bin/sh
exec 5>>"$ROOT/switch-lock"
flock -n 5 || exit 11
case $1 in
  boot)
    [ ! -e "$ROOT/boot-full" ] || { sleep "$(cat "$ROOT/boot-full")"; exit 1; }
    sleep 0.3
    ln -sfn "\${0%/bin/*}" "$ROOT/bootloader"
    system=\${0%/bin/*}
    printf 'timeout 5\ndefault %s.conf\n' "\${system##*-}" >"$ROOT/boot/loader/loader.conf" ;;
  test) ln -sfn "\${0%/bin/*}" "$ROOT/current" ;;
esac
`;
const programs: Record<string, string> = {
  // What it is asked about is in no state but that which a test gives it.
  systemctl: `#!/bin/sh
case $1 in
  show | is-active) cat "$ROOT/unit-state" ;;
  *) echo "systemctl $*" >>"$ROOT/log" ;;
esac
`,
  bootctl: '#!/bin/sh\necho "bootctl $*" >>"$ROOT/log"\n',
  "nix-env": '#!/bin/sh\nln -sfn "$4" "$2"\n',
  "switch-to-configuration": switching,
};

/**
 * A host with two systems in a folder of the test's, and every path that the scripts know led there. What they start of systemd is
 * written down; the boot loader is a link to what it starts.
 */
export class PlayedHost {
  readonly root: string;
  readonly old: string;
  readonly new: string;
  readonly #shell: string;

  constructor(shell: string) {
    this.#shell = shell;
    this.root = mkdtempSync(join(tmpdir(), "berth-played-"));
    onTestFinished(() => rmSync(this.root, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 }));
    this.old = join(this.root, "store", "aaaa-old");
    this.new = join(this.root, "store", "bbbb-new");
    for (const folder of ["state/checks", "run", "roots", "profiles", "boot/loader/entries", "run-nixos"])
      mkdirSync(join(this.root, folder), { recursive: true });
    for (const system of [this.old, this.new]) {
      mkdirSync(join(system, "bin"), { recursive: true });
      mkdirSync(join(system, "sw/bin"), { recursive: true });
      for (const [name, text] of Object.entries(programs)) {
        const file = join(system, name === "switch-to-configuration" ? "bin" : "sw/bin", name);
        writeFileSync(file, text, { mode: 0o755 });
      }
      for (const part of ["kernel", "initrd", "kernel-modules"])
        writeFileSync(join(system, part), `${system}'s`);
      const entry = `${system.slice(-3)}.conf`;
      writeFileSync(join(this.root, "boot/loader/entries", entry), `options init=${system}/init quiet\n`);
    }
    this.link("profiles/system-1-link", this.old);
    this.link("profiles/system", "system-1-link");
    for (const name of ["current", "booted", "bootloader"]) this.link(name, this.old);
    this.put("unit-state", "inactive\n");
  }

  link(name: string, to: string): void {
    rmSync(join(this.root, name), { force: true });
    symlinkSync(to, join(this.root, name));
  }

  put(name: string, text: string): void {
    mkdirSync(join(this.root, name, ".."), { recursive: true });
    writeFileSync(join(this.root, name), text);
  }

  rename(name: string, to: string): void {
    renameSync(join(this.root, name), join(this.root, to));
  }

  has(name: string): boolean {
    return existsSync(join(this.root, name));
  }

  /** What a link of the host's leads to, at its end: "old" or "new". */
  leads(name: string): string {
    const to = readlinkSync(join(this.root, name));
    const path = to.startsWith("/") ? to : readlinkSync(join(this.root, name, "..", to));
    return path === this.old ? "old" : path === this.new ? "new" : path;
  }

  /** What was started of systemd, a line each. */
  get log(): string[] {
    return this.has("log") ? readFileSync(join(this.root, "log"), "utf8").replace(/\n$/, "").split("\n") : [];
  }

  files(folder: string): string[] {
    return readdirSync(join(this.root, folder)).toSorted();
  }

  /** A script's text with this host's paths. */
  moved(text: string): string {
    const { root, old } = this;
    const pairs: [RegExp, string][] = [
      [/\/nix\/store\//g, `${root}/store/`],
      [/\/nix\/var\/nix\/profiles\//g, `${root}/profiles/`],
      [/\/nix\/var\/nix\/gcroots\/berth/g, `${root}/roots`],
      [/\/run\/current-system\/sw\/bin/g, `${old}/sw/bin`],
      [/\/run\/current-system/g, `${root}/current`],
      [/\/run\/booted-system/g, `${root}/booted`],
      [/\/run\/nixos/g, `${root}/run-nixos`],
      [/\/sys\/fs\/cgroup/g, `${root}/cgroup`],
      [/\/sys\/firmware/g, `${root}/firmware`],
      [/\/run\/berth/g, `${root}/run`],
      [/\/var\/lib\/berth/g, `${root}/state`],
      [/(?<![\w/.-])\/boot(?=[/ ;])/g, `${root}/boot`],
    ];
    return `ROOT='${root}'\nexport ROOT\n${pairs.reduce((done, [from, to]) => done.replace(from, to), text)}`;
  }

  /**
   * As the deployer's session with it.
   * @param cut nobody listens to what a script answers
   * @param change of each script
   */
  session({
    cut = false,
    change = (text: string) => text,
  }: {
    cut?: boolean;
    change?: (text: string) => string;
  } = {}): SshSession {
    const sh = async (script: string, { input = "", deadline }: RemoteOptions) => {
      const text = this.moved(change(script));
      if (!cut) return await run(this.#shell, ["-c", text], { input, deadline });
      const child = spawn(this.#shell, ["-c", text], { stdio: ["pipe", "pipe", "ignore"] });
      child.stdout?.destroy();
      child.stdin?.end(input);
      await new Promise((resolve) => child.once("exit", resolve));
      return { exitCode: 255, stdout: "", stderr: "" };
    };
    return playedSession({ sh });
  }

  /** A script of the host's own, by its path in the project; it ends with the test. */
  start(path: string, args: readonly string[], change = (text: string) => text): Started {
    const file = join(this.root, path.replaceAll("/", "-"));
    writeFileSync(file, this.moved(change(read(path))));
    const child = spawn(this.#shell, [file, ...args], {
      stdio: ["ignore", "pipe", "pipe"],
      detached: true,
      env: { ...process.env, PATH: `${this.old}/sw/bin:${process.env["PATH"]}` },
    });
    const started = new Started(child);
    onTestFinished(() => {
      // With what it has started.
      if (started.runs && child.pid !== undefined) process.kill(-child.pid, "SIGKILL");
    });
    return started;
  }
}

/** A script that runs on a played host. */
export class Started {
  said = "";
  readonly ended: Promise<number | null>;
  readonly #child: ChildProcess;

  constructor(child: ChildProcess) {
    this.#child = child;
    for (const stream of [child.stdout, child.stderr])
      stream?.on("data", (chunk: Buffer) => {
        this.said += chunk.toString();
      });
    this.ended = new Promise((resolve) => child.once("close", resolve));
  }

  kill(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }

  get runs(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null;
  }
}

/** Whether this machine has what a played host is made of. */
export const canPlay = process.platform === "linux" && spawnSync("flock", ["--version"]).error === undefined;
