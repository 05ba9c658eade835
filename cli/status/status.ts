import { type Command, InvalidArgumentError, Option } from "commander";
import { byName } from "../../deployer/runs/summary.ts";
import { asJson } from "../as-json.ts";
import { readDeployments } from "../deployments.ts";
import { portNumber } from "../port-number.ts";
import { print } from "../say.ts";
import { hostOf, type StackView } from "../stack.ts";
import type { Verbs } from "../verbs.ts";
import { judge } from "./judge.ts";
import { lookAtHost } from "./look.ts";
import { statusTable } from "./render.ts";
import { fastestPace, usualPace, type WebOptions } from "./web/pace.ts";

export interface StatusOptions {
  json?: boolean;
}

interface Options extends StatusOptions, WebOptions {
  web?: boolean;
}

export function addStatus(program: Command, { selected, stack, end }: Verbs): void {
  program
    .command("status [host]")
    .description(
      "how the hosts are: release, health, drift, reboot due, failed units, free disk, certificates. Ends with 1 when one is not well",
    )
    .addOption(new Option("--json", "as JSON").conflicts("web"))
    .option("--web", "as a page on this machine that stays up to date, until Ctrl-C")
    .addOption(
      new Option("--port <port>", "of the page; a free one when absent")
        .argParser(portNumber)
        .implies({ web: true }),
    )
    .addOption(
      new Option(
        "--every <seconds>",
        `between two looks at a host while the page is open; ${usualPace} when absent`,
      )
        .argParser(pace)
        .implies({ web: true }),
    )
    .addOption(new Option("--open", "open the page in the desktop's browser").implies({ web: true }))
    .action(async (host: string | undefined, { web, ...options }: Options) => {
      if (!web) return end(await status(await stack(), host, options));
      // Its server is loaded where it is wanted: every other verb starts sooner.
      const { statusPage } = await import("./web/web.ts");
      await statusPage(selected(), host, options);
    });
}

function pace(text: string): number {
  const seconds = Number(text);
  if (Number.isInteger(seconds) && seconds >= fastestPace && seconds <= 3_600) return seconds;
  throw new InvalidArgumentError(`It is a number of seconds from ${fastestPace} to 3600.`);
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
