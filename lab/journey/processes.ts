import { readdir, readFile } from "node:fs/promises";

/** Processes of this machine that name a folder in their command line, this one and its parent left out. */
export async function processesOf(folder: string): Promise<string[]> {
  const own = new Set([String(process.pid), String(process.ppid)]);
  const ids = (await readdir("/proc")).filter((name) => /^\d+$/.test(name) && !own.has(name));
  const lines = await Promise.all(
    ids.map(async (id) => {
      const command = await readFile(`/proc/${id}/cmdline`, "utf8").catch(() => "");
      const words = command.split("\0").filter((word) => word !== "");
      return words.some((word) => word === folder || word.startsWith(`${folder}/`))
        ? `${id} ${words.join(" ").slice(0, 120)}`
        : undefined;
    }),
  );
  return lines.filter((line) => line !== undefined);
}
