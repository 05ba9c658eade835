import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { Failure } from "../failure.ts";
import { jsonOrUndefined } from "../json.ts";
import { lastLines, run } from "../process.ts";

const node = z.object({
  inputs: z.record(z.string(), z.union([z.string(), z.array(z.string())])).optional(),
  locked: z.object({ rev: z.string().optional(), narHash: z.string().optional() }).optional(),
  original: z.object({ ref: z.string().optional(), type: z.string().optional() }).optional(),
});
const lockFile = z.object({ root: z.string(), nodes: z.record(z.string(), node) });

/** An input of a flake, as its lock file has it. */
export interface LockedInput {
  /** The commit it is locked to; undefined for one that is no repository. */
  rev: string | undefined;
  /** The branch that it follows, where the flake names one. */
  ref: string | undefined;
}

/** An input in a lock file's text. Pure. Undefined where the flake has none of that name. */
export function inputIn(text: string, name: string): LockedInput | undefined {
  const parsed = lockFile.safeParse(jsonOrUndefined(text));
  const { root = "", nodes = {} } = parsed.data ?? {};
  const key = nodes[root]?.inputs?.[name];
  const found = typeof key === "string" ? nodes[key] : undefined;
  return found && { rev: found.locked?.rev, ref: found.original?.ref };
}

/** An input of the flake in a folder. Throws a Failure that names those there are. */
export async function readInput(folder: string, name: string): Promise<LockedInput> {
  const text = await readFile(join(folder, "flake.lock"), "utf8").catch(() => "");
  const found = inputIn(text, name);
  if (found) return found;
  const parsed = lockFile.safeParse(jsonOrUndefined(text));
  const names = Object.keys(parsed.data?.nodes[parsed.data.root]?.inputs ?? {});
  throw new Failure({
    tried: `find the input "${name}" of the flake in ${folder}`,
    cameBack: text === "" ? "it has no flake.lock" : `its inputs are ${names.join(", ") || "none"}`,
    next: text === "" ? "nix flake lock makes one" : "name one of these",
  });
}

/** Lock one input of a flake to the newest commit of what it follows, and no other. */
export async function updateInput(folder: string, name: string): Promise<void> {
  // What was fetched an hour ago is not the newest.
  const args = ["flake", "update", name, "--flake", folder, "--refresh", "--no-warn-dirty"];
  const ended = await run("nix", args, { deadline: 600_000 });
  if (ended.exitCode === 0) return;
  throw new Failure({
    tried: `update the input "${name}" of the flake in ${folder}`,
    cameBack: lastLines(ended.stderr, 6),
    stands: "No host was touched",
    next: "mend that; nix flake update does the same by hand",
  });
}
