import { size } from "../../deployer/compare/describe.ts";
import type { SeenCertificate } from "../../deployer/health/certificate.ts";
import { nameOf } from "../../deployer/health/check.ts";
import { type Drift, driftOf } from "../../deployer/release/drift.ts";
import { type Hold, parseHold } from "../../deployer/release/hold.ts";
import type { Space } from "../../deployer/remote/scripts.ts";
import type { HostLook } from "./look.ts";

/** How a host is, as `berth status --json` prints it. */
export interface HostStatus {
  host: string;
  address: string;
  /** Whether nothing is wrong. */
  well: boolean;
  /** What is, a sentence each. */
  wrong: string[];
  reached: boolean;
  /** The toplevel that runs; null where nobody knows. */
  release: string | null;
  /** Number of its generation; null where the host keeps none of it. */
  generation: number | null;
  /** When it was kept, in ISO 8601. */
  keptAt: string | null;
  checks: { check: string; healthy: boolean; because?: string }[];
  /** In which ways the host is not what the stack's state says: its release, what boots next, its marker. */
  drift: Drift["kind"][];
  /** Parts of the running system that only a reboot puts in force. */
  rebootDue: string[];
  failedUnits: string[];
  /** Bytes. */
  disks: Space;
  /** `until` in ISO 8601; both are absent where no certificate was seen. */
  certificates: { name: string; until?: string; daysLeft?: number; refused?: string }[];
  /** The release that was rolled back by hand and does not come again by itself. */
  held: Hold | null;
}

const day = 86_400_000;

/** How a host is, by what a look at it has found. Pure. */
export function judge(look: HostLook, stack: string, now: Date): HostStatus {
  const { host, address, known, told } = look;
  const checks = look.checks.map(({ check, verdict }) => ({
    check: nameOf(check),
    healthy: verdict.healthy,
    ...(verdict.healthy ? {} : { because: verdict.because }),
  }));
  const certificates = look.certificates.map(({ of: { name }, seen }) =>
    describeCertificate(name, seen, now),
  );
  const common = { host, address, checks, certificates: certificates.map(({ shown }) => shown) };
  const wrongBeside = [
    ...checks.flatMap(({ because }) => because ?? []),
    ...certificates.flatMap(({ wrong }) => wrong ?? []),
  ];
  if ("error" in told)
    return {
      ...common,
      well: false,
      wrong: [told.error, ...wrongBeside],
      reached: false,
      release: null,
      generation: null,
      keptAt: null,
      drift: [],
      rebootDue: [],
      failedUnits: [],
      disks: [],
      held: null,
    };
  const { seen, generations, space } = told;
  const drift = known ? driftOf(seen, { release: known.inputs.toplevel, stack, host }) : [];
  const held = parseHold(seen.held);
  const runs = generations
    .toSorted((a, b) => b.number - a.number)
    .find(({ toplevel }) => toplevel === seen.current);
  const wrong = [
    ...(known ? [] : ["the stack's state does not know how it was deployed; pulumi up deploys to it"]),
    ...drift.map(({ what }) => what),
    ...space.filter(isTight).map(({ at, free }) => `${at} has ${size(free)} left`),
    ...wrongBeside,
  ];
  return {
    ...common,
    well: wrong.length === 0,
    wrong,
    reached: true,
    release: seen.current,
    generation: runs?.number ?? null,
    keptAt: runs ? new Date(runs.at * 1000).toISOString() : null,
    drift: drift.map(({ kind }) => kind).filter((kind) => ["release", "boot", "marker"].includes(kind)),
    rebootDue: seen.pendingReboot,
    failedUnits: seen.failed.map(({ unit }) => unit),
    disks: space,
    held: held && held.toplevel !== seen.current ? held : null,
  };
}

/**
 * Whether a file system may be too full for the next release: less than a tenth is left, or, on a large one, less than 5 GB; on /boot, where
 * each release has a kernel and an initrd, less than 100 MB, or a fifth of a small one.
 */
export function isTight({ at, size: whole, free }: Space[number]): boolean {
  return at === "/boot" ? free < Math.min(whole / 5, 100e6) : free < Math.min(whole / 10, 5e9);
}

/** Renewal is due when a third of a certificate's life is left: with less than a fifth it has failed for a while. */
function describeCertificate(
  name: string,
  seen: SeenCertificate,
  now: Date,
): { shown: HostStatus["certificates"][number]; wrong?: string } {
  if ("because" in seen) {
    const wrong = `no certificate of ${name} was seen: ${seen.because}`;
    return { shown: { name, refused: seen.because }, wrong };
  }
  const { from, until, refused } = seen;
  const left = until.getTime() - now.getTime();
  const daysLeft = Math.floor(left / day);
  const shown = { name, until: until.toISOString(), daysLeft, ...(refused === undefined ? {} : { refused }) };
  if (refused !== undefined) return { shown, wrong: `nobody trusts the certificate of ${name}: ${refused}` };
  if (left >= (until.getTime() - from.getTime()) / 5) return { shown };
  return {
    shown,
    wrong: `the certificate of ${name} has ${daysLeft} days left and was not renewed; its unit's journal says why`,
  };
}
