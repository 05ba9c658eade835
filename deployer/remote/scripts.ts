import { readFile } from "node:fs/promises";
import { z } from "zod";
import { Failure } from "../failure.ts";
import { jsonOrUndefined } from "../json.ts";
import { lastLines } from "../process.ts";
import type { RemoteOptions, SshSession } from "../ssh/session.ts";

const texts = new Map<string, Promise<string>>();
function script(name: string): Promise<string> {
  const text = texts.get(name) ?? readFile(new URL(`./${name}.sh`, import.meta.url), "utf8");
  texts.set(name, text);
  return text;
}

/** A document for a remote script: its keys and, for lists, several values. */
export type Document = Record<string, string | number | readonly string[]>;

/** key=value lines, closed by "---"; `rest` follows for scripts that read more. Throws on a value with a line break. */
export function renderDocument(document: Document, rest = ""): string {
  const lines = Object.entries(document).flatMap(([key, value]) =>
    (Array.isArray(value) ? value : [value]).map((one) => {
      const text = String(one);
      if (/[\r\n\0]/.test(text)) throw new Error(`${key} holds a line break`);
      return `${key}=${text}\n`;
    }),
  );
  return `${lines.join("")}---\n${rest}`;
}

const trialState = z.enum(["none", "pending", "confirming", "confirmed", "rolling-back", "rolled-back"]);

/** What `observe.sh` tells. Links are store paths, or null where absent. */
const observation = z.object({
  os: z.string(),
  variant: z.string(),
  machine: z.string(),
  bootId: z.string(),
  current: z.string().nullable(),
  booted: z.string().nullable(),
  profile: z.string().nullable(),
  /** What the boot loader starts next; null where that was not asked, or is not known for certain. */
  boots: z.string().nullable().default(null),
  /** Parts of the running system that only a reboot puts in force: "kernel", "initrd", "kernel-modules". */
  pendingReboot: z.array(z.string()),
  marker: z.string().nullable(),
  /** The mark of a release that was rolled back by hand (`release/hold.ts`). */
  held: z.string().nullable().default(null),
  failed: z.array(z.object({ unit: z.string(), journal: z.string() })),
  trial: z.object({ state: trialState, exitCode: z.int().nullable(), log: z.string() }),
  /** Of systemd, e.g. "running", "degraded", "starting"; told by `observe` alone, as the restarts are. */
  state: z.string().default(""),
  /** How often systemd has restarted a unit by itself since it was started, where it has. */
  restarts: z.record(z.string(), z.int()).default({}),
});
export type Observation = z.infer<typeof observation>;

const refusal = z.object({ ok: z.literal(false), because: z.string() });
const done = z.object({ ok: z.literal(true) });
const prepared = done.extend({
  /** Paths of the new closure that the host lacks, and their unpacked bytes. */
  missing: z.int(),
  missingBytes: z.int(),
  /** The first 200 of them. */
  few: z.array(z.string()),
  /** Whether it has all of it by now, as that was sent along, and a guard is being started: the trial that was sent behind goes ahead. */
  armed: z.boolean(),
  seen: observation.extend({ current: z.string() }),
});

/** What `disks.sh` tells: the disks of a machine, and which of them the devices of a layout are. */
const disks = z.object({
  disks: z.array(
    z.object({
      /** As the kernel calls it now, e.g. "sda". */
      name: z.string(),
      /** Bytes. */
      size: z.number(),
      /** Its names in /dev/disk/by-id. */
      ids: z.array(z.string()),
      /** Empty where it tells none. */
      serial: z.string(),
      /** What is on it, e.g. "3 partitions"; empty for a blank one. */
      holds: z.string(),
    }),
  ),
  /** `disk` is empty where there is no such device. */
  layout: z.array(z.object({ device: z.string(), disk: z.string() })),
  /** Names in /dev/disk/by-id of Hetzner's volumes. */
  volumes: z.array(z.string()),
});
export type Disks = z.infer<typeof disks>;

