import { z } from "zod";
import { type Manifest, manifest } from "../../config/manifest.ts";
import { Failure } from "../failure.ts";
import { jsonOrUndefined } from "../json.ts";
import { lastLines, run } from "../process.ts";
import { evaluationRoom, planEvaluation } from "./chunks.ts";
import { type Answers, answered } from "./evaluations.ts";
import { sideBySide } from "./side-by-side.ts";

/** What a flake says of systems. */
export interface Evaluated {
  /** The systems that were asked for and are there. */
  hosts: Manifest;
  /** Every system that the flake names, by name alone: none but `hosts` was evaluated. */
  names: string[];
}

export interface EvaluationOptions {
  /** Relative flake references are relative to it. */
  cwd: string;
  /** Milliseconds for each process of Nix. @default 600000 */
  deadline?: number;
  /** Folder where evaluations are kept by the flake's content. @default none are kept @example ".berth/evaluations" */
  remembered?: string;
  /** Ends every run of Nix that is under way. */
  signal?: AbortSignal;
}

/**
 * The flake's output `berth.hosts`: those of `systems` that it has, by one `nix eval`, or by several side by side as memory and
 * processors allow. Writes the derivations to the store, builds nothing. With `remembered` the same content is not evaluated twice.
 * Throws a Failure that names the flake when it does not evaluate or has another shape.
 */
export async function evaluateSystems(
  flake: string,
  systems: readonly string[],
  options: EvaluationOptions,
): Promise<Evaluated> {
  const wanted = [...new Set(systems)].sort();
  const question = { flake, systems: wanted, cwd: options.cwd, remembered: options.remembered };
  return await answered(question, systemAnswers, () => evaluateChunks(flake, wanted, options));
}

/** All of the flake's systems by one `nix eval`. */
export async function evaluateManifest(flake: string, options: EvaluationOptions): Promise<Manifest> {
  return (await evaluateOnce(flake, "hosts: { names = builtins.attrNames hosts; inherit hosts; }", options))
    .hosts;
}

async function evaluateChunks(
  flake: string,
  systems: readonly string[],
  options: EvaluationOptions,
): Promise<Evaluated> {
  const { chunks, atOnce } = planEvaluation(systems, evaluationRoom(process.env));
  if (chunks.length <= 1) return await evaluateOnce(flake, selection(systems), options);
  // What all of them need of the flake's inputs is fetched here, once.
  const { names } = await evaluateOnce(flake, selection([]), options);
  const evaluate = (chunk: readonly string[], signal: AbortSignal) =>
    evaluateOnce(flake, selection(chunk), { ...options, signal });
  const evaluated = await sideBySide(chunks, atOnce, evaluate, options.signal);
  return { hosts: Object.assign({}, ...evaluated.map(({ hosts }) => hosts)), names };
}

/** The function that takes these systems out of `berth.hosts`, and of the others nothing but their names. */
export function selection(systems: readonly string[]): string {
  const wanted = systems.map((name) => `${nixString(name)} = null;`).join(" ");
  return `hosts: { names = builtins.attrNames hosts; hosts = builtins.intersectAttrs { ${wanted} } hosts; }`;
}

/** A text in Nix's words. */
export const nixString = (text: string): string =>
  `"${text.replace(/["\\]/g, "\\$&").replaceAll("${", "\\${")}"`;

const printed = z.object({ names: z.array(z.string()), hosts: manifest });

const systemAnswers: Answers<Evaluated> = {
  schema: printed,
  derivationsOf: ({ hosts }) =>
    Object.values(hosts).flatMap(({ toplevel, diskoScript, kexecTarball }) =>
      [toplevel, diskoScript, ...(kexecTarball ? [kexecTarball] : [])].map(({ drvPath }) => drvPath),
    ),
};

async function evaluateOnce(flake: string, apply: string, options: EvaluationOptions): Promise<Evaluated> {
  const ended = await run(
    "nix",
    ["eval", "--json", "--no-update-lock-file", "--no-warn-dirty", `${flake}#berth.hosts`, "--apply", apply],
    {
      cwd: options.cwd,
      deadline: options.deadline ?? 600_000,
      ...(options.signal ? { signal: options.signal } : {}),
    },
  );
  const tried = `evaluate ${flake}#berth.hosts`;
  if (ended.exitCode !== 0) {
    const killed = ended.exitCode === 137 || ended.exitCode === 128;
    throw new Failure({
      tried,
      cameBack: `the evaluation failed\n${lastLines(ended.stderr, 15)}`,
      next: killed
        ? "it was killed, as happens when memory runs out; BERTH_EVAL_CHUNK=1 BERTH_EVAL_JOBS=1 evaluates one system after the other"
        : `mend the flake; nix eval '${flake}#berth.hosts' shows the same`,
    });
  }
  const parsed = printed.safeParse(printedJson(ended.stdout, tried));
  if (!parsed.success) {
    const issues = parsed.error.issues
      .map((issue) => `  ${["berth", ...issue.path].join(".")}: ${issue.message}`)
      .join("\n");
    throw new Failure({
      tried,
      cameBack: `a manifest of another shape\n${issues}`,
      next: "use the flake's nixosModules.berth",
    });
  }
  return parsed.data;
}

/** What `nix eval --json` has printed. Throws a Failure where that is no JSON at all. */
export function printedJson(text: string, tried: string): unknown {
  const value = jsonOrUndefined(text);
  if (value !== undefined) return value;
  const begun = text.trim().slice(0, 200);
  throw new Failure({
    tried,
    cameBack: `Nix ended well and printed no JSON${begun === "" ? ", nothing at all" : `:\n${begun}`}`,
    next: "see that the nix on PATH is Nix itself, and nothing that prints on its behalf (type -a nix)",
  });
}
