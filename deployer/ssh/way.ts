import { constants, existsSync, openSync } from "node:fs";
import { connect, Socket } from "node:net";
import { homedir, userInfo } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { getSystemErrorMessage } from "node:util";
import { run } from "../process.ts";
import { FolderWatch } from "./folder-watch.ts";
import { quote } from "./quote.ts";

/** Milliseconds that a host may take to take a connection. */
const connectDeadline = 10_000;
/** Milliseconds that what ssh has started may take to open its pipes, though ssh has ended meanwhile: it would wait for ever for their ends. */
const late = 500;

/**
 * An ssh's way to its host, opened by this process in its place: so an ssh can be started before it is to go there, and has only to shake
 * hands then. And it need not wait in that: by itself, ssh holds each small packet back until the one before is acknowledged (Nagle; it asks
 * for TCP_NODELAY once somebody is logged in), which the host delays by 40 ms. What is copied in bulk is better off without: each byte passes
 * through two more processes and this one.
 */
export class Way {
  readonly #folder: string;
  readonly #to: { address: string; port: number };
  /** Two pipes with names, as an ssh has no other file than the three. */
  readonly #toSsh: string;
  readonly #fromSsh: string;
  #host: Socket | undefined;
  /** When ssh had made its pipes, and when this was closed; milliseconds since the epoch. */
  #metAt: number | undefined;
  #closedAt: number | undefined;
  /** Ends of both; undefined where ssh has never made them. */
  readonly #ends: Promise<{ toSsh: Socket; fromSsh: Socket } | undefined>;

  /**
   * Waits for the ssh that is started with `proxyCommand`.
   * @param folder private; `name` is nobody else's in it
   */
  constructor(folder: string, name: string, to: { address: string; port: number }) {
    this.#folder = folder;
    this.#to = to;
    this.#toSsh = join(folder, `${name}-to-ssh`);
    this.#fromSsh = join(folder, `${name}-from-ssh`);
    this.#ends = this.#meet();
  }

  /** A value of ssh's option ProxyCommand. */
  get proxyCommand(): string {
    const to = quote(this.#toSsh);
    const from = quote(this.#fromSsh);
    const relay = `mkfifo -m 600 ${from} ${to} && { cat ${to} & exec cat >${from}; }`;
    // The user's own shell starts it, which may be any.
    return `/bin/sh -c ${quote(relay)}`.replaceAll("%", "%%");
  }

  /** "203.0.113.7 port 22", as ssh says it. */
  get label(): string {
    return `${this.#to.address} port ${this.#to.port}`;
  }

  /** Whether ssh has come as far as this. Where it never does, it cannot be given a way from here. */
  get met(): boolean {
    return this.#metAt !== undefined;
  }

  /** Connect to the host and give that to ssh. Throws in ssh's words where the host takes no connection. */
  async open(): Promise<void> {
    const { address, port } = this.#to;
    const host = connect({ host: address, port, noDelay: true });
    this.#host = host;
    const opened = new Promise<void>((resolve, reject) => {
      host.once("connect", resolve).once("error", reject);
      host.setTimeout(connectDeadline, () => reject(new Error("Connection timed out")));
    });
    try {
      await opened;
    } catch (error) {
      throw new Error(`ssh: connect to host ${this.label}: ${wordsOf(error)}`);
    }
    host.setTimeout(0);
    const ends = await this.#ends;
    if (!ends) return;
    // Whatever ends it, ssh finds that it is over behind all that was said.
    host.on("error", () => this.close());
    ends.toSsh.once("finish", () => this.close());
    host.pipe(ends.toSsh);
    ends.fromSsh.pipe(host);
  }

  /** What ssh has started for it ends with that. */
  close(): void {
    if (this.#closedAt !== undefined) return;
    this.#closedAt = Date.now();
    this.#host?.destroy();
    void this.#ends.then(async (ends) => {
      if (!ends || this.#metAt === undefined) return;
      await sleep(Math.max(0, this.#metAt + late - Date.now()), undefined, { ref: false });
      ends.toSsh.destroy();
      ends.fromSsh.destroy();
    });
  }

  async #meet(): Promise<{ toSsh: Socket; fromSsh: Socket } | undefined> {
    const watch = new FolderWatch(this.#folder);
    try {
      while (!existsSync(this.#toSsh)) {
        const givenUp = this.#closedAt !== undefined && Date.now() - this.#closedAt > late;
        if (givenUp || !existsSync(this.#folder)) return undefined;
        await watch.change(50);
      }
      // For reading and writing, which waits for nobody: an end that is gone is told by ssh's own.
      const open = (path: string) => openSync(path, constants.O_RDWR | constants.O_NONBLOCK);
      const toSsh = new Socket({ fd: open(this.#toSsh), readable: false, writable: true });
      const fromSsh = new Socket({ fd: open(this.#fromSsh), readable: true, writable: false });
      this.#metAt = Date.now();
      for (const end of [toSsh, fromSsh]) end.on("error", () => this.close());
      return { toSsh, fromSsh };
    } catch {
      // Its folder went, and with that whoever would be here.
      return undefined;
    } finally {
      watch.close();
    }
  }
}

/** Whether ssh goes to a host by itself, from whichever address it likes: by what the user's own configuration adds to ours. */
export async function goesByItself(configFile: string, alias: string): Promise<boolean> {
  try {
    // ssh asks the system who this is, and not HOME.
    const homes = [homedir(), userInfo().homedir];
    if (!homes.some((home) => existsSync(join(home, ".ssh", "config")))) return true;
  } catch {
    // The system does not know.
    return false;
  }
  const asked = await run("ssh", ["-G", "-F", configFile, alias], { deadline: 5_000 }).catch(() => undefined);
  return asked?.exitCode === 0 && isDirect(asked.stdout);
}

/** The same by what `ssh -G` says. Pure. */
export function isDirect(settings: string): boolean {
  const lines = settings.toLowerCase().split("\n");
  return (
    !lines.some((line) => /^(proxyjump|proxycommand|bindaddress|bindinterface) (?!none$)/.test(line)) &&
    lines.includes("addressfamily any")
  );
}

/** What a system says of a failure, as ssh words it; of several addresses, of the last one. */
function wordsOf(error: unknown): string {
  const last = error instanceof AggregateError ? error.errors.at(-1) : error;
  const { errno, message } = last as NodeJS.ErrnoException;
  const words = errno === undefined ? message : getSystemErrorMessage(errno);
  return words.charAt(0).toUpperCase() + words.slice(1);
}
