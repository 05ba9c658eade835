import { createHash } from "node:crypto";
import { mkdir, readFile, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { run } from "./child.mjs";

/**
 * What a command prints, remembered for as long as the files it depends on stay the same: asking every tool for its version
 * takes longer than the rest of a warm set-up.
 * @param {string} cache
 * @param {readonly string[]} command
 * @param {readonly string[]} [files] what the answer depends on; default: the program
 * @returns {Promise<string>} "" when it fails
 */
export async function probe(cache, command, files = command.slice(0, 1)) {
  const states = await Promise.all(
    files.map(async (file) => {
      const found = await stat(file).catch(() => undefined);
      return found && [file, found.mtimeMs, found.size];
    }),
  );
  const key = createHash("sha256")
    .update(JSON.stringify([command, states]))
    .digest("hex")
    .slice(0, 16);
  const memo = join(cache, "probes", key);
  const known = await readFile(memo, "utf8").catch(() => undefined);
  if (known !== undefined) return known;
  const { code, output } = await run(command, { deadline: 15_000 });
  if (code !== 0) return "";
  await mkdir(join(cache, "probes"), { recursive: true });
  await writeFile(memo, output.trim());
  return output.trim();
}