/** What `generations.sh` tells: the releases that a host can return to. */
const generations = z.object({
  current: z.string().nullable(),
  booted: z.string().nullable(),
  profile: z.string().nullable(),
  held: z.string().nullable(),
  generations: z.array(
    z.object({
      number: z.int(),
      toplevel: z.string(),
      /** Seconds since 1970. */
      at: z.int(),
      /** Of the system, e.g. "26.05.20261120.1a2b3c4". */
      label: z.string().nullable(),
      /** The checks it was kept with, as JSON. */
      checks: z.string().nullable(),
    }),
  ),
});

/** What `space.sh` tells: file systems that a release needs room on. */
const space = z.object({
  places: z.array(
    z.object({
      /** Where it is mounted: "/", "/boot", "/nix" or "/nix/store"; those that are no file systems of their own are left out. */
      at: z.string(),
      /** Bytes. */
      size: z.number(),
      /** Bytes that root may still write without what is kept in reserve. */
      free: z.number(),
    }),
  ),
});
export type Space = z.infer<typeof space>["places"];

/** What `people.sh` tells: who may log in. */
const people = z.object({
  keys: z.array(z.object({ user: z.string(), file: z.string(), line: z.string() })),
  /** Of sshd's settings; empty where it did not tell. */
  passwords: z.string(),
  command: z.string(),
  authorities: z.string(),
  /** /root/.ssh/authorized_keys, which the installation writes; `text` is null, and `because` why, where it is no plain file of root's. */
  root: z.object({ text: z.string().nullable(), digest: z.string(), because: z.string() }),
});

const credentials = z.object({
  credentials: z.array(z.object({ service: z.string(), name: z.string(), digest: z.string() })),
});

/** What `inspect.sh` tells: all that an installation decides by, but for the disks. */
const inspection = z.object({
  os: z.string(),
  variant: z.string(),
  hostname: z.string(),
  /** File system of /, e.g. "tmpfs". */
  root: z.string(),
  machine: z.string(),
  /** Bytes. */
  memory: z.number(),
  firmware: z.enum(["uefi", "bios"]),
  bootId: z.string(),
  current: z.string().nullable(),
  marker: z.string().nullable(),
  /** In an installer: whether a root is mounted at /mnt, and what runs of an installation have noted. */
  mounted: z.boolean(),
  formatted: z.string().nullable(),
  installed: z.string().nullable(),
  /** Comments of root's login keys that a reinstall has left. */
  tokens: z.array(z.string()),
});
export type Inspection = z.infer<typeof inspection>;

/** What `network.sh` tells of each address that it was asked for. */
const network = z.array(z.object({ address: z.string(), up: z.boolean(), route: z.boolean() }));

/** What `check.sh` tells of one of the host's own checks; `output` is the end of what a command wrote. */
const checked = z.object({
  well: z.boolean(),
  timedOut: z.boolean(),
  because: z.string(),
  output: z.string(),
});

/** What `rescue.sh` tells: texts of what lies on the disks, each with where it is from. */
const rescued = done.extend({
  /** Hetzner's id of the server; empty where the metadata service did not tell. */
  server: z.string(),
  os: z.string(),
  sections: z.array(z.object({ name: z.string(), from: z.string(), text: z.string() })),
});

