import { rmSync } from "node:fs";
import { lstat, mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { onExit } from "signal-exit";
import { Failure, messageOf } from "./failure.ts";
import { isThere } from "./process.ts";

const open = new Set<string>();

/** Remove every private folder of this process that is still there; synchronous, for a process that is about to end. */
function removePrivateFolders(): void {
  for (const folder of open) rmSync(folder, { recursive: true, force: true });
  open.clear();
}
onExit(removePrivateFolders);

/** Whether this process has looked for what others have left. */
let isSwept = false;

/**
 * A folder for keys, mode 0700. Remove it with `removePrivateFolder`; one that is left goes when the process ends, by a signal as well, and
 * after SIGKILL with the next one's first folder.
 * The name is short, because a socket's path in it ends at 107 bytes.
 */
export async function privateFolder(): Promise<string> {
  if (!isSwept) void removeForsakenFolders();
  isSwept = true;
  const folder = await mkdtemp(join(tmpdir(), `berth-${process.pid}-`)).catch((error: unknown) => {
    throw new Failure({
      tried: `make a folder for keys in ${tmpdir()} of this machine`,
      cameBack: messageOf(error),
      next: "make room there, or set TMPDIR to a folder that can be written",
    });
  });
  open.add(folder);
  return folder;
}

export async function removePrivateFolder(folder: string): Promise<void> {
  await rm(folder, { recursive: true, force: true });
  open.delete(folder);
}

/** Milliseconds that a folder is left alone: who shares it may see other processes than we do, as containers may. */
const restMilliseconds = 3_600_000;

/** Remove this user's private folders whose process is gone. What cannot be removed is left to another time. */
export async function removeForsakenFolders(): Promise<void> {
  const names = await readdir(tmpdir()).catch(() => []);
  for (const name of names) {
    const pid = Number(/^berth-(\d+)-\w{6}$/.exec(name)?.[1] ?? Number.NaN);
    if (!(pid > 0) || isThere(pid)) continue;
    const folder = join(tmpdir(), name);
    const found = await lstat(folder).catch(() => undefined);
    if (!found?.isDirectory() || found.uid !== process.getuid?.()) continue;
    if (Date.now() - found.mtimeMs < restMilliseconds) continue;
    await rm(folder, { recursive: true, force: true }).catch(() => undefined);
  }
}
