import { mkdir, mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execa } from "execa";
import { afterEach, beforeEach } from "vitest";
import type { Subject } from "./subjects.ts";

const HOST = "192.0.2.7";

/** One use of a program that stands on PATH in place of the real one. */
export interface Call {
  program: string;
  arguments: string[];
  stdin: string;
  /** NIX_SSHOPTS in its environment. */
  sshOptions: string;
  /** Milliseconds. */
  at: number;
}

/** What a machine says of itself when it is asked. */
const debian = {
  isOs: "Linux",
  isArch: "x86_64",
  isNixos: "n",
  isInstaller: "n",
  isContainer: "none",
  isRoot: "y",
  hasIpv6Only: "n",
  hasTar: "y",
  hasCpio: "y",
  hasSudo: "n",
  hasDoas: "n",
  hasWget: "n",
  hasCurl: "n",
  hasSetsid: "y",
  hasNixOSFacter: "n",
};
type Facts = Record<string, string>;

/** What a machine is that a recording shows. */
export interface Target {
  facts?: Facts;
  /** What it says after the kexec, instead of what the installer says. */
  booted?: Facts;
  /** The user that ssh's own configuration logs in as. */
  user?: string;
  /** Branches of a shell's `case "$*"`, tried first. */
  rules?: string;
  /** Polls that it outlives after it was told to restart, and that it is away for. */
  lingers?: number;
  absent?: number;
}

/** How a run ended. */
export interface Ended {
  exitCode: number | undefined;
  signal: string | undefined;
  output: string;
  stderr: string;
  /** The `### … ###` lines. */
  steps: string[];
}

/** A folder with programs that record how they are used, to run a nixos-anywhere between them. */
export class Recording {
  readonly folder: string;

  private constructor(folder: string) {
    this.folder = folder;
  }

