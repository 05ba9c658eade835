import type { Problem } from "../../config/problems.ts";

/** What a look at a stack found, before anything was ordered. */
export interface CheckReport {
  stack: string;
  /** The stack's file. */
  file: string;
  /** Whether nothing is wrong. What could not be looked at is not wrong. */
  ok: boolean;
  problems: Problem[];
  flake: {
    reference: string;
    /** Nix system by the name of each system that the stack names; null where the flake was not evaluated. */
    systems: Record<string, string> | null;
    /** Why it was not evaluated. */
    unknown?: string;
  };
  price: {
    currency: string;
    /** Net a month of everything whose price is known. */
    monthly: number;
    /** Where the prices are from. */
    from: string;
    /** As people read them, a line for each thing. */
    lines: string[];
  } | null;
  /** What a person should know: one line each. */
  notes: string[];
}

/** The answer for people. Pure. */
export function describeReport({ stack, file, ok, problems, flake, price, notes }: CheckReport): string {
  const systems = Object.entries(flake.systems ?? {}).map(([name, system]) => `${name} (${system})`);
  const ofFlake =
    flake.systems === null
      ? flake.unknown && [`Flake ${flake.reference}: not looked at. ${flake.unknown}`]
      : systems.length > 0 && [`Flake ${flake.reference}: ${systems.join(", ")}`];
  const wrong = problems.flatMap((problem) => [
    `  ${problem.path}: ${problem.message}`,
    ...(problem.example === undefined ? [] : [`      for example: ${problem.example}`]),
  ]);
  return [
    `Stack ${stack}, ${file}`,
    ...(ofFlake || []),
    ...(price?.lines ?? []),
    ...notes.map((note) => `Note: ${note}`),
    ...(ok
      ? [flake.systems === null && flake.unknown ? "What was looked at is right." : "All of it is right."]
      : [problems.length === 1 ? "This is wrong:" : `These ${problems.length} things are wrong:`, ...wrong]),
  ]
    .map((line) => `${line}\n`)
    .join("");
}
