import { execa } from "execa";
import { z } from "zod";
import { forEachLine } from "../../deployer/process.ts";

/** How a run of the engine ended, and everything it printed. */
export interface EngineRun {
  exitCode: number;
  output: string;
}

const hostOutputs = z.object({
  url: z.string(),
  address: z.string(),
  ipv6Address: z.string(),
  release: z.string(),
  hostKey: z.string(),
  pricePerMonth: z.number(),
});
const stackOutputs = z.object({
  hosts: z.record(z.string(), hostOutputs),
  loginKey: z.string(),
  pricePerMonth: z.number(),
});
export type StackOutputs = z.infer<typeof stackOutputs>;

/** One resource that a preview would touch. */
export interface PreviewStep {
  op: string;
  urn: string;
  /** Property paths that differ. */
  changed: string[];
  oldInputs: Record<string, unknown>;
  newInputs: Record<string, unknown>;
}

const previewed = z.object({
  steps: z.array(
    z.object({
      op: z.string(),
      urn: z.string(),
      detailedDiff: z.record(z.string(), z.unknown()).nullish(),
      oldState: z.object({ inputs: z.record(z.string(), z.unknown()).optional() }).optional(),
      newState: z.object({ inputs: z.record(z.string(), z.unknown()).optional() }).optional(),
    }),
  ),
});

/** The real `pulumi` command line on the lab's stack. */
export class Engine {
  readonly #cwd: string;
  readonly #env: Record<string, string>;
  readonly #say: (line: string) => void;

  constructor(cwd: string, env: Record<string, string>, say: (line: string) => void) {
    this.#cwd = cwd;
    this.#env = env;
    this.#say = say;
  }

  /** `pulumi <args>`; lines worth a look are said as they come. The command keeps its own deadlines; this one catches a hang. */
  async run(args: readonly string[], deadline = 600_000): Promise<EngineRun> {
    const child = execa("pulumi", [...args, "--non-interactive", "--color", "never"], {
      cwd: this.#cwd,
      env: this.#env,
      reject: false,
      all: true,
      timeout: deadline,
      forceKillAfterDelay: 20_000,
    });
    forEachLine(child.all, (line) => {
      if (worthALook(line)) this.#say(line.trim());
    });
    const ended = await child;
    return { exitCode: ended.exitCode ?? 128, output: ended.all };
  }

  /** What an `up` would do, same resources left out. Throws what the engine printed when it fails. */
  async preview(): Promise<PreviewStep[]> {
    const ended = await execa("pulumi", ["preview", "--json"], {
      cwd: this.#cwd,
      env: this.#env,
      reject: false,
      timeout: 300_000,
    });
    if (ended.exitCode !== 0)
      throw new Error(`pulumi preview ended with ${ended.exitCode}:\n${ended.stdout}\n${ended.stderr}`);
    return previewed
      .parse(JSON.parse(ended.stdout))
      .steps.filter(({ op }) => op !== "same" && op !== "read")
      .map(({ op, urn, detailedDiff, oldState, newState }) => ({
        op,
        urn,
        changed: Object.keys(detailedDiff ?? {}),
        oldInputs: oldState?.inputs ?? {},
        newInputs: newState?.inputs ?? {},
      }));
  }

  async outputs(): Promise<StackOutputs> {
    const { stdout } = await execa("pulumi", ["stack", "output", "--json", "--show-secrets"], {
      cwd: this.#cwd,
      env: this.#env,
    });
    return stackOutputs.parse(JSON.parse(stdout));
  }

  /** URNs in the stack's state. */
  async resources(): Promise<string[]> {
    const { stdout } = await execa("pulumi", ["stack", "export"], { cwd: this.#cwd, env: this.#env });
    const state = z.object({
      deployment: z.object({ resources: z.array(z.object({ urn: z.string() })).nullish() }),
    });
    return (state.parse(JSON.parse(stdout)).deployment.resources ?? []).map(({ urn }) => urn);
  }
}

/** Lines of a non-interactive run that tell a person something: resources that end, phases, errors. */
export function worthALook(line: string): boolean {
  if (line.startsWith("@") || /stand-in plays/.test(line)) return false;
  return /\b(created|updated|deleted|replaced|failed)\b.*\(\d|\d s {2}|; (?!error)|^\s*error:|Next:/.test(
    line,
  );
}
