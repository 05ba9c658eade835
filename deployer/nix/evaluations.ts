import { createHash, randomBytes } from "node:crypto";
import { mkdir, readdir, readFile, rename, rm, stat, utimes, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { Failure } from "../failure.ts";
import { jsonOrUndefined } from "../json.ts";
import { run } from "../process.ts";

/** Raised when what is asked of a flake changes in a way that its answer does not show. */
const shape = 1;
/** Evaluations that are kept, the ones used last. */
const keep = 30;
/** Evaluations of a flake that changes meanwhile, before it is given up. */
const attempts = 3;

/** What kind of answer is kept. */
export interface Answers<Answer> {
  /** Tells questions of this kind from others; none for systems, whose answers were kept first. */
  kind?: string;
  schema: z.ZodType<Answer>;
  /** The derivations that an answer names. */
  derivationsOf: (answer: Answer) => readonly string[];
}

/** What `nix flake metadata` must tell of a flake whose content is fixed: by a hash of its tree, or by a commit. */
const metadata = z.looseObject({
  locked: z.looseObject({ narHash: z.string().optional(), rev: z.string().optional() }),
});

/**
 * A name for the answer to one question to one content: the flake's tree and lock with all that Nix knows of them, the systems, and the
 * Nix that answers. Undefined where Nix cannot say what the content is: an evaluation then tells why, or is not kept.
 */
export async function contentKey(
  flake: string,
  systems: readonly string[],
  { cwd, kind }: { cwd: string; kind?: string | undefined },
): Promise<string | undefined> {
  const [told, version] = await Promise.all([
    run("nix", ["flake", "metadata", "--json", "--no-update-lock-file", "--no-warn-dirty", flake], {
      cwd,
      deadline: 120_000,
    }),
    run("nix", ["--version"], { cwd, deadline: 10_000 }),
  ]);
  if (told.exitCode !== 0 || version.exitCode !== 0) return undefined;
  return keyOf({ metadata: jsonOrUndefined(told.stdout), version: version.stdout.trim(), systems, kind });
}

/** See `contentKey`. */
export function keyOf(question: {
  metadata: unknown;
  version: string;
  systems: readonly string[];
  kind?: string | undefined;
}): string | undefined {
  const flake = metadata.safeParse(question.metadata);
  if (!flake.success) return undefined;
  const { narHash, rev } = flake.data.locked;
  if (narHash === undefined && rev === undefined) return undefined;
  const text = JSON.stringify([
    shape,
    question.version,
    process.arch,
    sorted(flake.data),
    [...question.systems].sort(),
    ...(question.kind === undefined ? [] : [question.kind]),
  ]);
  return createHash("sha256").update(text).digest("hex").slice(0, 40);
}

/** The same value with its keys in order. */
function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== "object" || value === null) return value;
  const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return Object.fromEntries(entries.map(([key, inner]) => [key, sorted(inner)]));
}

/** An answer that was kept, or the one that asking now gives, which is kept then. */
export async function answered<Answer>(
  question: { flake: string; systems: readonly string[]; cwd: string; remembered: string | undefined },
  answers: Answers<Answer>,
  ask: () => Promise<Answer>,
): Promise<Answer> {
  const { flake, systems, cwd, remembered } = question;
  if (remembered === undefined) return await ask();
  const keyNow = () => contentKey(flake, systems, { cwd, kind: answers.kind });
  let key = await keyNow();
  for (let attempt = 0; attempt < attempts; attempt++) {
    const known = key === undefined ? undefined : await recall(remembered, key, answers);
    if (known !== undefined) return known;
    const answer = await ask();
    // A file that is saved meanwhile is in the answer, or in a part of it, and not in the key.
    const after = key === undefined ? undefined : await keyNow();
    if (after === key) {
      if (key !== undefined) await remember(remembered, key, answer);
      return answer;
    }
    key = after;
  }
  throw new Failure({
    tried: `evaluate ${flake}`,
    cameBack: `its content has changed during each of ${attempts} evaluations`,
    next: "see what writes to it, and run it again when that has ended",
  });
}

/** What was answered before; undefined where nothing was, or where a derivation has left the store since. */
export async function recall<Answer>(
  folder: string,
  key: string,
  { schema, derivationsOf }: Answers<Answer>,
): Promise<Answer | undefined> {
  const file = join(folder, `${key}.json`);
  const text = await readFile(file, "utf8").catch(() => "");
  const known = schema.safeParse(jsonOrUndefined(text));
  if (!known.success || !(await areInStore(derivationsOf(known.data)))) return undefined;
  const now = new Date();
  await utimes(file, now, now).catch(() => undefined);
  return known.data;
}

/** Keep an answer. That it cannot be kept stops nobody: it is asked for again. */
export async function remember(folder: string, key: string, answer: unknown): Promise<void> {
  const part = join(folder, `${key}.${randomBytes(4).toString("hex")}.part`);
  try {
    await mkdir(folder, { recursive: true });
    await writeFile(part, `${JSON.stringify(answer)}\n`);
    await rename(part, join(folder, `${key}.json`));
    await forgetOldest(folder);
  } catch {
    await rm(part, { force: true }).catch(() => undefined);
  }
}

async function forgetOldest(folder: string): Promise<void> {
  const files = (await readdir(folder)).map((name) => join(folder, name));
  const aged = await Promise.all(files.map(async (file) => ({ file, used: (await stat(file)).mtimeMs })));
  const old = aged.sort((a, b) => b.used - a.used).slice(keep);
  await Promise.all(old.map(({ file }) => rm(file, { force: true })));
}

/** A collected derivation could not be built from any more. */
async function areInStore(paths: readonly string[]): Promise<boolean> {
  if (paths.length === 0) return true;
  const ended = await run("nix-store", ["--check-validity", "--print-invalid", ...new Set(paths)], {
    deadline: 60_000,
  });
  return ended.exitCode === 0 && ended.stdout.trim() === "";
}
