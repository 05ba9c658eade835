import { type ChildProcess, spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { Failure } from "../failure.ts";
import { privateFolder, removePrivateFolder } from "../private-folder.ts";
import { type Ended, lastLines, NotStarted, run } from "../process.ts";
import { hostAlias, knownHosts, type SshTarget, sshConfig } from "./config.ts";

export interface RemoteOptions {
  /** The script's input, as data on stdin. */
  input?: string;
  /** Milliseconds. */
  deadline: number;
  signal?: AbortSignal;
  /** A new TCP connection instead of the shared one: proves that the host still lets people in. */
  fresh?: boolean;
  /** Seconds to wait for the connection to stand. @default 10 */
  connectTimeout?: number;
}

/**
 * One host, one connection: everything said to it is multiplexed over a master that this session owns.
 * Close it when done; its keys live in a private temporary folder until then.
 */
export class SshSession {
  readonly target: SshTarget;
  /** Path of the ssh_config that reaches this host as `alias`. */
  readonly configFile: string;
  readonly alias: string;
  readonly #folder: string;
  readonly #controlPath: string;
  #master: ChildProcess | undefined;
  #opening: Promise<void> | undefined;

  private constructor(target: SshTarget, folder: string) {
    this.target = target;
    this.alias = hostAlias(target);
    this.configFile = join(folder, "config");
    this.#folder = folder;
    this.#controlPath = join(folder, "master");
  }

  /** Write the session's files. Opens no connection. */
  static async create(target: SshTarget): Promise<SshSession> {
    const folder = await privateFolder();
    const session = new SshSession(target, folder);
    const files = {
      knownHosts: join(folder, "known_hosts"),
      identity: target.loginKey === undefined ? undefined : join(folder, "identity"),
      controlPath: session.#controlPath,
    };
    await writeFile(files.knownHosts, knownHosts(target), { mode: 0o600 });
    if (files.identity && target.loginKey !== undefined) {
      await writeFile(files.identity, `${target.loginKey.trimEnd()}\n`, { mode: 0o600 });
    }
    await writeFile(session.configFile, sshConfig(target, files), { mode: 0o600 });
    return session;
  }

  /** "web1 (203.0.113.7)", for messages. */
  get label(): string {
    return `${this.target.host} (${this.target.address})`;
  }

  /** Options for programs that start ssh themselves (`NIX_SSHOPTS`): the shared connection, the same strictness. */
  get sshOptions(): string {
    return `-F ${this.configFile}`;
  }

  /** Run a POSIX shell script on the host. A non-zero exit is returned, a lost connection (255) as well. */
  async sh(script: string, options: RemoteOptions): Promise<Ended> {
    if (!options.fresh) await this.#open(options.deadline);
    const command = `exec ${become(this.target.user)}sh -c ${quote(script)}`;
    const route = [
      ...(options.fresh ? ["-o", "ControlPath=none"] : []),
      ...(options.connectTimeout === undefined ? [] : ["-o", `ConnectTimeout=${options.connectTimeout}`]),
    ];
    return run("ssh", ["-F", this.configFile, ...route, this.alias, command], {
      input: options.input ?? "",
      deadline: options.deadline,
      signal: options.signal,
    });
  }

  /**
   * Try until a connection with the right host key and login key stands, or throw what ssh said last.
   * A wrong host key ends the wait at once, unless `patient`: then the host is expected to change its identity.
   */
  async waitUntilReachable(
    deadline: number,
    options: { signal?: AbortSignal; patient?: boolean } = {},
  ): Promise<void> {
    const { signal } = options;
    const end = Date.now() + deadline;
    let said: string;
    // A host that boots loses the first packets, and the kernel sends them again ever later: short attempts see it sooner.
    let connectTimeout = 2;
    do {
      signal?.throwIfAborted();
      const attempt = await this.sh("exit 0", {
        deadline: 15_000,
        fresh: true,
        connectTimeout,
        signal,
      }).catch((error: Error) => {
        if (error instanceof NotStarted) throw error;
        return { exitCode: 255, stdout: "", stderr: error.message };
      });
      if (attempt.exitCode === 0) return;
      said = lastLines(attempt.stderr, 3) || `ssh ended with ${attempt.exitCode}`;
      if (isIdentityMismatch(attempt.stderr) && !options.patient) break;
      connectTimeout = Math.min(connectTimeout + 1, 10);
      await sleep(300, undefined, { signal });
    } while (Date.now() < end);
    throw new Failure({
      host: this.label,
      tried: `ssh as ${this.target.user} on port ${this.target.port}`,
      cameBack: isIdentityMismatch(said)
        ? "host key verification failed: it answers with another key than this stack's"
        : said,
      next: isIdentityMismatch(said)
        ? "someone else answers at this address, or the host was installed by other means; find out which before going on: berth trust shows the key that answers"
        : "look at the server's console, the firewall and the login key",
    });
  }

  /** End the connection and remove the keys. */
  async close(): Promise<void> {
    this.#master?.kill("SIGTERM");
    this.#master = undefined;
    await removePrivateFolder(this.#folder);
  }

  /** Forget the shared connection (the host went away); the next command opens a new one. */
  drop(): void {
    this.#master?.kill("SIGKILL");
    this.#master = undefined;
    this.#opening = undefined;
  }

  async #open(deadline: number): Promise<void> {
    if (this.#master && this.#master.exitCode === null && existsSync(this.#controlPath)) return;
    this.#opening ??= this.#startMaster(deadline).finally(() => {
      this.#opening = undefined;
    });
    await this.#opening;
  }

  async #startMaster(deadline: number): Promise<void> {
    await rm(this.#controlPath, { force: true });
    const master = spawn("ssh", ["-F", this.configFile, "-M", "-N", this.alias], {
      stdio: ["ignore", "ignore", "pipe"],
    });
    let said = "";
    master.stderr.setEncoding("utf8").on("data", (chunk: string) => {
      said = (said + chunk).slice(-4_000);
    });
    const exited = new Promise<void>((resolve) =>
      master
        .once("close", () => resolve())
        .once("error", (error) => {
          said ||= error.message;
          resolve();
        }),
    );
    const end = Date.now() + Math.min(deadline, 30_000);
    while (!existsSync(this.#controlPath)) {
      const gone = await Promise.race([exited.then(() => true), sleep(10, false)]);
      if (gone || Date.now() > end) {
        master.kill("SIGKILL");
        throw new Failure({
          host: this.label,
          tried: "open an ssh connection",
          cameBack: lastLines(said, 3) || (gone ? "ssh ended without a word" : "no answer in time"),
          next: "check that the host is up and its firewall lets this machine in, then run pulumi up again",
        });
      }
    }
    this.#master = master;
  }
}

/** Did ssh refuse the host's key, rather than fail to reach it? */
export function isIdentityMismatch(said: string): boolean {
  return /host key verification failed|host identification has changed|no matching host key type/i.test(said);
}

/** What makes a command root's. It asks for no password: nobody is there to give one. */
export const become = (user: string): string =>
  user === "root" ? "" : '"$(command -v sudo || command -v doas || echo sudo)" -n ';

/** Quote for a POSIX shell. */
export function quote(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}
