import { Failure, messageOf } from "../failure.ts";
import type { Cache } from "../nix/cache.ts";
import { copyMissing, type Missing } from "../nix/closure.ts";
import { lastLines, run } from "../process.ts";
import { remote } from "../remote/scripts.ts";
import type { SshSession } from "../ssh/session.ts";
import type { Hooks } from "./release.ts";

/** Seconds that caches have to give a host what it lacks. */
const fetchSeconds = 900;

/** What is brought to a host. */
export interface Bringing {
  /** Of the release. */
  id: string;
  toplevel: string;
  caches?: readonly Cache[];
}

/**
 * Have the host get what it lacks of a release: from the stack's caches, then from here. A cache that is down, or whose signatures the host
 * does not believe, is told and holds nothing up.
 */
export async function bring(
  session: SshSession,
  { id, toplevel, caches = [] }: Bringing,
  missing: Missing,
  hooks: Hooks,
): Promise<void> {
  const left = missing.count > 0 && caches.length > 0 ? await fetch() : missing;
  if (left.count === 0) return;
  hooks.status(`copying ${left.count} paths (${(left.bytes / 1e6).toFixed(1)} MB)`);
  await copyMissing(toplevel, left, session, { deadline: 1_800_000, signal: hooks.signal });

  async function fetch(): Promise<Missing> {
    hooks.status(`pushing what was built to ${caches.length === 1 ? "the cache" : "the caches"}`);
    await hooks.push?.(toplevel).catch((error: unknown) => hooks.warn?.(messageOf(error)));
    hooks.status(
      `fetching ${missing.count} paths (${(missing.bytes / 1e6).toFixed(1)} MB) from ${nameOf(caches)}`,
    );
    const answer = await remote(
      session,
      "fetch",
      { id, seconds: fetchSeconds, cache: caches.map(({ url, publicKey }) => `${url} ${publicKey}`) },
      { deadline: (fetchSeconds + 60) * 1_000, signal: hooks.signal },
    );
    if (!answer.ok)
      throw new Failure({
        host: session.label,
        tried: `fetch what it lacks from ${nameOf(caches)}`,
        cameBack: answer.because,
        stands: "The running release was not touched",
        next: "run pulumi up again",
      });
    if (answer.trouble !== "")
      hooks.warn?.(
        `${session.label}: ${nameOf(caches)} did not give all that it lacks, which is copied from here instead: ${answer.trouble}`,
      );
    return { count: answer.missing, bytes: answer.missingBytes, few: answer.few };
  }
}

const nameOf = (caches: readonly Cache[]): string =>
  caches.map(({ url }) => url.replace(/\/\/[^/@]*@/, "//").replace(/\?.*$/, "")).join(", ");

/** Build a release on the host that is to run it: its derivations go there, and nothing comes back. */
export async function buildOnHost(
  session: SshSession,
  { drvPath, toplevel }: { drvPath: string; toplevel: string },
  hooks: Hooks,
): Promise<void> {
  hooks.status("copying what it is built from");
  const copied = await run(
    "nix",
    ["copy", "--derivation", "--no-check-sigs", "--to", `ssh://${session.alias}`, drvPath],
    {
      deadline: 1_800_000,
      env: { NIX_SSHOPTS: session.sshOptions },
      ...(hooks.signal ? { signal: hooks.signal } : {}),
    },
  );
  const failed = (cameBack: string, next: string) =>
    new Failure({
      host: session.label,
      tried: `build ${toplevel} on the host (${drvPath})`,
      cameBack,
      stands: "The running release was not touched",
      next,
    });
  if (copied.exitCode !== 0)
    throw failed(lastLines(copied.stderr, 8), "check the connection and the disk, then run pulumi up again");
  hooks.status("building on the host");
  const answer = await remote(
    session,
    "build",
    { toplevel, path: [drvPath] },
    { deadline: 3_600_000, signal: hooks.signal },
  );
  if (!answer.ok)
    throw failed(
      `the build failed\n${answer.because}`,
      `mend it; /var/lib/berth/build.log on the host has the whole log`,
    );
}
