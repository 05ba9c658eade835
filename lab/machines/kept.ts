import { readFile, rename, writeFile } from "node:fs/promises";

/** What was kept in a file; `otherwise` when there is none. */
export async function kept<T>(file: string, otherwise: T): Promise<T> {
  const text = await readFile(file, "utf8").catch(() => null);
  return text === null ? otherwise : JSON.parse(text);
}

/** Keeps a value in a file, whole or not at all. */
export async function keep(file: string, value: unknown): Promise<void> {
  await writeFile(`${file}.new`, JSON.stringify(value), { mode: 0o600 });
  await rename(`${file}.new`, file);
}