  static async make(): Promise<Recording> {
    const recording = new Recording(await mkdtemp(join(tmpdir(), "contract-")));
    const here = (name: string) => recording.path(name);
    for (const name of ["bin", "calls", "answers", "state", "home", "tmp", "extra/etc"]) {
      await mkdir(here(name), { recursive: true });
    }
    for (const program of ["ssh", "ssh-copy-id", "nix", "timeout", "curl"]) {
      await symlink(new URL("./fake.sh", import.meta.url).pathname, here(`bin/${program}`));
      await recording.answer(program, "");
    }
    await recording.answer("timeout", 'shift; exec "$@"');
    await recording.target();
    await writeFile(here("disko"), "");
    await mkdir(here("toplevel"));
    await writeFile(here("toplevel/system"), "x86_64-linux");
    await writeFile(here("kexec.tar.gz"), "a tarball");
    await writeFile(here("extra/etc/lasting"), "kept\n", { mode: 0o600 });
    await execa("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-C", "", "-f", here("login")]);
    return recording;
  }

  remove(): Promise<void> {
    return rm(this.folder, { recursive: true, force: true });
  }

  path(name: string): string {
    return join(this.folder, name);
  }

  /** What a program does once it is recorded; a shell script with its arguments. */
  answer(program: string, script: string): Promise<void> {
    return writeFile(this.path(`answers/${program}`), `${script}\n`);
  }

  /** Sets the machine up that ssh leads to: a fresh Debian, if nothing else is said. */
  async target({
    facts,
    booted,
    user = "root",
    rules = "",
    lingers = 0,
    absent = 0,
  }: Target = {}): Promise<void> {
    const installer = { ...debian, isNixos: "y", isInstaller: "y" };
    const lines = (all: Facts) =>
      Object.entries(all)
        .filter(([, value]) => value !== "")
        .map(([name, value]) => `${name}=${value}\n`)
        .join("");
    const state = {
      facts: lines({ ...debian, ...facts }),
      booted: lines(booted ?? installer),
      settings: `host x\nuser ${user}\nhostname ${HOST}\n`,
      lingers: String(lingers),
      absent: String(absent),
    };
    for (const [name, text] of Object.entries(state)) await writeFile(this.path(`state/${name}`), text);
    for (const name of ["going", "down"]) await rm(this.path(`state/${name}`), { force: true });
    const machine = new URL("./fake-target.sh", import.meta.url).pathname;
    await this.answer("ssh", `${rules && `case "$*" in\n${rules}\nesac\n`}exec sh '${machine}' "$@"`);
  }

  /** Store paths, the key and the machine: what Berth always passes. */
  usual(...more: string[]): string[] {
    return [
      ...["--store-paths", this.path("disko"), this.path("toplevel"), "--build-on", "local"],
      ...["-i", this.path("login"), ...more, "--target-host", `root@${HOST}`],
    ];
  }

  start(subject: Subject, args: readonly string[], env: NodeJS.ProcessEnv = {}) {
    const [program, ...first] = subject.command;
    return execa(program, [...first, ...args], {
      env: {
        PATH: `${this.path("bin")}:${process.env.PATH}`,
        HOME: this.path("home"),
        TMPDIR: this.path("tmp"),
        CALLS: this.path("calls"),
        ANSWERS: this.path("answers"),
        STATE: this.path("state"),
        ...env,
      },
      extendEnv: false,
      stdin: "ignore",
      detached: true,
      reject: false,
      all: true,
      timeout: 60_000,
    });
  }

  async run(subject: Subject, args: readonly string[], env?: NodeJS.ProcessEnv): Promise<Ended> {
    const { exitCode, signal, all, stderr } = await this.start(subject, args, env);
    return {
      exitCode,
      signal,
      output: all,
      stderr,
      steps: all.split("\n").filter((line) => /^###/.test(line)),
    };
  }

  /** What was called so far, in order. */
  async calls(): Promise<Call[]> {
    const folders = (await readdir(this.path("calls"))).sort();
    return Promise.all(
      folders.map(async (name) => {
        const read = (file: string) => readFile(join(this.path("calls"), name, file), "utf8");
        return {
          program: name.slice(4),
          arguments: (await read("arguments").catch(() => "")).split("\0").slice(0, -1),
          stdin: await read("stdin"),
          sshOptions: await read("nix-sshopts"),
          at: (await stat(join(this.path("calls"), name, "nix-sshopts"))).mtimeMs,
        };
      }),
    );
  }

  /**
   * The calls in short: the program and what it was given, without what every ssh is given: "ssh root@ sh". The folders of the run
   * and of the recording are TMP and HERE.
   */
  async transcript(): Promise<string[]> {
    return (await this.calls()).map((call) => this.brief(call));
  }

  /** One call in short. */
  brief({ program, arguments: args }: Call): string {
    const text = [program, ...args].join(" ");
    return text
      .replaceAll(fixedOptions(this.folder), "…")
      .replaceAll(this.folder, "HERE")
      .replaceAll(`@${HOST}`, "@");
  }

  /** The text that a command got on its stdin; the command as `brief` says it ends with `ending`. */
  async stdinOf(ending: string): Promise<string> {
    const found = (await this.calls()).find((call) => this.brief(call).endsWith(ending));
    if (!found)
      throw new Error(
        `nothing was called that ends with ${ending}:\n${(await this.transcript()).join("\n")}`,
      );
    return found.stdin;
  }

  /** What a run has left in its folder for temporary files. */
  left(): Promise<string[]> {
    return readdir(this.path("tmp"));
  }

  /** The machine's own program of that name is used. */
  withoutFake(program: string): Promise<void> {
    return rm(this.path(`bin/${program}`));
  }
}

/** What every ssh is given first: a key in a temporary folder, and no host key that is believed or kept. */
const fixedOptions = (folder: string) =>
  new RegExp(
    `-o IdentitiesOnly=yes -i ${folder}/tmp/[^/ ]+/nixos-anywhere -o UserKnownHostsFile=/dev/null -o StrictHostKeyChecking=no`,
    "g",
  );

/** Make each test of the file a recording of its own, and remove it afterwards. */
export function forEachTest(use: (recording: Recording) => void): void {
  let made: Recording | undefined;
  beforeEach(async () => {
    made = await Recording.make();
    use(made);
  });
  afterEach(() => made?.remove());
}
