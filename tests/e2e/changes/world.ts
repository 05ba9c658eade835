import { readFile, writeFile } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";
import { parse, stringify } from "yaml";
import { z } from "zod";
import { Engine, type StackOutputs } from "../../../lab/journey/pulumi.ts";
import { type Lab, reset, up } from "../../../lab/lab.ts";
import { checkout } from "../../../lab/setup/places.mjs";
import { sessionWith } from "../stack.ts";
import { Runs } from "./runs.ts";

/** The stack's `berth:` configuration as the file has it, without the prefix. */
export interface StackFile {
  hosts: Record<string, HostEntry>;
  [key: string]: unknown;
}
export interface HostEntry {
  server: Record<string, unknown>;
  [key: string]: unknown;
}

/** What shows whether a host is still the same one with the same disk. */
export interface HostFacts {
  serverId: number;
  bootId: string;
  /** What was written to its disk, and to each of its volumes by device, before anything was changed. */
  kept: Record<string, string>;
}

const servers = z.object({ servers: z.array(z.object({ id: z.number(), name: z.string() })) });
const prefix = "berth:";

/** A lab of its own with its stack, looked at from outside of Pulumi. */
export class World {
  readonly lab: Lab;
  readonly runs: Runs;
  readonly #engine: Engine;
  #outputs: StackOutputs = { hosts: {}, loginKey: "", pricePerMonth: 0 };

  private constructor(lab: Lab) {
    this.lab = lab;
    this.runs = new Runs(checkout, lab.env);
    this.#engine = new Engine(checkout, lab.env, () => undefined);
  }

  static async create(folder: string): Promise<World> {
    await reset({ folder });
    return new World(await up({ folder }));
  }

  remove(): Promise<boolean> {
    return reset({ folder: this.lab.places.folder });
  }

  get outputs(): StackOutputs {
    return this.#outputs;
  }

  /** Change the stack file; returns what puts it back. */
  async edit(change: (stack: StackFile) => void): Promise<() => Promise<void>> {
    const file = this.lab.places.stackFile;
    const before = await readFile(file, "utf8");
    const whole = parse(before) as { config: Record<string, unknown> };
    const entries = Object.entries(whole.config).map(([key, value]) => [key.slice(prefix.length), value]);
    const stack = Object.fromEntries(entries) as StackFile;
    change(stack);
    const config = Object.fromEntries(
      Object.entries(stack).map(([key, value]) => [`${prefix}${key}`, value]),
    );
    await writeFile(file, stringify({ ...whole, config }, { aliasDuplicateObjects: false }));
    return () => writeFile(file, before);
  }

  /** Requests that changed something at the cloud, since it is there. */
  async writes(): Promise<string[]> {
    const log = await readFile(this.lab.places.cloudLog, "utf8");
    return log.split("\n").filter((line) => / (POST|PUT|DELETE) \S+ 2\d\d$/.test(line));
  }

  /** Ask the lab's cloud. */
  async api(method: string, path: string, body?: object): Promise<unknown> {
    const { HCLOUD_ENDPOINT = "", HCLOUD_TOKEN = "" } = this.lab.env;
    const response = await fetch(`${HCLOUD_ENDPOINT}${path}`, {
      method,
      headers: { authorization: `Bearer ${HCLOUD_TOKEN}`, "content-type": "application/json" },
      ...(body && { body: JSON.stringify(body) }),
      signal: AbortSignal.timeout(20_000),
    });
    if (!response.ok)
      throw new Error(`${method} ${path} answered ${response.status}: ${await response.text()}`);
    return response.status === 204 ? undefined : response.json();
  }

  /** Switch a host's server off, as one does in Hetzner's console. */
  switchOff(host: string): Promise<void> {
    return this.#power(host, "poweroff", "off");
  }

  /** Switch it on again. That it runs does not mean that it answers yet. */
  switchOn(host: string): Promise<void> {
    return this.#power(host, "poweron", "running");
  }

  async #power(host: string, action: string, wanted: string): Promise<void> {
    const id = (await this.servers())[host];
    await this.api("POST", `/servers/${id}/actions/${action}`);
    const status = async () => {
      const found = (await this.api("GET", `/servers/${id}`)) as { server: { status: string } };
      return found.server.status;
    };
    for (let looks = 0; (await status()) !== wanted; looks++) {
      if (looks === 100) throw new Error(`${host} is not ${wanted} after ${looks} looks`);
      await sleep(100);
    }
  }

  /** Server ids by host. */
  async servers(): Promise<Record<string, number>> {
    const found = servers.parse(await this.api("GET", "/servers"));
    return Object.fromEntries(found.servers.map(({ id, name }) => [name.replace(/^lab-/, ""), id]));
  }

  /** Read the stack's outputs anew; who asks a host needs where it is now. */
  async refreshOutputs(): Promise<void> {
    this.#outputs = await this.#engine.outputs();
  }

  /** Write to the disk and the volumes of a host what nothing may lose. */
  async leaveSomething(host: string): Promise<void> {
    await this.#sh(
      host,
      `set -eu; echo ${host} >/var/lib/kept
       for volume in /dev/disk/by-id/scsi-0HC_Volume_*; do
         [ -e "$volume" ] || continue
         printf '%-16s' ${host} | dd of="$volume" conv=notrunc status=none
       done; sync`,
    );
  }

  async facts(): Promise<Record<string, HostFacts>> {
    const ids = await this.servers();
    const facts = await Promise.all(
      Object.keys(this.#outputs.hosts).map(async (host): Promise<[string, HostFacts]> => {
        const told = await this.#sh(
          host,
          `cat /proc/sys/kernel/random/boot_id; echo "/var/lib/kept $(cat /var/lib/kept 2>/dev/null)"
           for volume in /dev/disk/by-id/scsi-0HC_Volume_*; do
             [ -e "$volume" ] && echo "$volume $(head -c 16 "$volume" | tr -d '\\0 ')"
           done; true`,
        );
        const [bootId = "", ...lines] = told.trim().split("\n");
        const kept = lines.map((line) => line.trim().split(" ")).map(([where, what = ""]) => [where, what]);
        return [host, { serverId: ids[host] ?? 0, bootId, kept: Object.fromEntries(kept) }];
      }),
    );
    return Object.fromEntries(facts);
  }

  async #sh(host: string, script: string): Promise<string> {
    const session = await sessionWith(this.#outputs, host);
    try {
      // It may have been switched on a moment ago.
      await session.waitUntilReachable(60_000);
      const ended = await session.sh(script, { deadline: 20_000 });
      if (ended.exitCode !== 0) throw new Error(`${host}: ${ended.stderr}`);
      return ended.stdout;
    } finally {
      await session.close();
    }
  }
}
