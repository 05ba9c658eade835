import { execa } from "execa";
import { z } from "zod";
import { STACK } from "../../../lab/environment.ts";

/** `+` made, `-` deleted, `~` changed in place, `+-` replaced. */
export type Op = "+" | "-" | "~" | "+-";

/** What a run does to one resource. */
export interface Touch {
  op: Op;
  /** The resource's name in the stack, e.g. "web1-hardware-server". */
  name: string;
  /** Paths of the properties that differ; known where a resource is changed in place or replaced. */
  properties: string[];
}

/** How a preview or an update went. */
export interface Run {
  exitCode: number;
  /** By name; what stays the same, components and the stack itself left out. */
  touches: Touch[];
  /** What the program and the providers told people, a line each. */
  notes: string[];
  /** What went wrong, as people read it. */
  errors: string;
}

const diff = z.record(z.string(), z.unknown()).nullish();
const diagnostic = z.object({ severity: z.string(), message: z.string() });
const digest = z.object({
  steps: z.array(z.object({ op: z.string(), urn: z.string(), detailedDiff: diff })).nullish(),
  diagnostics: z.array(diagnostic).nullish(),
});
const event = z.object({
  resOutputsEvent: z
    .object({ metadata: z.object({ op: z.string(), urn: z.string(), detailedDiff: diff }) })
    .optional(),
  diagnosticEvent: diagnostic.optional(),
});

const ops: Record<string, Op> = {
  create: "+",
  delete: "-",
  discard: "-",
  update: "~",
  replace: "+-",
  "create-replacement": "+-",
  "delete-replaced": "+-",
};

/** The real command line on a lab's stack, told apart resource by resource. */
export class Runs {
  readonly #cwd: string;
  readonly #env: Record<string, string>;

  constructor(cwd: string, env: Record<string, string>) {
    this.#cwd = cwd;
    this.#env = env;
  }

  /** What `pulumi up` would do. */
  async preview(): Promise<Run> {
    const { exitCode, stdout, stderr } = await this.#pulumi("preview");
    const { steps, diagnostics } = digest.parse(stdout === "" ? {} : JSON.parse(stdout));
    return runOf(exitCode, steps ?? [], diagnostics ?? [], stderr);
  }

  /** `pulumi up` or `pulumi destroy`, and what it did. */
  async update(verb: "up" | "destroy" = "up"): Promise<Run> {
    const { exitCode, stdout, stderr } = await this.#pulumi(verb, "--yes", "--skip-preview");
    const events = stdout
      .split("\n")
      .filter((line) => line.startsWith("{"))
      .map((line) => event.parse(JSON.parse(line)));
    const steps = events.flatMap(({ resOutputsEvent }) => resOutputsEvent?.metadata ?? []);
    return runOf(
      exitCode,
      steps,
      events.flatMap((one) => one.diagnosticEvent ?? []),
      stderr,
    );
  }

  async #pulumi(...args: string[]): Promise<{ exitCode: number; stdout: string; stderr: string }> {
    const ended = await execa("pulumi", [...args, "--stack", STACK, "--json", "--non-interactive"], {
      cwd: this.#cwd,
      env: this.#env,
      reject: false,
      timeout: 300_000,
      forceKillAfterDelay: 20_000,
      maxBuffer: 64 * 1024 * 1024,
    });
    return { exitCode: ended.exitCode ?? 128, stdout: ended.stdout, stderr: ended.stderr };
  }
}

type Step = { op: string; urn: string; detailedDiff?: Record<string, unknown> | null | undefined };

function runOf(
  exitCode: number,
  steps: Step[],
  diagnostics: z.infer<typeof diagnostic>[],
  stderr: string,
): Run {
  const said = (...severities: string[]) =>
    diagnostics
      .filter(({ severity }) => severities.includes(severity))
      .map(({ message }) => message.replaceAll(/<\{%.*?%\}>/g, "").trimEnd());
  return {
    exitCode,
    touches: touchesOf(steps),
    notes: said("info", "warning").flatMap((text) => text.split("\n")),
    errors: [...said("error", "info#err"), stderr].join("\n"),
  };
}

/** The steps of one resource as one: a replacement is made of three. */
function touchesOf(steps: readonly Step[]): Touch[] {
  const touches = new Map<string, Touch>();
  for (const { op, urn, detailedDiff } of steps) {
    const known = ops[op];
    const [, , type = "", name = ""] = urn.split("::");
    // Components and the stack itself are nothing but a place in the tree.
    if (!known || isComponent(type)) continue;
    const touch = touches.get(name);
    const properties = known === "+" || known === "-" ? [] : Object.keys(detailedDiff ?? {});
    touches.set(name, {
      op: known,
      name,
      properties: [...new Set([...(touch?.properties ?? []), ...properties])].toSorted(),
    });
  }
  return [...touches.values()].toSorted((a, b) => (a.name < b.name ? -1 : 1));
}

function isComponent(type: string): boolean {
  const own = type.split("$").at(-1) ?? "";
  return own === "pulumi:pulumi:Stack" || own.startsWith("pulumi:providers:") || components.test(own);
}

/** Of Berth's own types these three are resources of its provider. */
const components = /^berth:(?!deploy:Deployment$|hetzner:ServerPower$|identity:SshKey$)/;
