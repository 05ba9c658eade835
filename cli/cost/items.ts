import type { Catalogue } from "../../config/catalogue.ts";
import { describeBilled } from "../../config/fly-sizes.ts";
import { priceHost, priceLoadBalancers } from "../../config/prices.ts";
import type { StackConfig } from "../../config/stack.ts";

/** One thing that costs, as `berth cost --json` prints it. */
export interface CostItem {
  /** Name of the host, load balancer, container or app. */
  of: string;
  kind: "host" | "load balancer" | "container" | "fly";
  what: string;
  /** Net a month to the cent; null where nobody knows. */
  monthly: number | null;
  /** Why nobody does. */
  unknown?: string;
}

/** Everything that a stack's configuration orders or uses, by the prices of a catalogue. Pure. */
export function costItems(config: StackConfig, catalogue: Catalogue): CostItem[] {
  const notListed = `not in the prices of ${catalogue.source}`;
  const priced = (
    of: string,
    kind: CostItem["kind"],
    { what, monthly }: { what: string; monthly: number | null },
  ): CostItem => ({ of, kind, what, monthly, ...(monthly === null ? { unknown: notListed } : {}) });
  return [
    ...Object.entries(config.hosts).flatMap(([name, host]): CostItem[] =>
      host.server
        ? priceHost(catalogue, host).map((item) => priced(name, "host", item))
        : [{ of: name, kind: "host", what: "machine", monthly: null, unknown: "ordered elsewhere" }],
    ),
    ...Object.entries(config.loadBalancers).flatMap(([name, balancer]) =>
      priceLoadBalancers(catalogue, { [name]: balancer }).map((item) => priced(name, "load balancer", item)),
    ),
    ...Object.entries(config.containers).map(([name, { on }]): CostItem => {
      const unknown =
        typeof on === "string"
          ? `its share of ${on}, which is counted whole`
          : "its machine was ordered elsewhere";
      return { of: name, kind: "container", what: "container", monthly: null, unknown };
    }),
    ...Object.entries(config.fly).map(([name, app]): CostItem => {
      const [what = "", unknown = ""] = describeBilled(name, app)
        .replace(`${name} at Fly: `, "")
        .split("; price unknown: ");
      return { of: name, kind: "fly", what, monthly: null, unknown };
    }),
  ];
}
