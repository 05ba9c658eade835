import { writeFile } from "node:fs/promises";
import { connect } from "node:net";
import { join } from "node:path";
import { execa } from "execa";
import { waitFor } from "../../../lab/machines/waiting.ts";

/** Runs commands on a server by strict ssh. */
export class Remote {
  readonly address: string;
  readonly #folder: string;
  readonly #hostKey: string;
  readonly #account: () => Promise<string>;

  /** @param account tells what the server did, when it does not answer */
  constructor(folder: string, address: string, hostKey: string, account: () => Promise<string>) {
    this.#folder = folder;
    this.address = address;
    this.#hostKey = hostKey;
    this.#account = account;
  }

  async #ssh(command: string) {
    const known = join(this.#folder, `known-${this.address.replaceAll(":", "-")}`);
    await writeFile(known, `${this.address} ${this.#hostKey}\n`);
    const options = [
      ...["BatchMode=yes", "IdentitiesOnly=yes", "ConnectTimeout=10", "StrictHostKeyChecking=yes"],
      ...[
        `UserKnownHostsFile=${known}`,
        "GlobalKnownHostsFile=/dev/null",
        `IdentityFile=${this.#folder}/login`,
      ],
    ];
    const args = [...options.flatMap((option) => ["-o", option]), `root@${this.address}`, command];
    return await execa("ssh", ["-F", "/dev/null", ...args], {
      reject: false,
      stdin: "ignore",
      timeout: 100_000,
    });
  }

  /** Standard output of a command that must succeed. */
  async run(command: string): Promise<string> {
    const result = await this.#ssh(command);
    if (!result.failed) return result.stdout;
    const how = result.timedOut ? "no end within 100 s" : `exit ${result.exitCode}`;
    // 255 is ssh's own failure, which says nothing of what became of the server.
    const account = result.exitCode === 255 ? `\n${await this.#account()}` : "";
    throw new Error(`ssh ${this.address} ${command}: ${how}: ${result.stderr}${account}`);
  }

  /** Runs a command that may cut the connection off. */
  async send(command: string): Promise<void> {
    await this.#ssh(command);
  }

  /** What ssh says to an attempt to log in; empty when it works. */
  async complaint(): Promise<string> {
    const result = await this.#ssh("true");
    return result.failed ? result.stderr : "";
  }

  /** Waits until a login works; milliseconds it took. */
  async ready(limitMs = 120_000): Promise<number> {
    const began = performance.now();
    let last = "port 22 is not open";
    await waitFor(
      `a login at ${this.address}`,
      async () => {
        // Cheaper to ask than a whole login.
        if ((await attemptTcp(this.address, 22, 2_000)) !== "open") return null;
        last = await this.complaint();
        return last === "" ? true : null;
      },
      limitMs,
      50,
    ).catch(async (error: Error) => {
      throw new Error(`${error.message}: ${last}\n${await this.#account()}`);
    });
    return Math.round(performance.now() - began);
  }
}

/** How a TCP connection attempt from this machine ends: "open", "silent", or the system's word for its failure. */
export function attemptTcp(host: string, port: number, limitMs: number): Promise<string> {
  const { promise, resolve } = Promise.withResolvers<string>();
  const socket = connect({ host, port });
  const done = (how: string) => {
    socket.destroy();
    resolve(how);
  };
  socket.setTimeout(limitMs, () => done("silent"));
  socket.on("connect", () => done("open"));
  socket.on("error", (error: NodeJS.ErrnoException) => done(error.code ?? error.message));
  return promise;
}

/** The same in the words of a firewall: a port that nobody answers for is silent, whoever says so. */
export async function knock(
  host: string,
  port: number,
  limitMs = 2_000,
): Promise<"open" | "refused" | "silent"> {
  const how = await attemptTcp(host, port, limitMs);
  return how === "open" ? how : how === "ECONNREFUSED" ? "refused" : "silent";
}
