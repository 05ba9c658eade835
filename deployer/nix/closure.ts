import { existsSync } from "node:fs";
import { z } from "zod";
import { Failure } from "../failure.ts";
import { lastLines, run, runForBytes } from "../process.ts";
import type { SshSession } from "../ssh/session.ts";

/** A store path and the bytes it takes unpacked. */
export interface PathSize {
  path: string;
  bytes: number;
}

// Nix 2.19+ prints an object by path; older ones a list.
const info = z.object({
  narSize: z.int(),
  references: z.array(z.string()).optional(),
  ultimate: z.boolean().optional(),
});
const pathInfo = z.union([z.record(z.string(), info), z.array(info.extend({ path: z.string() }))]);
type Info = z.infer<typeof info>;

/** A closure, beside another one that a host is believed to have. */
export interface Closure {
  paths: (PathSize & {
    /** The other one has it as well. */
    shared?: boolean;
    /** Built here, and so in no cache that a host may have by itself. */
    local?: boolean;
  })[];
  /** The toplevel of the other one; undefined where that is not known here. */
  beside?: string;
  /** The other one's paths. */
  before?: PathSize[];
}

/** Closures that are being read. */
const reading = new Map<string, Promise<Map<string, Info>>>();

/** Every path of a local closure with its size. */
export async function closureOf(path: string): Promise<PathSize[]> {
  return [...(await read([path]))].map(([entry, { narSize }]) => ({ path: entry, bytes: narSize }));
}

/** Every path of a local closure, and which of them another system has; where that one is not in the local store, nothing is shared. */
export async function closureBeside(path: string, other: string | undefined): Promise<Closure> {
  if (other === undefined || other === path || !existsSync(other)) return { paths: await closureOf(path) };
  // What lies in the store need not be valid there: a copy of it may have been cut off.
  const known = await read([path, other]).catch(() => new Map<string, Info>());
  const wanted = reachable(known, path);
  const shared = reachable(known, other);
  // Or a Nix that tells references in another way.
  if (!wanted || !shared) return { paths: await closureOf(path) };
  return {
    paths: [...wanted].map((entry) => ({
      path: entry,
      bytes: known.get(entry)?.narSize ?? 0,
      shared: shared.has(entry),
      local: known.get(entry)?.ultimate === true,
    })),
    beside: other,
    before: [...shared].map((entry) => ({ path: entry, bytes: known.get(entry)?.narSize ?? 0 })),
  };
}

/** What a path refers to by whatever way, itself included; undefined where something on that way is not known. Pure. */
export function reachable(
  known: ReadonlyMap<string, { references?: readonly string[] | undefined }>,
  from: string,
): Set<string> | undefined {
  const found = new Set([from]);
  // A set that grows while it is walked is walked to its end.
  for (const path of found) {
    const references = known.get(path)?.references;
    if (!references) return undefined;
    for (const reference of references) found.add(reference);
  }
  return found;
}

/** Who asks while another's answer to the same is under way gets that. */
function read(paths: readonly string[]): Promise<Map<string, Info>> {
  const key = paths.join(" ");
  const already = reading.get(key);
  if (already) return already;
  const answer = readClosures(paths).finally(() => reading.delete(key));
  reading.set(key, answer);
  return answer;
}

async function readClosures(paths: readonly string[]): Promise<Map<string, Info>> {
  const ended = await run("nix", ["path-info", "--json", "--recursive", ...paths], { deadline: 60_000 });
  if (ended.exitCode !== 0) {
    throw new Failure({
      tried: `read the closure of ${paths.join(" and ")}`,
      cameBack: lastLines(ended.stderr, 5),
      next: "build it first, or check the local Nix store",
    });
  }
  const parsed = pathInfo.parse(JSON.parse(ended.stdout));
  return new Map(
    Array.isArray(parsed) ? parsed.map(({ path, ...rest }) => [path, rest]) : Object.entries(parsed),
  );
}

/** What a host lacks of a closure. */
export interface Missing {
  count: number;
  /** Unpacked bytes. */
  bytes: number;
  /** All of them, or the first where there are many. */
  few: readonly string[];
  /** None of them is in a cache that the host may have. @default false */
  local?: boolean;
}

/** Where the host's Nix is, whatever PATH a login gets. */
const importCommand =
  "PATH=/run/current-system/sw/bin:/nix/var/nix/profiles/default/bin:$PATH exec nix-store --import";

