import { marker } from "../install/facts.ts";
import { jsonOrUndefined } from "../json.ts";
import type { Observation } from "../remote/scripts.ts";
import { foreseeHold, isHeld, parseHold } from "./hold.ts";

/** What a host was deployed as. */
export interface Deployed {
  /** The toplevel that was left running. */
  release: string;
  stack: string;
  host: string;
}

/** One way in which a host is no longer what its state says, for people. */
export interface Drift {
  /** What differs: the release that runs or boots next, one that is held back, or something beside the release. */
  kind: "release" | "boot" | "held" | "reboot" | "marker" | "units";
  what: string;
  /** Whether the next `pulumi up` puts it right; the rest is for a person. */
  mended: boolean;
}

/** What is wrong with the marker of this host; undefined where it says what it should. */
function markerTrouble(
  text: string | null,
  { stack, host }: Pick<Deployed, "stack" | "host">,
): string | undefined {
  const should = `should say that it is ${host} of stack ${stack}`;
  if (text === null) return `is gone, and ${should}`;
  const parsed = marker.safeParse(jsonOrUndefined(text));
  if (!parsed.success) return `cannot be read, and ${should}`;
  if (parsed.data.stack === stack && parsed.data.host === host) return undefined;
  return `says that it is ${parsed.data.host} of stack ${parsed.data.stack}, and ${should}`;
}

/** What a host's next boot starts: its boot loader knows best, where it is understood. Pure. */
export const bootDefaultOf = ({ boots, profile }: Pick<Observation, "boots" | "profile">): string | null =>
  boots ?? profile;

const generation = (path: string | null): string => path ?? "nothing";

/** What a look at a host shows that its state does not. Pure. */
export function driftOf(
  seen: Pick<Observation, "current" | "profile" | "boots" | "pendingReboot" | "marker" | "held" | "failed">,
  { release, stack, host }: Deployed,
): Drift[] {
  const drift: Drift[] = [];
  const held = parseHold(seen.held);
  if (isHeld(held, release, seen.current)) {
    const runs = generation(seen.current);
    drift.push({ kind: "held", what: foreseeHold(held, { host, runs, wanted: release }), mended: false });
  } else if (seen.current !== release)
    drift.push({
      kind: "release",
      what: `it runs ${generation(seen.current)}, not ${release}`,
      mended: true,
    });
  const boots = bootDefaultOf(seen);
  if (boots !== release && boots !== seen.current)
    drift.push({
      kind: "boot",
      what: `its next boot starts ${generation(boots)}, not ${release}`,
      mended: true,
    });
  if (seen.pendingReboot.length > 0)
    drift.push({
      kind: "reboot",
      what: `a reboot is due: it still runs the ${seen.pendingReboot.join(", ")} of another system`,
      mended: false,
    });
  const says = markerTrouble(seen.marker, { stack, host });
  if (says !== undefined)
    drift.push({
      kind: "marker",
      what: `/etc/berth/install.json ${says}; put it back, or no later installation knows it`,
      mended: false,
    });
  if (seen.failed.length > 0)
    drift.push({
      kind: "units",
      what: `these units have failed: ${seen.failed.map(({ unit }) => unit).join(", ")}`,
      mended: false,
    });
  return drift;
}

/**
 * Why an update leaves a host as somebody else has switched it; undefined where it does not. Pure.
 * @param news what is wanted of its Deployment
 * @param old what it was deployed as, and was seen to run since
 */
export function leftAlone(
  news: Readonly<Record<string, unknown>>,
  old: Readonly<Record<string, unknown>>,
): string | undefined {
  const same = ["toplevel", "machineId"].every((key) => news[key] === old[key]);
  const { release } = old;
  if (news["drift"] !== "report" || !same || typeof release !== "string" || release === old["toplevel"])
    return;
  return `it runs ${release} by other means; it is left so until there is another release (drift: report)`;
}
