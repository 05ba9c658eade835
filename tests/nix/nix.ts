import { cp, mkdtemp, readdir, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, join, resolve } from "node:path";
import { execa } from "execa";
import type { TestContext } from "vitest";

export const repository = resolve(import.meta.dirname, "../..");

/** What the flake reads of the repository. */
const flakeParts = [
  "flake.nix",
  "flake.lock",
  "nixos",
  "configurations",
  "apps",
  "formatter.nix",
  "templates",
  "tests/nix",
  "tests/spa-vm-test.nix",
];
const notSource = new Set(["node_modules", "build", ".svelte-kit"]);

/** Runs a program and returns what it printed; throws with its error output when it fails or takes longer than `deadline` ms. */
export async function output(
  file: string,
  args: readonly string[],
  options: { deadline?: number; env?: Record<string, string> } = {},
): Promise<string> {
  const ended = await execa(file, args, {
    timeout: options.deadline ?? 240_000,
    env: options.env,
    reject: false,
  });
  if (ended.failed) {
    throw new Error(
      `${file} ${args.join(" ")}: ${ended.timedOut ? "timed out" : ended.stderr || ended.shortMessage}`,
    );
  }
  return ended.stdout;
}

/** Whether a program is on PATH and starts. */
export async function has(file: string): Promise<boolean> {
  return (await execa(file, ["--version"], { reject: false })).exitCode === 0;
}

/** What stands before a command that is root's. */
export const asRoot: readonly string[] =
  process.getuid?.() === 0 ? [] : ["sudo", "-n", "--preserve-env=PATH", "--"];

/** Whether these words, run as root without asking anybody for a password, end well. */
export async function rootSucceeds(...words: string[]): Promise<boolean> {
  const [file = "", ...rest] = [...asRoot, ...words];
  return (await execa(file, rest, { reject: false })).exitCode === 0;
}

/** Paths of all Nix files of the repository, relative to it. */
export async function nixFiles(): Promise<string[]> {
  const parts = await Promise.all(
    [...flakeParts, "lab/system"].map(async (part) => {
      const path = join(repository, part);
      if ((await stat(path)).isFile()) return [part];
      return (await readdir(path, { recursive: true })).map((name) => join(part, name));
    }),
  );
  return parts
    .flat()
    .filter((path) => path.endsWith(".nix") && !path.split("/").some((part) => notSource.has(part)));
}

/** A copy of the flake without the repository around it: neither its npm packages nor what git happens to track. */
export async function flakeCopy(): Promise<{ folder: string; [Symbol.asyncDispose](): Promise<void> }> {
  const folder = await mkdtemp(join(tmpdir(), "berth-flake-"));
  for (const part of flakeParts) {
    await cp(join(repository, part), join(folder, part), {
      recursive: true,
      filter: (from) => !notSource.has(basename(from)),
    });
  }
  return { folder, [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true }) };
}

/** Where the flake's inputs come from: arguments for nix, or why there are none. */
export type Inputs = { args: string[] } | { missing: string };

/** Inputs of the flake, and the variables that name a tree in place of each. */
const trees = { nixpkgs: "NIXPKGS_TREE", disko: "DISKO_TREE", srvos: "SRVOS_TREE" };

/** The trees that the environment names in place of the locked inputs; without them the locked inputs, if they can be fetched. */
async function flakeInputs(folder: string): Promise<Inputs> {
  if (process.env[trees.nixpkgs]) {
    const named = Object.entries(trees).flatMap(([input, variable]) => {
      const tree = process.env[variable];
      return tree ? [override(input, tree)] : [];
    });
    // One without a tree is the locked one, which Nix asks for when it is used and not before.
    return { args: ["--offline", "--no-write-lock-file", ...(await Promise.all(named)).flat()] };
  }
  const fetching = ["flake", "archive", "--no-update-lock-file", `path:${folder}`];
  const quickly = ["--option", "connect-timeout", "5", "--option", "download-attempts", "1"];
  const fetched = await execa("nix", [...fetching, ...quickly], { reject: false, timeout: 120_000 });
  if (!fetched.failed) return { args: ["--no-update-lock-file"] };
  return {
    missing: `needs nixpkgs: set ${Object.values(trees).join(", ")} (the locked inputs cannot be fetched from here)`,
  };
}

/** An input by its store path and hash, which Nix takes without copying the tree at each command. */
async function override(input: string, tree: string): Promise<string[]> {
  const path = tree.startsWith("/nix/store/")
    ? tree
    : (await output("nix", ["store", "add", "--name", "source", resolve(tree)])).trim();
  const hash = (await output("nix", ["hash", "path", "--type", "sha256", path])).trim();
  return ["--override-input", input, `path:${path}?narHash=${encodeURIComponent(hash)}`];
}

/** Milliseconds that one evaluation may take: below what a test may, so that it is the evaluation that is named. */
export const EVALUATION = 290_000;

/** The real flake with a whole nixpkgs. Evaluated is not built: nothing here shows that a build works. */
export interface Evaluation {
  folder: string;
  inputs: Inputs;
  /** Evaluates an output to JSON, or skips the test with the reason why it cannot. */
  evaluate(ctx: TestContext, attribute: string, apply?: string): Promise<unknown>;
  [Symbol.asyncDispose](): Promise<void>;
}

export async function openFlake(): Promise<Evaluation> {
  const flake = await flakeCopy();
  const inputs = (await has("nix")) ? await flakeInputs(flake.folder) : { missing: "needs nix on PATH" };
  return {
    ...flake,
    inputs,
    async evaluate(ctx, attribute, apply) {
      if ("missing" in inputs) return ctx.skip(inputs.missing);
      return await evaluated(flake.folder, inputs.args, attribute, apply);
    },
  };
}

/** An output of the flake in a folder, as JSON; `args` say where its inputs are. */
export async function evaluated(
  folder: string,
  args: readonly string[],
  attribute: string,
  apply?: string,
  deadline = EVALUATION,
): Promise<unknown> {
  const applied = apply ? ["--apply", apply] : [];
  const installable = `path:${folder}#${attribute}`;
  return JSON.parse(
    await output("nix", ["eval", "--impure", "--json", installable, ...args, ...applied], { deadline }),
  );
}

/** Arguments for a flake that has this one as its input `name`: the inputs of this one are that one's inputs. */
export function asInput(name: string, { folder, inputs }: Pick<Evaluation, "folder" | "inputs">): string[] {
  const own = "missing" in inputs ? [] : inputs.args;
  const theirs = own.map((word, index) =>
    own[index - 1] === "--override-input" ? `${name}/${word}` : word.replace("--no-update-", "--no-write-"),
  );
  return [...theirs, "--override-input", name, `path:${folder}`];
}
