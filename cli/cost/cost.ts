import type { Command } from "commander";
import { datedCatalogue } from "../../config/catalogue.ts";
import { describeTotal, priceRunning, sumPrices } from "../../config/prices.ts";
import type { CloudView } from "../../config/running.ts";
import type { StackConfig } from "../../config/stack.ts";
import { lookAtCloud } from "../../deployer/hetzner/look.ts";
import { checkToken, usesHetzner } from "../../deployer/hetzner/token.ts";
import { asJson } from "../as-json.ts";
import { hetznerSettings } from "../hetzner.ts";
import { print, say } from "../say.ts";
import { readStackConfig } from "../stack-config.ts";
import { nameOfStack } from "../stack-name.ts";
import { table } from "../table.ts";
import type { Verbs } from "../verbs.ts";
import { type CostItem, costItems } from "./items.ts";

export function addCost(program: Command, { selected }: Verbs): void {
  program
    .command("cost")
    .description("what the stack costs a month, thing by thing, by the prices of today and against what runs")
    .option("--json", "as JSON")
    .action((options: { json?: true }) => cost(selected(), options));
}

/** Print what the stack's configuration costs, by Hetzner's prices where there is a token, by the list that comes with Berth otherwise. */
export async function cost(given: string | undefined, { json = false }: { json?: boolean }): Promise<void> {
  const stack = await nameOfStack(given);
  const config = await readStackConfig(stack);
  const cloud = await askCloud(stack, config);
  const catalogue = cloud?.catalogue ?? datedCatalogue;
  const items = costItems(config, catalogue);
  const plan = {
    hosts: [],
    price: items,
    monthly: sumPrices(items).monthly,
    currency: catalogue.currency,
    pricesFrom: catalogue.source,
  };
  const running = cloud && priceRunning(catalogue, cloud.running);
  const { monthly, currency, pricesFrom } = plan;
  if (json)
    return print(
      asJson("cost", stack, items, {
        ...{ monthly, currency, pricesFrom },
        runningMonthly: running && sumPrices(running).monthly,
      }),
    );
  const total = usesHetzner(config)
    ? describeTotal(plan, running)
    : "Nothing of it has a price that is known.";
  print(`${costTable(items)}${total}`);
}

/** Pure. */
export const costTable = (items: readonly CostItem[]): string =>
  table(
    ["of", "what", "a month", "why unknown"],
    items.map(({ of, what, monthly, unknown = "" }) => [
      of,
      what,
      monthly === null ? "unknown" : monthly.toFixed(2),
      unknown,
    ]),
  );

/** Null where nobody need or can ask. */
async function askCloud(stack: string, config: StackConfig): Promise<CloudView | null> {
  if (!usesHetzner(config)) return null;
  const { token, endpoint } = await hetznerSettings(stack);
  if (token.value === "") return null;
  checkToken(token.value, token.from);
  return lookAtCloud({ token: token.value, tokenFrom: token.from, endpoint, stack, servers: [], say });
}