const answers = {
  observe: observation,
  disks,
  inspect: inspection,
  network,
  check: checked,
  journal: z.object({ journal: z.string() }),
  note: done,
  mark: done,
  "hand-over": done,
  generations,
  space,
  people,
  "people-write": z.union([done, refusal]),
  unhold: done.extend({ was: z.string().nullable() }),
  settle: done,
  build: z.union([done, refusal]),
  /** What the host lacks after it has asked the caches; `trouble` is what it says of them, "" when none is at fault. */
  fetch: z.union([prepared.omit({ seen: true, armed: true }).extend({ trouble: z.string() }), refusal]),
  prepare: z.union([prepared, refusal]),
  hold: z.union([done, refusal]),
  before: z.union([done, refusal]),
  /**
   * `well`: the switch has ended with 0. `begun`: what was sent unasked was not what the host lacks, and nothing was switched. `bootOnly` says
   * that the system cannot be switched to while another runs, only booted.
   */
  trial: z.union([
    done.extend({ begun: z.literal(false) }),
    done.extend({ well: z.boolean(), seen: observation.optional() }),
    refusal.extend({ bootOnly: z.boolean().default(false) }),
  ]),
  reboot: z.union([done.extend({ fallback: z.string() }), refusal]),
  "reboot-keep": z.union([done, refusal]),
  /** `fallback` is the toplevel that it returns to, or has returned to. */
  "reboot-return": z.union([done.extend({ rebooting: z.boolean(), fallback: z.string() }), refusal]),
  confirm: z.union([done.extend({ kept: z.boolean(), seen: observation }), refusal]),
  abandon: z.union([done, refusal]),
  finish: z.union([done, refusal]),
  adopt: z.union([done.extend({ adopted: z.boolean() }), refusal]),
  rotate: z.union([done, refusal]),
  "keep-key": z.union([done, refusal]),
  rescue: z.union([rescued, refusal]),
  "credentials-deliver": z.union([done.extend({ written: z.array(z.string()) }), refusal]),
  "credentials-read": credentials,
  "credentials-renew": z.union([done.extend({ restarted: z.array(z.string()) }), refusal]),
  "credentials-prune": z.union([done.extend({ removed: z.array(z.string()) }), refusal]),
};
export type ScriptName = keyof typeof answers;
/** The scripts that `remote` runs. */
export const scriptNames = Object.keys(answers) as ScriptName[];
export type Answer<Name extends ScriptName> = z.infer<(typeof answers)[Name]>;

export interface ScriptOptions extends Omit<RemoteOptions, "input"> {
  /** What follows the document on stdin, for scripts that read more. */
  rest?: string;
  /** Whether the script that it leaves on the host (`leaves`) is sent along. @default true */
  leave?: boolean;
}

/** Shell functions that a script has beside the library's. */
const functions: Partial<Record<ScriptName, readonly string[]>> = {
  observe: ["boots", "look"],
  adopt: ["profile", "boots"],
  confirm: ["look", "profile", "decide"],
  prepare: ["lock", "look", "profile", "decide", "boot-trial", "arm"],
  trial: ["look", "arm"],
  reboot: ["lock", "profile", "decide", "boot-trial", "boot-entry"],
  "reboot-keep": ["profile", "decide", "boot-trial"],
  "reboot-return": ["profile", "decide", "boot-trial"],
  rotate: ["lock"],
};

/** What a script leaves on the host: a script of its own, of so many `bytes`, read right behind the document. */
const leaves: Partial<Record<ScriptName, string>> = { prepare: "guard", trial: "guard", rotate: "host-key" };

/** Scripts that are given secrets. */
const secretive = new Set<ScriptName>(["credentials-deliver", "rotate"]);

/** Run one of the scripts in this folder on a host. Throws a Failure when it ends in any other way than with its JSON line. */
export async function remote<Name extends ScriptName>(
  session: SshSession,
  name: Name,
  document: Document,
  options: ScriptOptions,
): Promise<Answer<Name>> {
  const parts = ["lib", ...(functions[name] ?? []), name];
  const text = (await Promise.all(parts.map(script))).join("\n");
  const left = leaves[name] && options.leave !== false ? await script(leaves[name]) : "";
  const confidential = secretive.has(name);
  const whole = left ? { ...document, bytes: Buffer.byteLength(left) } : document;
  const input = renderDocument(whole, `${left}${options.rest ?? ""}`);
  const ended = await session.sh(text, { ...options, confidential, input });
  const line = ended.stdout.trimEnd().split("\n").at(-1) ?? "";
  const parsed = ended.exitCode === 0 ? answers[name].safeParse(jsonOrUndefined(line)) : undefined;
  if (parsed?.success) return parsed.data as Answer<Name>;
  throw new Failure({
    host: session.label,
    tried: `${name} on the host`,
    cameBack:
      lastLines(ended.stderr, 5) ||
      (ended.exitCode === 255
        ? "the connection broke"
        : `exit code ${ended.exitCode}: ${line.slice(0, 200)}`),
    next: "look at the host's journal, then run pulumi up again",
  });
}
