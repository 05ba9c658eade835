import { lineOf, run } from "./run.ts";

/** A loop device and the file behind it. */
export interface LoopDevice {
  /** E.g. "/dev/loop3". */
  device: string;
  file: string;
}

/** What `losetup --list --json` says. */
interface Listing {
  loopdevices?: { name: string; "back-file": string | null }[];
}

/** Loop devices whose files lie, or lay, in `folder`, out of losetup's listing. */
export function devicesOf(listing: string, folder: string): LoopDevice[] {
  const { loopdevices = [] }: Listing = JSON.parse(listing || "{}");
  return loopdevices.flatMap(({ name, "back-file": file }) =>
    file?.startsWith(`${folder}/`) ? [{ device: name, file: file.replace(/ \(deleted\)$/, "") }] : [],
  );
}

/** Loop devices whose files lie in `folder`. None where the machine knows no loop devices. */
export async function loopDevicesIn(folder: string): Promise<LoopDevice[]> {
  return devicesOf(await run("losetup", ["--list", "--json", "--output", "NAME,BACK-FILE"]), folder);
}

/** The loop device of a file, made when there is none. */
export async function attachLoop(file: string): Promise<string> {
  return (
    await run("losetup", ["--find", "--show", "--nooverlap", "--", file]).catch((error: unknown) => {
      throw new Error(
        `this machine gives the lab no loop device, which volumes need (modprobe loop): ${lineOf(error)}`,
      );
    })
  ).trim();
}

/** Takes over a grown file's size. */
export async function growLoop(device: string): Promise<void> {
  await run("losetup", ["--set-capacity", device]);
}

/** Gives a device up; while somebody has it open, it goes with its last user. */
export async function detachLoop(device: string): Promise<void> {
  await run("losetup", ["--detach", device]);
}
