import { existsSync } from "node:fs";
import { Failure } from "../failure.ts";
import { run } from "../process.ts";
import { NixProgress, throttled } from "./progress.ts";

export interface Derivation {
  drvPath: string;
  out: string;
}

export interface BuildOptions {
  /** Milliseconds. */
  deadline: number;
  signal?: AbortSignal;
  /** Called with each line for a person: builders' logs and Nix's messages. */
  onLine?: (line: string) => void;
  /** Called about once a second with where it stands, e.g. "building site-1.2 (3 of 7)". */
  onProgress?: (line: string) => void;
}

/** Where Nix builds: arguments and environment of its own for that. */
export interface BuildPlace {
  args: readonly string[];
  env: Record<string, string>;
  /** What finds a path in that store. */
  store: readonly string[];
}

/** The local store, and whatever builders Nix itself knows of. */
export const here: BuildPlace = { args: [], env: {}, store: [] };

/** What is to be built, for whom. */
export interface Wanted extends Derivation {
  /** As messages call it, e.g. a host's name. */
  what: string;
}

/** Build one derivation. See `buildAll`. */
export async function build(
  what: string,
  derivation: Derivation,
  options: BuildOptions,
  place = here,
): Promise<void> {
  const [failure] = (await buildAll([{ what, ...derivation }], options, place)).values();
  if (failure) throw failure;
}

/**
 * Build derivations by one Nix, shared parts once, and go on with the others where one fails. Returns the Failures, each with
 * the end of the log that is its own; none where all outputs are the paths that were promised.
 * `onBuilt` is called with those that are there before the others are done.
 */
export async function buildAll(
  wanted: readonly Wanted[],
  options: BuildOptions & { onBuilt?: (built: Wanted) => void },
  place = here,
): Promise<Map<Wanted, Failure>> {
  const tell = throttled(options.onProgress ?? (() => {}));
  const { onBuilt } = options;
  const seen = new Set<Wanted>();
  const look = async (one: Wanted) => {
    if (!existsSync(one.out) || !(await isThere(one, place)) || seen.has(one)) return;
    seen.add(one);
    onBuilt?.(one);
  };
  const progress = new NixProgress(options.onLine, (begun) => {
    if (onBuilt === undefined) return;
    for (const one of wanted) if (begun.has(one.drvPath) && !seen.has(one)) look(one).catch(() => undefined);
  });
  const ended = await run(
    "nix",
    [
      ...["build", "--no-link", "--print-out-paths", "--keep-going", "--log-format", "internal-json"],
      ...place.args,
      ...new Set(wanted.map(({ drvPath }) => `${drvPath}^out`)),
    ],
    {
      deadline: options.deadline,
      env: place.env,
      ...(options.signal ? { signal: options.signal } : {}),
      keepStderr: false,
      onLine: (line) => {
        progress.take(line);
        tell(progress.summary);
      },
    },
  );
  const failures = new Map<Wanted, Failure>();
  if (ended.exitCode === 0) {
    const built = new Set(ended.stdout.trim().split("\n"));
    for (const one of wanted) if (!built.has(one.out)) failures.set(one, otherPath(one, [...built]));
    return failures;
  }
  const alone = wanted.length === 1;
  // By a signal; 137 is what a shell makes of the kernel's.
  const killed = ended.exitCode === 128 || ended.exitCode === 137;
  for (const one of wanted) {
    if (!alone && (await isThere(one, place))) continue;
    const concerned = alone ? undefined : await requisites(one.drvPath);
    const trouble = progress.trouble(concerned && ((drv) => concerned.has(drv)));
    const [broken] = progress.broken(concerned && ((drv) => concerned.has(drv)));
    failures.set(
      one,
      killed && broken === undefined
        ? killedBuild(one, trouble)
        : brokenBuild(one, trouble || `nix ended with ${ended.exitCode}`, broken ?? one.drvPath),
    );
  }
  return failures;
}

const triedTo = ({ what, drvPath }: Wanted): string => `build ${what} (${drvPath})`;

/** @param broken the derivation whose builder failed: Nix keeps the log of that alone */
const brokenBuild = (one: Wanted, trouble: string, broken: string): Failure =>
  new Failure({
    tried: triedTo(one),
    cameBack: `the build failed\n${trouble}`,
    stands: "Nothing was changed on any host",
    next: `mend it; nix log ${broken} has the whole log`,
  });

/** Where no builder failed, there is no log to read. */
const killedBuild = (one: Wanted, trouble: string): Failure =>
  new Failure({
    tried: triedTo(one),
    cameBack: `nix was killed before it ended${trouble && `\n${trouble}`}`,
    stands: "Nothing was changed on any host",
    next: "that happens when memory runs out; run pulumi up again, which goes on from what is built by now, with fewer builds at a time (max-jobs in nix.conf) or elsewhere (berth:builds.on)",
  });

const otherPath = (one: Wanted, built: readonly string[]): Failure =>
  new Failure({
    tried: triedTo(one),
    cameBack: `got ${built.join(", ")}, not ${one.out}`,
    next: "the flake changed between evaluation and build; run pulumi up again",
  });

async function isThere({ out }: Wanted, place: BuildPlace): Promise<boolean> {
  const ended = await run("nix", ["path-info", ...place.store, out], { deadline: 60_000, env: place.env });
  return ended.exitCode === 0;
}

/** The derivation and all that it is built from. */
async function requisites(drvPath: string): Promise<Set<string>> {
  const ended = await run("nix-store", ["--query", "--requisites", drvPath], { deadline: 60_000 });
  return new Set([drvPath, ...ended.stdout.split("\n")]);
}
