import { spawn } from "node:child_process";
import { Socket } from "node:net";

const lifeline = 3;

/**
 * Run `work` in a process group of its own that ends with its parent, however the parent ends.
 * Pulumi kills just the process it started, with a signal that cannot be caught; what that process started would go on wiping disks.
 * So the work is done by a child that holds the far end of a pipe, and kills its whole group when the pipe closes.
 */
export async function runSupervised(work: () => Promise<number>): Promise<number> {
  if (process.env.BERTH_SUPERVISED !== "1") return superviseSelf();
  const watch = new Socket({ fd: lifeline, readable: true, writable: false });
  watch
    .once("close", () => process.kill(-process.pid, "SIGKILL"))
    .on("error", () => undefined)
    .resume();
  const code = await work();
  watch.removeAllListeners("close");
  // Not left to the event loop: a handle that work forgot must not keep an update waiting.
  process.exit(code);
}

function superviseSelf(): Promise<number> {
  const child = spawn(process.execPath, process.argv.slice(1), {
    detached: true,
    stdio: ["inherit", "inherit", "inherit", "pipe"],
    env: { ...process.env, BERTH_SUPERVISED: "1" },
  });
  const endGroup = () => {
    if (child.pid === undefined) return;
    try {
      process.kill(-child.pid, "SIGKILL");
    } catch {
      // Nothing of it is left.
    }
  };
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
    process.on(signal, () => {
      endGroup();
      process.exit(130);
    });
  }
  return new Promise((resolve) => {
    child.once("error", () => resolve(1));
    child.once("exit", (code) => {
      // What the work left behind, an ssh session that still formats a disk for one, must not meet the next run.
      endGroup();
      child.stdio[lifeline]?.destroy();
      resolve(code ?? 130);
    });
  });
}
