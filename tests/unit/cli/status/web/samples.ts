import { appendFile, mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import type { HostLook, Told } from "../../../../../cli/status/look.ts";
import { type PageOptions, type ServedPage, servePage } from "../../../../../cli/status/web/serve.ts";
import type { StackState } from "../../../../../cli/status/web/watch-hosts.ts";
import type { RunEvent } from "../../../../../deployer/runs/events.ts";
import { recordFile } from "../../../../../deployer/runs/record.ts";
import { seenOn } from "../seen.ts";

/** A toplevel by a letter. */
export const toplevel = (letter: string): string => `/nix/store/${letter.repeat(32)}-nixos-system-web`;

const health = [{ http: "http://site.example.org/healthz" }];
const at = (time: string) => Date.parse(time) / 1000;

/** A host that is well. */
export function goodLook(host: string): HostLook & { told: Told } {
  const release = toplevel("b");
  return {
    host,
    address: "203.0.113.7",
    known: {
      urn: `urn:pulumi:prod::berth::berth:deploy:Deployment::${host}-deployment`,
      inputs: {
        host,
        toplevel: release,
        drvPath: `${release}.drv`,
        system: "x86_64-linux",
        health,
        healthDeadline: 60,
      },
      release,
    },
    told: {
      seen: seenOn(release, host),
      generations: [
        { number: 13, toplevel: toplevel("a"), at: at("2026-11-20T12:00:00Z"), label: "26.05", checks: null },
        { number: 14, toplevel: release, at: at("2026-11-22T09:00:00Z"), label: null, checks: null },
      ],
      space: [
        { at: "/", size: 40e9, free: 24e9 },
        { at: "/boot", size: 1e9, free: 8e8 },
      ],
    },
    checks: health.map((check) => ({ check, verdict: { healthy: true, took: 12 } })),
    certificates: [
      {
        of: { name: "site.example.org", port: 443 },
        seen: { from: new Date("2026-10-01T00:00:00Z"), until: new Date("2099-12-30T00:00:00Z") },
      },
    ],
  };
}

/** A host that does not answer. */
export const deadLook = (host: string): HostLook => ({
  ...goodLook(host),
  told: { error: `${host} (203.0.113.7): open an ssh connection: no answer in time.` },
  checks: health.map((check) => ({
    check,
    verdict: { healthy: false, because: "GET http://site.example.org/healthz failed: connect EHOSTUNREACH" },
  })),
  certificates: [],
});

/** A host with all that a person has to see to. */
export function troubledLook(host: string): HostLook & { told: Told } {
  const look = goodLook(host);
  const hold = {
    toplevel: toplevel("b"),
    since: "2026-11-22T10:00:00Z",
    by: "ada",
    why: "checkout is broken",
  };
  Object.assign(look.told.seen, {
    current: toplevel("a"),
    held: JSON.stringify(hold),
    pendingReboot: ["kernel", "initrd"],
    failed: [{ unit: "backup.service", journal: "" }],
  });
  look.told.space = [{ at: "/", size: 40e9, free: 2e9 }];
  return look;
}

/** A stack of these hosts. */
export function stackOf(...hosts: string[]): StackState {
  const host = {
    url: "http://site.example.org",
    address: "203.0.113.7",
    ipv6Address: "",
    port: 22,
    hostKey: "ssh-ed25519 AAAA",
    type: "cx23",
    serverId: "1",
    release: toplevel("b"),
    pricePerMonth: 5.99,
    ageRecipient: "",
  };
  return {
    view: {
      name: "prod",
      loginPublicKey: "",
      loginKey: "a-login-key-that-nobody-may-see",
      hosts: Object.fromEntries(hosts.map((name) => [name, host])),
    },
    known: Object.fromEntries(
      hosts.flatMap((name) => {
        const { known } = goodLook(name);
        return known ? [[name, known]] : [];
      }),
    ),
  };
}

type Without<Event> = Event extends RunEvent ? Omit<Event, "at"> & { at?: string } : never;
/** An event of a record, whenever that was. */
export type AnyEvent = Without<RunEvent>;

/** A page that is served of a stack whose hosts are what `looks` says. */
export class World implements AsyncDisposable {
  readonly folder: string;
  /** What a look at a host finds, which may take as long as it wants. */
  readonly looks: Record<string, HostLook | Promise<HostLook>> = {};
  state: StackState;
  page!: ServedPage;

  private constructor(folder: string, hosts: readonly string[]) {
    this.folder = folder;
    this.state = stackOf(...hosts);
  }

  /** @param looks what the first look at a host finds already */
  static async start(
    hosts: readonly string[],
    options: Partial<PageOptions> = {},
    looks: World["looks"] = {},
  ): Promise<World> {
    const world = new World(await mkdtemp(join(tmpdir(), "berth-live-")), hosts);
    Object.assign(world.looks, looks);
    await world.serve(options);
    return world;
  }

  /** Serve it, anew where that has been ended. */
  async serve(options: Partial<PageOptions> = {}): Promise<void> {
    this.page = await servePage({
      stack: "prod",
      state: this.state,
      read: async () => this.state,
      look: async (_, host) => (await this.looks[host]) ?? goodLook(host),
      folder: this.folder,
      every: 1,
      ending: new AbortController(),
      ...options,
    });
  }

  get port(): number {
    return Number(new URL(this.page.url).port);
  }

  /** The file of a record that this process keeps. */
  record(at = new Date(), who: string | number = process.pid): string {
    return join(this.folder, recordFile("prod", at, who));
  }

  /** Append lines to a record. */
  async append(file: string, ...events: AnyEvent[]): Promise<void> {
    await mkdir(dirname(file), { recursive: true });
    const lines = events.map((event) => JSON.stringify({ at: new Date().toISOString(), ...event }));
    await appendFile(file, `${lines.join("\n")}\n`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.page.close();
    await rm(this.folder, { recursive: true, force: true });
  }
}