/** Paths up to which a host names all that it lacks; see prepare.sh. */
const fewPaths = 200;

/** Bytes up to which sending everything in one go beats asking whether a cache has it. */
const streamBytes = 4_000_000;

/** The same where no cache has it; what breaks off is sent again from its beginning. */
const localStreamBytes = 64_000_000;

/** Copy what a host lacks of a closure over the session's own connection. */
export async function copyMissing(
  path: string,
  missing: Missing,
  session: SshSession,
  options: { deadline: number; signal?: AbortSignal },
): Promise<void> {
  if (missing.count === 0) return;
  const most = missing.local ? localStreamBytes : streamBytes;
  if (missing.few.length === missing.count && missing.bytes <= most) {
    if (await streamPaths(missing, session, options)) return;
  }
  await copyClosure(path, session, options);
}

/**
 * Export the paths and import them on the host, in one round trip. Returns false where the host refused them, e.g. because a path they
 * refer to went away in the meantime: `nix copy` then finds out what it needs.
 */
async function streamPaths(
  { few, bytes }: Missing,
  session: SshSession,
  options: { deadline: number; signal?: AbortSignal },
): Promise<boolean> {
  if (bytes > streamBytes) {
    const piped = await session.pipe("nix-store", ["--export", ...few], importCommand, options);
    return piped.exitCode === 0;
  }
  const input = await exported(few).catch(() => undefined);
  if (input === undefined) return false;
  const ended = await session.command(importCommand, { ...options, input });
  return ended.exitCode === 0;
}

/**
 * What a host will probably lack, exported already, if it is little.
 * @returns undefined when it is much, nothing, or not known
 */
export function exportAhead({ paths, beside }: Closure): Promise<Uint8Array> | undefined {
  const lacking = paths.filter(({ shared }) => !shared);
  const bytes = lacking.reduce((sum, one) => sum + one.bytes, 0);
  if (beside === undefined || lacking.length === 0 || lacking.length > fewPaths || bytes > streamBytes)
    return;
  return exported(lacking.map(({ path }) => path));
}

/** What was exported last: hosts of one update mostly lack the same. */
let lastExport: { paths: string; stream: Promise<Uint8Array> } | undefined;

/** The paths as `nix-store --import` reads them; `streamBytes` or a little more. */
function exported(paths: readonly string[]): Promise<Uint8Array> {
  const key = paths.join(" ");
  if (lastExport?.paths === key) return lastExport.stream;
  const stream = runForBytes("nix-store", ["--export", ...paths], { deadline: 60_000 }).then(
    ({ exitCode, stdout, stderr }) => {
      if (exitCode === 0) return stdout;
      throw new Error(`nix-store --export ended with ${exitCode}: ${lastLines(stderr, 3)}`);
    },
  );
  const entry = { paths: key, stream };
  lastExport = entry;
  stream.catch(() => {
    if (lastExport === entry) lastExport = undefined;
  });
  return stream;
}

/** Copy a closure that a host has into the local store. */
export async function fetchClosure(
  path: string,
  session: SshSession,
  options: { deadline: number; signal?: AbortSignal },
): Promise<void> {
  const ended = await run("nix", ["copy", "--no-check-sigs", "--from", `ssh://${session.alias}`, path], {
    ...options,
    env: { NIX_SSHOPTS: session.sshOptions },
  });
  if (ended.exitCode !== 0) {
    throw new Failure({
      host: session.label,
      tried: `fetch ${path}`,
      cameBack: lastLines(ended.stderr, 8),
      next: "check the connection and the local disk",
    });
  }
}

/** Copy a closure to a host; a path that a cache of the host's has is fetched from there. */
async function copyClosure(
  path: string,
  session: SshSession,
  options: { deadline: number; signal?: AbortSignal },
): Promise<void> {
  const ended = await run(
    "nix",
    ["copy", "--no-check-sigs", "--substitute-on-destination", "--to", `ssh://${session.alias}`, path],
    { ...options, env: { NIX_SSHOPTS: session.sshOptions } },
  );
  if (ended.exitCode !== 0) {
    throw new Failure({
      host: session.label,
      tried: `copy ${path}`,
      cameBack: lastLines(ended.stderr, 8),
      stands: "The running release was not touched",
      next: "check the connection and the disk, then run pulumi up again",
    });
  }
}
