import { rm } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import type { build } from "../../deployer/nix/build.ts";
import { builderMachine, builderTarget, buildOnBuilder } from "../../deployer/nix/builder.ts";
import { CachePushes } from "../../deployer/nix/cache.ts";
import { BuildQueue } from "../../deployer/nix/queue.ts";
import type { Hooks, Release } from "../../deployer/release/release.ts";
import type { CallContext } from "../framework/types.ts";
import { openSession } from "./sessions.ts";

/** Where a host's system is built, and which way it goes. */
export const hostBuilds = z.strictObject({
  on: z.enum(["deployer", "target", "builder"]),
  builder: builderMachine.optional(),
  caches: z.array(
    z.strictObject({
      url: z.string(),
      publicKey: z.string(),
      push: z.strictObject({ to: z.string(), secretKey: z.string() }).optional(),
    }),
  ),
  keep: z.int().positive(),
});
export type HostBuildInputs = z.infer<typeof hostBuilds>;

/** Of all hosts of one update, which this process serves together. */
const queue = new BuildQueue();
const pushes = new CachePushes();

interface Wanted {
  stack: string;
  host: string;
  loginKey?: string | undefined;
  builds?: HostBuildInputs | undefined;
}

/** Folders of roots that releases of this process are in. */
const rooted = new Set<string>();

/** What of a release is the builds' business. */
export function buildSettings({ stack, host, builds }: Wanted): Partial<Release> {
  rooted.add(rootsOf(stack, host));
  const onTarget = builds?.on === "target";
  return {
    ...(onTarget ? { buildOnHost: true } : { roots: rootsOf(stack, host) }),
    ...(builds && {
      keep: builds.keep,
      caches: builds.caches.map(({ url, publicKey }) => ({ url, publicKey })),
    }),
  };
}

/** Where the releases of a host are kept from being collected; relative to the project, where Pulumi starts its providers. */
const rootsOf = (stack: string, host: string): string => join(".berth", "roots", stack, host);

/** The releases of a host that is no longer managed are the collector's; not those of one whose Deployment has just been replaced. */
export async function forgetReleases(stack: string, host: string): Promise<void> {
  const roots = rootsOf(stack, host);
  if (!rooted.has(roots)) await rm(roots, { recursive: true, force: true });
}

/** How a release is built, and what is pushed of it. */
export function buildHooks(wanted: Wanted, call: CallContext): Pick<Hooks, "build" | "push"> {
  const targets = wanted.builds?.caches.flatMap(({ push }) => push ?? []) ?? [];
  return {
    build: (...request) => buildAt(wanted, request),
    push: async (path) => {
      for (const target of targets)
        await pushes.push(path, target, { deadline: 1_800_000, signal: call.signal });
    },
  };
}

/** Build where it is to be built, together with whatever else is asked for at about the same time. */
export async function buildAt(
  wanted: Pick<Wanted, "stack" | "loginKey" | "builds">,
  request: Parameters<typeof build>,
): Promise<void> {
  const [what, derivation, options] = request;
  const builder = wanted.builds?.builder;
  if (builder === undefined) return await queue.build(what, derivation, options);
  const session = await openSession(builderTarget(wanted.stack, builder, wanted.loginKey));
  await buildOnBuilder(session, (...there) => queue.build(...there), [what, derivation, options]);
}
