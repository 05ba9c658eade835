import { spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

const lifeline = 3;

/**
 * Run `work` in a process group of its own that ends with its parent, however the parent ends.
 * Pulumi kills just the process it started, with a signal that cannot be caught; what that process started would go on wiping disks.
 * So the work is done by a child that holds the far end of a pipe, and kills its whole group when the pipe closes.
 * All its temporary files, keys among them, lie in one folder that goes with it.
 */
export async function runSupervised(work: () => Promise<number>): Promise<number> {
  // Its value is the folder for temporary files, made for this run.
  const temporary = process.env.BERTH_SUPERVISED;
  if (temporary === undefined) return superviseSelf();
  const watch = new Socket({ fd: lifeline, readable: true, writable: false });
  watch
    .once("close", () => {
      rmSync(temporary, { recursive: true, force: true });
      process.kill(-process.pid, "SIGKILL");
    })
    .on("error", () => undefined)
    .resume();
  const code = await work();
  watch.removeAllListeners("close");
  // Not left to the event loop: a handle that work forgot must not keep an update waiting.
  process.exit(code);
}

function superviseSelf(): Promise<number> {
  const temporary = mkdtempSync(join(tmpdir(), "berth-"));
  const child = spawn(process.execPath, process.argv.slice(1), {
    detached: true,
    stdio: ["inherit", "inherit", "inherit", "pipe"],
    env: { ...process.env, BERTH_SUPERVISED: temporary, TMPDIR: temporary },
  });
  const endGroup = () => {
    try {
      if (child.pid !== undefined) process.kill(-child.pid, "SIGKILL");
    } catch {
      // Nothing of it is left.
    }
    rmSync(temporary, { recursive: true, force: true });
  };
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
    process.on(signal, () => {
      endGroup();
      process.exit(130);
    });
  }
  return new Promise((resolve) => {
    child.once("error", () => {
      endGroup();
      resolve(1);
    });
    child.once("exit", (code) => {
      // What the work left behind, an ssh that still formats a disk for one, must not meet the next run.
      endGroup();
      child.stdio[lifeline]?.destroy();
      resolve(code ?? 130);
    });
  });
}
