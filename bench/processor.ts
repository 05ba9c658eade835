import { readFile } from "node:fs/promises";

/** Ticks of Linux' accounts a second, whatever the kernel's own. */
const ticksPerSecond = 100;

/** Ticks that all processors have counted. */
export interface Ticks {
  idle: number;
  all: number;
}

/** The first line of /proc/stat: user nice system idle iowait irq softirq steal … */
export function readTicks(stat: string): Ticks {
  const counts = (stat.split("\n")[0] ?? "").trim().split(/\s+/).slice(1, 9).map(Number);
  const [, , , idle = 0, waiting = 0] = counts;
  return { idle: idle + waiting, all: counts.reduce((sum, one) => sum + one, 0) };
}

/** Ticks of a process and of those that it has started and seen end, by /proc/<pid>/stat. Its name may hold blanks and brackets. */
export function ticksOf(stat: string): number {
  const behindName = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  // utime, stime, cutime and cstime are the 14th to 17th field; the name is the second.
  return behindName.slice(11, 15).reduce((sum, one) => sum + Number(one), 0);
}

export const ticks = async (): Promise<Ticks> => readTicks(await readFile("/proc/stat", "utf8"));

/** Seconds of processors. */
export interface Spent {
  /** By everything on this machine. */
  all: number;
  /** By this process and the children that it has seen end. */
  here: number;
}

/** What has been spent until now. */
export async function spent(): Promise<Spent> {
  const { all, idle } = await ticks();
  const here = ticksOf(await readFile("/proc/self/stat", "utf8"));
  return { all: (all - idle) / ticksPerSecond, here: here / ticksPerSecond };
}
