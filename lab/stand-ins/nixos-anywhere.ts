/**
 * Stand-in for nixos-anywhere 1.13 where it cannot be had: the same command line, phases, waits and remote paths over the
 * `ssh` and `nix` on PATH; written for the lab's machines, and it says so. Like the real one it asks nothing, rolls
 * nothing back, and its waits for ssh have no end: the caller sets the limit.
 */
import { mkdtempSync, realpathSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArguments, UsageError } from "./nixos-anywhere-arguments.ts";
import { Installation } from "./nixos-anywhere-installation.ts";
import { StepFailed } from "./nixos-anywhere-target.ts";

const usage = `Usage: nixos-anywhere [options] [<ssh-host>]
This is the stand-in of Berth's lab. It takes the options of nixos-anywhere that need neither a virtual machine, a
password, hardware detection nor a remote build: --flake, --store-paths, --target-host, -i, -p, --ssh-option, --kexec,
--force-kexec, --kexec-extra-flags, --post-kexec-ssh-port, --phases, --extra-files, --chown, --copy-host-keys,
--disk-encryption-keys, --build-on auto|local, --disko-mode, --no-disko-deps, --option, --from, --ssh-store-setting,
--no-substitute-on-destination, --no-use-machine-substituters, -L, --show-trace.`;

function resolvePath(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    return path;
  }
}

async function main(argv: readonly string[]): Promise<number> {
  process.stdout.write(
    "nixos-anywhere: stand-in of Berth's lab; the real one is used as soon as it is on PATH\n",
  );
  if (argv.includes("--help")) {
    process.stdout.write(`${usage}\n`);
    return 0;
  }
  const folder = mkdtempSync(join(tmpdir(), "nixos-anywhere-"));
  const clean = () => rmSync(folder, { recursive: true, force: true });
  // Whoever ends this run ends its whole process group; the key must not stay behind.
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
    process.once(signal, () => {
      clean();
      // Nobody handles it any more: it ends this process as it would have.
      process.kill(process.pid, signal);
    });
  }
  try {
    await new Installation(parseArguments(argv, resolvePath), folder).run();
    return 0;
  } catch (error) {
    if (error instanceof UsageError) {
      process.stderr.write(`aborted: ${error.message}\n`);
      return 1;
    }
    if (!(error instanceof StepFailed)) throw error;
    if (error.message) process.stderr.write(`${error.message}\n`);
    return error.exitCode;
  } finally {
    clean();
  }
}

process.exitCode = await main(process.argv.slice(2));
