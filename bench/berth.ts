import { release } from "../deployer/release/release.ts";
import { SshSession } from "../deployer/ssh/session.ts";
import type { BenchHost } from "./hosts.ts";
import type { BenchSystem } from "./systems.ts";

/** Seconds that the provider gives a release by default. */
const healthDeadline = 60;

/** Berth's deployer as the provider calls it, with the connection opened and closed again within its time. */
export async function releaseWithBerth(
  { target, health }: BenchHost,
  { drvPath, toplevel }: BenchSystem,
  { system, roots, runs }: { system: string; roots: string; runs?: string },
): Promise<void> {
  const session = await SshSession.create(target);
  try {
    await release(
      session,
      { drvPath, toplevel, system, health, healthDeadline, roots, runs, owner: "the benchmark" },
      { status: () => undefined },
    );
  } finally {
    await session.close();
  }
}
