import { existsSync } from "node:fs";
import { closureOf } from "../nix/closure.ts";
import { size, summary } from "./describe.ts";
import { compareSystems } from "./systems.ts";

/**
 * One line about what a deployment will do, from what is in the local store: nothing is built and no host is asked.
 * `before` is undefined where nothing was deployed yet; `mayReboot` says whether an update at this moment may reboot the host. What is not at hand is said to be unknown.
 */
export async function foresee(before: string | undefined, after: string, mayReboot = false): Promise<string> {
  if (before === after) return "the system stays; it is checked, not switched";
  if (!existsSync(after)) {
    const what = before === undefined ? "first deployment" : "switch";
    return `${what}; not built yet, so what it changes is not known before it is`;
  }
  if (before === undefined) {
    const closure = await closureOf(after);
    return `first deployment; ${closure.length} paths, ${size(closure.reduce((sum, { bytes }) => sum + bytes, 0))}`;
  }
  if (!existsSync(before))
    return "switch; what it changes is not known: the old system is not on this machine";
  return summary(await compareSystems(before, after), mayReboot);
}
