import { z } from "zod";
import { evaluated } from "../nix.ts";

/** Something of the flake that Nix can build, evaluated to its derivation; `failed` is what Nix said where it has none. */
export type Output = { name: string; drv: string } | { name: string; failed: string };

/** A flake, and the arguments for Nix that say where its inputs come from. */
export interface Source {
  folder: string;
  args: readonly string[];
}

/** How many one process is asked for: a system takes half a gigabyte, and checks of the same one share it. */
const AT_ONCE = 6;
/** Milliseconds for those. */
const DEADLINE = 840_000;

/** Outputs that are sets by system, and what of each member is evaluated. */
const sets = {
  packages: "it.drvPath",
  apps: "it.program",
  devShells: "it.drvPath",
  checks: "it.drvPath",
} as const;

/** Names of a system's outputs, in the groups that are evaluated together. */
async function groupsOf({ folder, args }: Source, system: string): Promise<[keyof typeof sets, string[]][]> {
  const groups: [keyof typeof sets, string[]][] = [];
  for (const set of Object.keys(sets) as (keyof typeof sets)[]) {
    const names = z
      .array(z.string())
      .parse(await evaluated(folder, args, set, `all: builtins.attrNames (all.${system} or { })`));
    // What is checked of one host follows from its name: side by side they share its evaluation.
    const subject = (name: string) => name.replace(/^(?:facts|host|size|vm-install)-/, "");
    const inOrder = names.toSorted((a, b) => subject(a).localeCompare(subject(b)));
    for (let at = 0; at < inOrder.length; at += AT_ONCE) groups.push([set, inOrder.slice(at, at + AT_ONCE)]);
  }
  return groups;
}

/** Evaluates everything that the flake has for a system, process by process, and tells each. Builds nothing. */
export async function* evaluateOutputs(source: Source, system: string): AsyncGenerator<Output> {
  for (const [set, names] of await groupsOf(source, system)) {
    const together = await evaluate(source, set, system, names);
    if (!("failed" in together) || names.length === 1) yield* resultsOf(set, system, names, together);
    // Somewhere among these: each by itself, so that the right one is named.
    else
      for (const name of names)
        yield* resultsOf(set, system, [name], await evaluate(source, set, system, [name]));
  }
}

type Evaluated = { drvs: Record<string, string> } | { failed: string };

async function evaluate(
  { folder, args }: Source,
  set: keyof typeof sets,
  system: string,
  names: readonly string[],
): Promise<Evaluated> {
  const wanted = names.map((name) => JSON.stringify(name)).join(" ");
  // Paths as plain text: nothing is built.
  const apply = `all: builtins.listToAttrs (map (name: {
    inherit name;
    value = let it = all.\${name}; in builtins.unsafeDiscardStringContext ${sets[set]};
  }) [ ${wanted} ])`;
  try {
    const found = await evaluated(folder, args, `${set}.${system}`, apply, DEADLINE);
    return { drvs: z.record(z.string(), z.string().startsWith("/nix/store/")).parse(found) };
  } catch (error) {
    return { failed: error instanceof Error ? error.message : String(error) };
  }
}

function resultsOf(
  set: string,
  system: string,
  names: readonly string[],
  evaluated: Evaluated,
): readonly Output[] {
  return names.map((short) => {
    const name = `${set}.${system}.${short}`;
    return "failed" in evaluated
      ? { name, failed: evaluated.failed }
      : { name, drv: evaluated.drvs[short] ?? "" };
  });
}
