import { size } from "../../deployer/compare/describe.ts";
import { age } from "../rollback.ts";
import { shortPath } from "../summary-table.ts";
import { table } from "../table.ts";
import type { HostStatus } from "./judge.ts";

const head = [
  "host",
  "release",
  "gen",
  "kept",
  "health",
  "drift",
  "reboot",
  "failed",
  "/ free",
  "/boot free",
  "TLS",
  "held",
];

/** All hosts side by side, what is wrong with each, and one line that counts them. Pure. */
export function statusTable(statuses: readonly HostStatus[], now: Date): string {
  if (statuses.length === 0) return "The stack has no hosts.";
  const wrong = statuses.flatMap(({ host, wrong }) =>
    wrong.map((line) => (line.startsWith(`${host} (`) ? line : `${host}: ${line}`)),
  );
  const well = statuses.filter((status) => status.well).length;
  const count =
    well === statuses.length
      ? `All hosts are well: ${well}.`
      : `${well} of ${statuses.length} hosts are well.`;
  return [
    table(
      head,
      statuses.map((status) => row(status, now)),
    ),
    ...wrong,
    ...(wrong.length > 0 ? [""] : []),
    count,
  ].join("\n");
}

function row(status: HostStatus, now: Date): string[] {
  const told = status.reached
    ? [
        shortPath(status.release ?? undefined),
        status.generation === null ? "" : String(status.generation),
        status.keptAt === null ? "" : age(Date.parse(status.keptAt) / 1000, now.getTime()),
        health(status),
        status.drift.join(", ") || "no",
        status.rebootDue.length > 0 ? "due" : "no",
        String(status.failedUnits.length),
        room(status, "/"),
        room(status, "/boot"),
      ]
    : ["not reached", "?", "?", health(status), "?", "?", "?", "?", "?"];
  return [status.host, ...told, soonest(status), shortHeld(status)];
}

function health({ checks }: HostStatus): string {
  const bad = checks.filter(({ healthy }) => !healthy).length;
  if (checks.length === 0) return "";
  return bad === 0 ? "ok" : `${bad} of ${checks.length} bad`;
}

function room({ disks }: HostStatus, place: string): string {
  const disk = disks.find(({ at }) => at === place);
  return disk ? `${size(disk.free)}, ${Math.floor((disk.free / disk.size) * 100)} %` : "";
}

/** Of the certificate that ends first. */
function soonest({ certificates }: HostStatus): string {
  if (certificates.some(({ refused }) => refused !== undefined)) return "refused";
  const days = certificates.map(({ daysLeft = 0 }) => daysLeft);
  return days.length === 0 ? "" : `${Math.min(...days)} days`;
}

const shortHeld = ({ held, reached }: HostStatus): string =>
  reached ? (held ? shortPath(held.toplevel) : "") : "?";
