import { FlyTomlError, importFlyToml } from "./fly-toml.ts";
import type { Problem } from "./problems.ts";

/** A stack's raw configuration in which every app at Fly is written out. */
export interface WrittenOut {
  raw: Record<string, unknown>;
  /** What is otherwise than at Fly, and in which file: a sentence each. */
  notes: string[];
  problems: Problem[];
}

/**
 * Put what an app's `fly.toml` says in the place of its key `toml`; what is said beside it wins. A file that is not understood is a
 * problem, and its app is left out.
 * @param read the text of a file by its path; its error is for people
 */
export function writeOutFlyTomls(
  raw: Readonly<Record<string, unknown>>,
  read: (file: string) => string,
): WrittenOut {
  const written: WrittenOut = { raw: { ...raw }, notes: [], problems: [] };
  const { fly } = raw;
  if (!isMap(fly)) return written;
  const apps = Object.entries(fly).flatMap(([name, app]): [string, unknown][] => {
    if (!isMap(app) || typeof app["toml"] !== "string" || app["toml"] === "") return [[name, app]];
    const imported = writeOut(name, app["toml"], app, read, written);
    return imported ? [[name, imported]] : [];
  });
  written.raw["fly"] = Object.fromEntries(apps);
  return written;
}

function writeOut(
  name: string,
  file: string,
  { toml: _, ...beside }: Record<string, unknown>,
  read: (file: string) => string,
  { notes, problems }: WrittenOut,
): object | undefined {
  const path = `berth:fly.${name}`;
  try {
    const { app, notes: said } = importFlyToml(read(file), { file, name, beside });
    notes.push(...said.map((note) => `${path}, from ${file}: ${note}`));
    return app;
  } catch (error) {
    for (const problem of problemsOf(error))
      problems.push({
        path: Object.hasOwn(beside, problem.path.split(".")[0] ?? "")
          ? `${path}.${problem.path}`
          : `${path}.toml, ${file}, ${problem.path}`,
        message: problem.message,
      });
    return undefined;
  }
}

const problemsOf = (error: unknown): readonly Problem[] =>
  error instanceof FlyTomlError
    ? error.problems
    : [{ path: "the file", message: error instanceof Error ? error.message : String(error) }];

const isMap = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value);
