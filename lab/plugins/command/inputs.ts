import type { CheckFailure, Properties, Value } from "../../../provider/framework/types.ts";

/** The Go types of the real provider's inputs, which its messages name. */
type Kind = "string" | "bool" | "[]string" | "map[string]string" | "[]interface {}";

const RUN: Record<string, Kind> = {
  stdin: "string",
  logging: "string",
  interpreter: "[]string",
  dir: "string",
  environment: "map[string]string",
  addPreviousOutputInEnv: "bool",
};

/** Inputs by what they belong to, under the name the real provider's messages use. */
export const INPUTS: Record<"local.CommandInputs" | "local.RunInputs", Record<string, Kind>> = {
  "local.CommandInputs": {
    ...RUN,
    triggers: "[]interface {}",
    create: "string",
    update: "string",
    delete: "string",
  },
  "local.RunInputs": { ...RUN, command: "string" },
};

/** Inputs the real provider has and the stand-in does not. */
const LEFT_OUT = new Set(["assetPaths", "archivePaths"]);

/** Everything that is wrong with the inputs, in the real provider's words where it has any. */
export function inputFailures(inputs: Properties, of: keyof typeof INPUTS): CheckFailure[] {
  const failures: CheckFailure[] = [];
  for (const [name, value] of Object.entries(inputs)) {
    const kind = Object.hasOwn(INPUTS[of], name) ? INPUTS[of][name] : undefined;
    if (kind) failures.push(...misfits(name, value, kind, of));
    else failures.push({ property: name, reason: missingInput(name) });
  }
  if (of === "local.RunInputs" && !Object.hasOwn(inputs, "command"))
    failures.push({ property: "command", reason: `Missing required field 'command' on '${of}'` });
  return failures;
}

function missingInput(name: string): string {
  return LEFT_OUT.has(name)
    ? `the lab's stand-in for command does not have ${name}; install the real plugin`
    : `the lab's stand-in for command does not know this input`;
}

function misfits(property: string, value: Value, kind: Kind, of: string): CheckFailure[] {
  const misfit = (expected: Kind) => [
    {
      property,
      reason: `Field '${property}' on '${of}' must be a '${expected}'; got '${goType(value)}' instead`,
    },
  ];
  if (value === undefined || value === null) return [];
  switch (kind) {
    case "string":
      return typeof value === "string" ? [] : misfit(kind);
    case "bool":
      return typeof value === "boolean" ? [] : misfit(kind);
    case "[]interface {}":
      return Array.isArray(value) ? [] : misfit(kind);
    case "[]string":
      if (!Array.isArray(value)) return misfit(kind);
      return value.flatMap((element, index) => misfits(`${property}[${index}]`, element, "string", of));
    case "map[string]string":
      if (typeof value !== "object" || Array.isArray(value)) return misfit(kind);
      return Object.entries(value).flatMap(([key, element]) =>
        misfits(`${property}[${key}] value`, element, "string", of),
      );
  }
}

function goType(value: Value): string {
  if (typeof value === "number") return "float64";
  if (typeof value === "boolean") return "bool";
  if (typeof value === "string") return "string";
  return Array.isArray(value) ? "[]interface {}" : "map[string]interface {}";
}

/** Whether two values are the same, deeply; an unknown one equals nothing. */
export function sameValue(a: Value, b: Value): boolean {
  if (a === undefined || b === undefined) return false;
  if (a === null || b === null || typeof a !== "object" || typeof b !== "object") return Object.is(a, b);
  if (Array.isArray(a) !== Array.isArray(b)) return false;
  const [as, bs] = [Object.entries(a), Object.entries(b)];
  return (
    as.length === bs.length &&
    as.every(([key, value]) => Object.hasOwn(b, key) && sameValue(value, (b as Properties)[key]))
  );
}
