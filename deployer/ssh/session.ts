import { existsSync, readFileSync, rmSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Readable } from "node:stream";
import { setTimeout as sleep } from "node:timers/promises";
import { Failure, messageOf } from "../failure.ts";
import { privateFolder, removePrivateFolder } from "../private-folder.ts";
import { type Ended, lastLines, NotStarted, run, runPiped } from "../process.ts";
import { hostAlias, knownHosts, type SshTarget, sshConfig } from "./config.ts";
import { FolderWatch } from "./folder-watch.ts";
import { Master } from "./master.ts";
import { quote } from "./quote.ts";
import { goesByItself, Way } from "./way.ts";

const residentScript = readFileSync(new URL("./resident.sh", import.meta.url), "utf8");

/** A host did not let anybody in: nothing was said to it. */
export class Unreachable extends Failure {}

export interface RemoteOptions {
  /** The script's input, as data on stdin. */
  input?: string;
  /** Bytes that follow it there. They are copied no more often than needed: ten hosts may be sent the same. @default none */
  stream?: Uint8Array | undefined;
  /** Milliseconds. */
  deadline: number;
  signal?: AbortSignal;
  /** A new TCP connection instead of the shared one: proves that the host still lets people in. */
  fresh?: boolean;
  /** Called when it is sent to a shell that stays: what is said `behind` it runs as soon as it has ended, whatever comes back. */
  onSent?: () => void;
  /** May wait on the host for what was sent before, where a shell stays there; without one it runs beside that. */
  behind?: boolean;
  /** Its input may not be written down on the host, not even for a moment in root's memory file system. */
  confidential?: boolean;
  /** Seconds to wait for the connection to stand. @default 10 */
  connectTimeout?: number;
  /** Run as whoever logs in, who need not be able to become root. */
  asSelf?: boolean;
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
  #master: Master | undefined;
  /** Every one that was started and has not ended: one that was dropped as it opened is not the shared one, and would stay. */
  readonly #started = new Set<Master>();
  /** Started, and waits to be the next one. */
  #next: Master | undefined;
  /** Whether ssh goes to the host by itself, once that was asked. */
  #direct: Promise<boolean> | undefined;
  #ways = 0;
  #opening: Promise<void> | undefined;
  /** How often the shared connection was given up. */
  #given = 0;
  #closed = false;
  #wantsShell = false;
  /** When the shared connection was seen to stand; milliseconds since the epoch. */
  #stoodAt = 0;

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
    try {
      await writeFile(files.knownHosts, knownHosts(target), { mode: 0o600 });
      if (files.identity && target.loginKey !== undefined) {
        await writeFile(files.identity, `${target.loginKey.trimEnd()}\n`, { mode: 0o600 });
      }
      await writeFile(session.configFile, sshConfig(target, files), { mode: 0o600 });
    } catch (error) {
      await removePrivateFolder(folder);
      throw new Failure({
        host: session.label,
        tried: `write what ssh needs to ${folder} of this machine`,
        cameBack: messageOf(error),
        next: "make room there, or set TMPDIR to a folder that can be written",
      });
    }
    return session;
  }

  /**
   * Have every shared connection from now on bring a shell that stays on the host, which takes a login and a round trip off each script.
   * For hosts that let this user run commands as they come.
   */
  keepShell(): void {
    this.#wantsShell = true;
  }

  /** "web1 (203.0.113.7)", for messages. */
  get label(): string {
    const { host, address } = this.target;
    return host === address ? address : `${host} (${address})`;
  }

  /** Options for programs that start ssh themselves (`NIX_SSHOPTS`): the shared connection, the same strictness. */
  get sshOptions(): string {
    return `-F ${this.configFile}`;
  }

  /** Run a POSIX shell script on the host. A non-zero exit is returned, a lost connection (255) as well. */
  async sh(script: string, options: RemoteOptions): Promise<Ended> {
    if (!options.fresh) await this.#open(options.deadline);
    const asSelf = options.asSelf && this.target.user !== "root";
    const shell = this.#master?.shell;
    const resident = options.behind ? shell?.usable : shell?.idle;
    const input = [Buffer.from(options.input ?? ""), ...(options.stream ? [options.stream] : [])];
    if (!options.fresh && !options.confidential && !asSelf && shell && resident) {
      const ended = shell.run(script, { ...options, input });
      options.onSent?.();
      return await ended;
    }
    const command = `exec ${asSelf ? "" : become(this.target.user)}sh -c ${quote(script)}`;
    const route = [
      ...(options.fresh ? ["-o", "ControlPath=none"] : []),
      ...(options.connectTimeout === undefined ? [] : ["-o", `ConnectTimeout=${options.connectTimeout}`]),
    ];
    return run("ssh", ["-F", this.configFile, ...route, this.alias, command], {
      input: Buffer.concat(input),
      deadline: options.deadline,
      signal: options.signal,
    });
  }

  /** Run a command line on the host with bytes on its stdin. A non-zero exit is returned. */
  async command(
    command: string,
    { input, deadline, signal }: Pick<RemoteOptions, "deadline" | "signal"> & { input: Uint8Array },
  ): Promise<Ended> {
    // Not even a moment later: what has just been sent may be followed by this.
    const standing = this.#stands ? this.#master?.shell : undefined;
    if (standing?.usable) return await standing.run(command, { input: [input], deadline, signal });
    await this.#open(deadline);
    const shell = this.#master?.shell;
    if (shell?.idle) return shell.run(command, { input: [input], deadline, signal });
    return run("ssh", ["-F", this.configFile, this.alias, command], { input, deadline, signal });
  }

  /** Run a command line on the host with a stream as its stdin. A non-zero exit is returned. */
  async send(
    source: Readable,
    command: string,
    { deadline, signal }: Pick<RemoteOptions, "deadline" | "signal">,
  ): Promise<Ended> {
    await this.#open(deadline);
    return run("ssh", ["-F", this.configFile, this.alias, command], { input: source, deadline, signal });
  }

  /**
   * Have a port of 127.0.0.1 on the host lead to one of 127.0.0.1 here for as long as `use` takes.
   * Throws where the host's sshd does not forward.
   */
  async withTunnel<Result>(port: number, use: (remotePort: number) => Promise<Result>): Promise<Result> {
    await this.#open(30_000);
    const control = (verb: string) =>
      run(
        "ssh",
        // The configuration forwards nothing by itself; ssh keeps the first value that it sees.
        [
          ...["-F", this.configFile, "-o", "ClearAllForwardings=no", "-O", verb],
          ...["-R", `127.0.0.1:0:127.0.0.1:${port}`, this.alias],
        ],
        { deadline: 15_000 },
      );
    const opened = await control("forward");
    const remotePort = Number.parseInt(opened.stdout, 10);
    if (opened.exitCode !== 0 || !(remotePort > 0))
      throw new Failure({
        host: this.label,
        tried: "have a port of the host lead here",
        cameBack: lastLines(opened.stderr, 1) || "its sshd does not forward",
        next: "allow it in its sshd: AllowTcpForwarding yes",
      });
    try {
      return await use(remotePort);
    } finally {
      // A connection that broke has taken it along.
      await control("cancel").catch(() => undefined);
    }
  }

  /** Run a program here with its output as the input of a command line on the host. Either's non-zero exit is returned. */
  async pipe(
    file: string,
    args: readonly string[],
    command: string,
    { deadline, signal }: Pick<RemoteOptions, "deadline" | "signal">,
  ): Promise<Ended> {
    await this.#open(deadline);
    return runPiped([file, args], ["ssh", ["-F", this.configFile, this.alias, command]], {
      deadline,
      signal,
    });
  }

  /**
   * Try until a connection with the right host key and login key stands, or throw what ssh said last.
   * A wrong host key ends the wait at once, and so does a login that is refused, unless `patient`: then the host is expected to change
   * its identity, or whom it lets in.
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
      const denied = isLoginDenied(attempt.stderr);
      if ((isIdentityMismatch(attempt.stderr) || denied) && !options.patient) break;
      connectTimeout = Math.min(connectTimeout + 1, 10);
      await sleep(denied ? deniedPause : 300, undefined, { signal });
    } while (Date.now() < end);
    throw new Unreachable({
      host: this.label,
      tried: `ssh as ${this.target.user} on port ${this.target.port}`,
      cameBack: isIdentityMismatch(said)
        ? "host key verification failed: it answers with another key than this stack's"
        : said,
      next: isIdentityMismatch(said)
        ? whoAnswers(this.target)
        : "look at the server's console, the firewall and the login key",
    });
  }

  /**
   * See to it that the shared connection stands and answers, waiting for a host that boots. Costs one round trip where it stands, one
   * handshake where the host is up.
   */
  async ready(deadline: number, options: { signal?: AbortSignal } = {}): Promise<void> {
    // Who shares it may be opening it: to give that up would fail them.
    if (this.#opening !== undefined) await this.#opening.catch(() => undefined);
    if (this.#stands) {
      if (Date.now() - this.#stoodAt < freshMilliseconds) return;
      const answer = await this.sh("exit 0", { deadline: 5_000, ...options }).catch(() => undefined);
      if (answer?.exitCode === 0) return;
    }
    this.drop();
    const end = Date.now() + deadline;
    for (;;) {
      try {
        return await this.#open(10_000);
      } catch (error) {
        if (Date.now() >= end) throw error;
      }
      // May go well, and the next login be refused: a first boot starts sshd once more.
      await this.waitUntilReachable(end - Date.now(), options);
    }
  }

  /**
   * A new TCP connection becomes the shared one: proves that the host still lets people in, and what follows is said over it. The old
   * one is given up first, as it may hang.
   */
  async renew(deadline: number): Promise<void> {
    const next = this.#next;
    this.#giveUp("SIGKILL", next);
    this.#next = next;
    await this.#open(deadline);
  }

  /**
   * Have an ssh ready for the connection that `renew` opens next, where ssh would go to the host by itself. Nothing is sent to the host by it
   * until then.
   */
  async foreseeRenewal(): Promise<void> {
    if (this.target.jump !== undefined) return;
    this.#direct ??= goesByItself(this.configFile, this.alias);
    if (!(await this.#direct) || this.#closed || this.#next?.runs) return;
    this.#next = this.#start(new Way(this.#folder, `way-${this.#ways++}`, this.target));
  }

  /** End the connection and remove the keys. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#giveUp("SIGTERM");
    await removePrivateFolder(this.#folder);
  }

  /** Forget the shared connection (the host went away); the next command opens a new one. */
  drop(): void {
    this.#giveUp("SIGKILL");
  }

  #giveUp(signal: NodeJS.Signals, kept?: Master): void {
    for (const master of this.#started) {
      if (master === kept) continue;
      master.kill(signal);
      this.#started.delete(master);
    }
    this.#given++;
    this.#master = undefined;
    this.#next = undefined;
    this.#opening = undefined;
  }

  get #stands(): boolean {
    return this.#master?.runs === true && existsSync(this.#controlPath);
  }

  async #open(deadline: number): Promise<void> {
    if (this.#stands) return;
    if (this.#opening === undefined) {
      const opening: Promise<void> = this.#startMaster(deadline).finally(() => {
        if (this.#opening === opening) this.#opening = undefined;
      });
      this.#opening = opening;
    }
    await this.#opening;
  }

  #start(way?: Way): Master {
    const { configFile, alias, target } = this;
    const master = new Master({
      ...{ configFile, alias },
      shell: this.#wantsShell ? `exec ${become(target.user)}sh -c ${quote(residentScript)}` : undefined,
      way,
    });
    this.#started.add(master);
    void master.ended.then(() => this.#started.delete(master));
    return master;
  }

  /** Nothing is awaited before ssh has started: what the caller does next goes on beside the handshake, not before it. */
  async #startMaster(deadline: number): Promise<void> {
    rmSync(this.#controlPath, { force: true });
    const master = this.#next?.runs ? this.#next : this.#start();
    this.#next = undefined;
    master.open();
    const end = Date.now() + Math.min(deadline, 30_000);
    const given = this.#given;
    const watch = new FolderWatch(this.#folder);
    try {
      while (!existsSync(this.#controlPath)) {
        const gone = await Promise.race([master.ended.then(() => true), watch.change(50).then(() => false)]);
        // Given up by another who shares it, who opens it anew or leaves that to the next.
        if (given !== this.#given && !this.#closed) return await this.#open(deadline);
        if (gone && master.astray && !this.#closed) return await this.#startMaster(deadline);
        if (gone || Date.now() > end) {
          master.kill("SIGKILL");
          throw new Failure({
            host: this.label,
            tried: "open an ssh connection",
            cameBack: lastLines(master.said, 3) || (gone ? "ssh ended without a word" : "no answer in time"),
            next: "check that the host is up and its firewall lets this machine in, then run pulumi up again",
          });
        }
      }
    } finally {
      watch.close();
    }
    // Given up while it opened: the one that stands now is another's.
    if (!this.#started.has(master)) return await this.#open(deadline);
    this.#master = master;
    this.#stoodAt = Date.now();
  }
}

/** How long a connection that was just opened is believed in. */
const freshMilliseconds = 2_000;

/** Milliseconds between two logins that are refused: sshd, or what watches over it, bars an address that tries too often. */
export const deniedPause = 3_000;

/** What a person does about a host that shows another key. */
const whoAnswers = ({ address, port }: SshTarget): string =>
  `compare the key that berth trust ${address}${port === 22 ? "" : ` --port ${port}`} shows with what the machine says of itself at its console. If they differ, somebody else has its address; if not, its key was changed by other means: put the old one back there, or install it anew`;

/** Did ssh refuse the host's key, rather than fail to reach it? */
export function isIdentityMismatch(said: string): boolean {
  return /host key verification failed|host identification has changed|no matching host key type/i.test(said);
}

/** Did the host, or the one on the way to it, let nobody in with our key? */
export const isLoginDenied = (said: string): boolean => /permission denied \(/i.test(said);

/** What makes a command root's. It asks for no password: nobody is there to give one. */
export const become = (user: string): string =>
  user === "root" ? "" : '"$(command -v sudo || command -v doas || echo sudo)" -n ';
