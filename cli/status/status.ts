import type { Command } from "commander";
import { byName } from "../../deployer/runs/summary.ts";
import { asJson } from "../as-json.ts";
import { readDeployments } from "../deployments.ts";
import { print } from "../say.ts";
import { hostOf, type StackView } from "../stack.ts";
import type { Verbs } from "../verbs.ts";
import { judge } from "./judge.ts";
import { lookAtHost } from "./look.ts";
import { statusTable } from "./render.ts";

export interface StatusOptions {
  json?: boolean;
}

export function addStatus(program: Command, { stack, end }: Verbs): void {
  program
    .command("status [host]")
    .description(
      "how the hosts are: release, health, drift, reboot due, failed units, free disk, certificates. Ends with 1 when one is not well",
    )
    .option("--json", "as JSON")
    .action(async (host: string | undefined, options: StatusOptions) =>
      end(await status(await stack(), host, options)),
    );
}

/**
 * Print how one host is, or all of them. A host that does not answer is a row, too.
 * @returns 0 when all of them are well
 */
export async function status(
  stack: StackView,
  name: string | undefined,
  { json = false }: StatusOptions,
): Promise<number> {
  const names = name === undefined ? Object.keys(stack.hosts).toSorted(byName) : [name];
  for (const one of names) hostOf(stack, one);
  const known = names.length === 0 ? {} : await readDeployments(stack.name);
  const looks = await Promise.all(names.map((one) => lookAtHost(stack, one, known[one])));
  const now = new Date();
  const statuses = looks.map((look) => judge(look, stack.name, now));
  const well = statuses.every((one) => one.well);
  print(json ? asJson("status", stack.name, statuses, { well }) : statusTable(statuses, now));
  return well ? 0 : 1;
}
