import { setTimeout as sleep } from "node:timers/promises";
import { Failure } from "../failure.ts";

/** The part of Hetzner's API that switches a server on. */
export interface ServerPower {
  /** The server's status, e.g. "running", "off", "starting"; undefined when there is no such server. */
  serverStatus(id: number): Promise<string | undefined>;
  /** Asks for power; resolves when the order was taken, or with why it was not for now ("locked"). */
  powerOn(id: number): Promise<"ordered" | "locked">;
}

export interface EnsureOptions {
  /** The host's name, for errors. */
  host: string;
  /** Milliseconds until it must run. */
  deadline: number;
  /** Milliseconds between two looks. @default 1000 */
  pause?: number;
  /** Told what is waited for. */
  status: (line: string) => void;
  signal?: AbortSignal;
}

/** States that lead somewhere by themselves. */
const passing: readonly string[] = [
  "initializing",
  "starting",
  "stopping",
  "migrating",
  "rebuilding",
  "unknown",
];

/**
 * Sees to it that a server runs: hcloud leaves one off after a change of its type, and takes one whose first start failed for made.
 * @returns whether it had to be switched on
 */
export async function ensureRunning(
  power: ServerPower,
  id: number,
  options: EnsureOptions,
): Promise<{ switchedOn: boolean }> {
  const end = Date.now() + options.deadline;
  let ordered = false;
  for (;;) {
    options.signal?.throwIfAborted();
    const status = await power.serverStatus(id);
    if (status === "running") return { switchedOn: ordered };
    const trouble = await step(status);
    if (Date.now() >= end)
      throw failure(trouble, "look at the server in Hetzner's console, then run pulumi up again");
    options.status(trouble);
    await sleep(options.pause ?? 1_000, undefined, { signal: options.signal });
  }

  async function step(status: string | undefined): Promise<string> {
    if (status === undefined)
      throw failure(
        "there is no such server any more",
        "run pulumi refresh, which removes it from the state",
      );
    if (status === "off") {
      if ((await power.powerOn(id)) === "locked") return "it is off, and locked by another action";
      ordered = true;
      return "it was off and is being switched on";
    }
    if (passing.includes(status)) return `it is ${status}`;
    throw failure(`its status is ${status}`, "wait until the server is there, then run pulumi up again");
  }

  function failure(cameBack: string, next: string): Failure {
    return new Failure({ host: options.host, tried: `switching server ${id} on`, cameBack, next });
  }
}
