import { SshSession } from "../deployer/ssh/session.ts";
import { releaseWithBerth } from "./berth.ts";
import type { Passed } from "./delay-line.ts";
import type { Delays } from "./delays.ts";
import { copyAndSwitch } from "./floor.ts";
import type { BenchHost, BenchHosts } from "./hosts.ts";
import { untilIdle } from "./idle.ts";
import type { Case } from "./options.ts";
import { type Spent, spent } from "./processor.ts";
import type { BenchSystem } from "./systems.ts";

/** What brings a version to a host. */
export type Contestant = "floor" | "berth";
const contestants: readonly Contestant[] = ["floor", "berth"];

/** One case and the times of its runs, in seconds; those of the same index were taken one after the other. */
export interface Series {
  case: Case;
  hosts: number;
  /** Milliseconds. */
  latency: number;
  seconds: Record<Contestant, number[]>;
  /** What each run has cost the processors. */
  processor: Record<Contestant, Spent[]>;
  /** What went through the first host's delay line in the last run; undefined without one. */
  passed: Record<Contestant, Passed | undefined>;
  /** Runs before which the processor was not idle. */
  disturbed: number;
}

export interface Course {
  hosts: BenchHosts;
  delays: Delays;
  env: Record<string, string>;
  /** Folder of the links that keep releases here. */
  roots: string;
  runs: number;
  /** Milliseconds to wait for an idle processor. */
  patience: number;
  /** No run is started after it; milliseconds since the epoch. */
  end: number;
  signal: AbortSignal;
  say: (line: string) => void;
}

/** Time one case: both contestants in turn, each with a version of its own that no host has seen, the first of a pair changing. */
export async function timeCase(
  course: Course,
  which: { case: Case; hosts: number; latency: number },
): Promise<Series | undefined> {
  const { hosts, delays, signal, say } = course;
  const reached = await hosts.reach(which.hosts, which.latency);
  const seconds: Series["seconds"] = { floor: [], berth: [] };
  const processor: Series["processor"] = { floor: [], berth: [] };
  const passed: Series["passed"] = { floor: undefined, berth: undefined };
  let disturbed = 0;
  // All hosts on one version, and everything warm: the shared libraries of both, the hosts' caches.
  let current = await hosts.systems.fresh("app");
  for (const contestant of contestants) await bring(course, contestant, reached, current, undefined);
  for (let run = 0; run < course.runs; run++) {
    for (const contestant of run % 2 === 0 ? contestants : contestants.toReversed()) {
      signal.throwIfAborted();
      if (Date.now() > course.end) return seconds.berth.length === 0 ? undefined : whole();
      const wanted = which.case === "unchanged" ? current : await hosts.systems.fresh(which.case);
      const [first] = reached;
      if (first?.line !== undefined) await delays.take(first.line);
      if (!(await untilIdle(course.patience, signal))) disturbed += 1;
      const before = await spent();
      const start = performance.now();
      await bring(course, contestant, reached, wanted, current);
      seconds[contestant].push((performance.now() - start) / 1_000);
      const after = await spent();
      processor[contestant].push({ all: after.all - before.all, here: after.here - before.here });
      if (first?.line !== undefined) passed[contestant] = await delays.take(first.line);
      await Promise.all(reached.map((host) => tidy(host, wanted)));
      current = wanted;
    }
  }
  return whole();

  function whole(): Series {
    say(
      `${which.case}, ${which.hosts} hosts, ${which.latency} ms: floor ${shown(seconds.floor)}, Berth ${shown(seconds.berth)}`,
    );
    return { ...which, seconds, processor, passed, disturbed };
  }
}

const shown = (numbers: readonly number[]): string => numbers.map((one) => one.toFixed(2)).join(" ");

async function bring(
  { hosts, roots, env }: Course,
  contestant: Contestant,
  reached: readonly BenchHost[],
  wanted: BenchSystem,
  runs: BenchSystem | undefined,
): Promise<void> {
  const berth = (host: BenchHost) =>
    releaseWithBerth(host, wanted, {
      ...{ system: hosts.system, roots: `${roots}/${host.target.host}` },
      // The provider has it from the stack's state.
      ...(runs ? { runs: runs.toplevel } : {}),
    });
  await Promise.all(
    reached.map((host) => (contestant === "floor" ? copyAndSwitch(host.target, wanted, env) : berth(host))),
  );
}

/** Not timed: see that the host runs what it was brought, and give back the room of what ran before. */
async function tidy({ target }: BenchHost, { toplevel }: BenchSystem): Promise<void> {
  const session = await SshSession.create(target);
  try {
    const script = `set -e
      PATH=/run/current-system/sw/bin:/nix/var/nix/profiles/default/bin:$PATH
      nix-env -p /nix/var/nix/profiles/system --delete-generations +2 >&2
      nix-store --gc >/dev/null 2>&1
      readlink -f /run/current-system /nix/var/nix/profiles/system`;
    const { stdout, stderr } = await session.sh(script, { deadline: 120_000 });
    if (stdout !== `${toplevel}\n${toplevel}\n`)
      throw new Error(`${target.host} should run ${toplevel}, but it says: ${stdout}${stderr}`);
  } finally {
    await session.close();
  }
}
