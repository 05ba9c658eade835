import { rmSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { onExit } from "signal-exit";
import { Failure, messageOf } from "./failure.ts";

const open = new Set<string>();

/** Remove every private folder of this process that is still there; synchronous, for a process that is about to end. */
function removePrivateFolders(): void {
  for (const folder of open) rmSync(folder, { recursive: true, force: true });
  open.clear();
}
onExit(removePrivateFolders);

/**
 * A folder for keys, mode 0700. Remove it with `removePrivateFolder`; one that is left goes when the process ends, by a signal as well.
 * The name is short, because a socket's path in it ends at 107 bytes.
 */
export async function privateFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "berth-")).catch((error: unknown) => {
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
