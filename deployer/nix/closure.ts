import { z } from "zod";
import { Failure } from "../failure.ts";
import { lastLines, run } from "../process.ts";
import type { SshSession } from "../ssh/session.ts";

/** A store path and the bytes it takes unpacked. */
export interface PathSize {
  path: string;
  bytes: number;
}

// Nix 2.19+ prints an object by path; older ones a list.
const pathInfo = z.union([
  z.record(z.string(), z.object({ narSize: z.int() })),
  z.array(z.object({ path: z.string(), narSize: z.int() })),
]);

/** Every path of a local closure with its size. */
export async function closureOf(path: string): Promise<PathSize[]> {
  const ended = await run("nix", ["path-info", "--json", "--recursive", path], { deadline: 60_000 });
  if (ended.exitCode !== 0) {
    throw new Failure({
      tried: `read the closure of ${path}`,
      cameBack: lastLines(ended.stderr, 5),
      next: "build it first, or check the local Nix store",
    });
  }
  const info = pathInfo.parse(JSON.parse(ended.stdout));
  return Array.isArray(info)
    ? info.map((entry) => ({ path: entry.path, bytes: entry.narSize }))
    : Object.entries(info).map(([entry, { narSize }]) => ({ path: entry, bytes: narSize }));
}

/** Copy a closure to a host over the session's own connection. */
export async function copyClosure(
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
