import { print } from "../say.ts";
import { gatherFacts } from "./facts.ts";
import { describeVerdicts, verdicts } from "./verdicts.ts";

export interface DoctorOptions {
  json?: true;
}

/**
 * Tell what an update needs of this machine and of the accounts, and what is wrong with it. Changes nothing.
 * @param selected the stack's name; the selected one's when absent
 * @returns 0 when nothing is wrong
 */
export async function doctor(selected: string | undefined, { json }: DoctorOptions): Promise<number> {
  const all = verdicts(await gatherFacts(process.cwd(), selected));
  print(json ? `${JSON.stringify(all, undefined, 2)}\n` : describeVerdicts(all));
  return all.some(({ is }) => is === "wrong") ? 1 : 0;
}
