import { Failure } from "../deployer/failure.ts";
import { lastLines, run } from "../deployer/process.ts";
import type { SshTarget } from "../deployer/ssh/config.ts";
import { SshSession } from "../deployer/ssh/session.ts";
import type { BenchSystem } from "./systems.ts";

const deadline = 120_000;

/**
 * The plain floor, as anyone would type it: `nix copy`, then one ssh that sets the profile and switches. Two handshakes, no lock, no
 * way back, no check. As strict about keys as Berth is.
 */
export async function copyAndSwitch(
  target: SshTarget,
  { toplevel }: BenchSystem,
  env: Record<string, string>,
): Promise<void> {
  // For its files alone: it opens no connection.
  const files = await SshSession.create(target);
  try {
    const store = `ssh://${files.alias}`;
    await must("nix", ["copy", "--no-check-sigs", "--to", store, toplevel], {
      ...env,
      NIX_SSHOPTS: files.sshOptions,
    });
    const profile = "/nix/var/nix/profiles/system";
    const command = `nix-env -p ${profile} --set ${toplevel} && ${toplevel}/bin/switch-to-configuration switch`;
    await must("ssh", ["-F", files.configFile, files.alias, command], env);
  } finally {
    await files.close();
  }
}

async function must(file: string, args: readonly string[], env: Record<string, string>): Promise<void> {
  const ended = await run(file, args, { deadline, env });
  if (ended.exitCode === 0) return;
  throw new Failure({
    tried: `run ${file} for the floor`,
    cameBack: lastLines(ended.stderr, 5),
    next: "look at the lab",
  });
}
