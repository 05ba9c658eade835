import { hostFinder, inWords, short, typeOf } from "./changes.ts";
import { nameOf, type Preview, plain, type Step, unprefixed } from "./preview.ts";

/** A resource that is not as its stack left it. */
export interface DriftedResource {
  /** The host that it belongs to; absent where it belongs to none. */
  host?: string;
  /** In words, e.g. "server". */
  what: string;
  name: string;
  /** Whether it is not there any more. */
  gone: boolean;
  /** Property by property, as the stack has it and as it was found. */
  differs: string[];
}

/** What a look at everything that a stack manages has found. */
export interface StackDrift {
  resources: DriftedResource[];
  /** What Berth says beside that: a reboot that is due, a host that could not be read. */
  told: string[];
  /** Why the look failed; none where it did not. */
  errors: string[];
  /** Whether everything was looked at, or at least tried. */
  whole: boolean;
}

/** What `pulumi refresh --preview-only --json` has found. Pure. */
export function driftOf({ steps, diagnostics }: Preview): StackDrift {
  const all = steps ?? [];
  const hostOf = hostFinder(all);
  const said = (diagnostics ?? []).map(({ severity, message, urn }) => ({
    severity,
    message: plain(message),
    urn,
  }));
  const errors = said.filter(({ severity }) => severity === "error").map(({ message }) => message);
  return {
    resources: all
      .flatMap((step) => drifted(step, hostOf(step)))
      .sort(
        (one, other) => Number(other.gone) - Number(one.gone) || one.name.localeCompare(other.name, "en"),
      ),
    // What is about no resource is about pulumi itself.
    told: said
      .filter(({ severity, urn }) => severity === "warning" && urn !== undefined && urn !== "")
      .map(({ message }) => unprefixed(message))
      .sort(),
    errors,
    whole: errors.length === 0,
  };
}

/** Whether nothing is to be told. */
export const isClean = ({ resources, told, whole }: StackDrift): boolean =>
  whole && resources.length === 0 && told.length === 0;

/** A refresh tells what it has found as operations on the state: an update where something differs, a deletion where nothing is left. */
function drifted(step: Step, host: string | undefined): DriftedResource[] {
  if (step.op !== "update" && step.op !== "delete") return [];
  const known = {
    what: inWords(typeOf(step)),
    name: nameOf(step.urn),
    ...(host === undefined ? {} : { host }),
  };
  if (step.op === "delete") return [{ ...known, gone: true, differs: [] }];
  const { oldState, newState, detailedDiff, diffReasons } = step;
  const paths = Object.keys(detailedDiff ?? {});
  const properties = new Set((paths.length > 0 ? paths : (diffReasons ?? [])).map(topOf));
  const differs = [...properties].sort().map((property) => {
    const [before, after] = [oldState, newState].map((state) =>
      short(state?.outputs[property] ?? state?.inputs[property]),
    );
    return before === after ? property : `${property}: ${before} → ${after}`;
  });
  return [{ ...known, gone: false, differs }];
}

/** The property that a path begins with, e.g. "labels" of `labels["a.b"]`. */
const topOf = (path: string): string => /^\["([^"]+)"\]/.exec(path)?.[1] ?? path.split(/[.[]/, 1)[0] ?? path;
