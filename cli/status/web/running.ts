import { readFile } from "node:fs/promises";
import { isThere } from "../../../deployer/process.ts";

/** Milliseconds that the clock of a record may be behind that of the process that keeps it. */
const slack = 2_000;

/**
 * Whether the process that keeps a record still runs on this machine: its id ends the record's name. Where there is /proc, one that
 * has got the same id since does not count.
 * @param firstAt when its first line was written, in ISO 8601
 */
export async function isKept(name: string, firstAt: string): Promise<boolean> {
  const pid = Number(/-(\d+)$/.exec(name)?.[1]);
  if (!Number.isInteger(pid) || pid < 1 || !isThere(pid)) return false;
  const [own, other] = await Promise.all([ticksOf(process.pid), ticksOf(pid)]);
  if (own === undefined || other === undefined) return isThere(pid);
  const startedAt = performance.timeOrigin + ((other - own) / ticksPerSecond) * 1_000;
  return startedAt <= Date.parse(firstAt) + slack;
}

/** What Linux counts the time of processes in, whatever its own clock does. */
const ticksPerSecond = 100;

/** When a process was started, in ticks since the machine was; undefined where nobody tells. */
async function ticksOf(pid: number): Promise<number | undefined> {
  const stat = await readFile(`/proc/${pid}/stat`, "utf8").catch(() => "");
  // The second field is the program's name, which may have anything in it.
  const ticks = Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[19]);
  return Number.isFinite(ticks) ? ticks : undefined;
}
