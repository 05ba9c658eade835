import { type Catalogue, toCents } from "../../config/catalogue.ts";
import { priceRunning, sumPrices } from "../../config/prices.ts";
import { known, nameOf, type Resource, text, types } from "../resource.ts";

/** What the resources of a stack cost by a price list, and which of them nobody can price. */
function priceResources(catalogue: Catalogue, resources: readonly Resource[]) {
  const all = (type: string) => resources.filter((resource) => resource.type === type);
  const volumes = all(types.volume).map((volume) => ({
    name: nameOf(volume),
    size: known(() => volume.props["size"]),
  }));
  const sized = volumes.filter((volume): volume is { name: string; size: number } =>
    Number.isFinite(volume.size),
  );
  const { monthly, unknown } = sumPrices(
    priceRunning(catalogue, {
      servers: all(types.server).map((server) => ({
        name: nameOf(server),
        type: text(server, "serverType"),
        location: text(server, "location"),
        backups: known(() => server.props["backups"]) === true,
      })),
      primaryIps: all(types.primaryIp).map((address) => ({
        name: nameOf(address),
        type: text(address, "type") === "ipv6" ? "ipv6" : "ipv4",
        location: text(address, "location"),
      })),
      volumes: sized,
      loadBalancers: all(types.loadBalancer).map((balancer) => ({
        name: nameOf(balancer),
        type: text(balancer, "loadBalancerType"),
        location: text(balancer, "location"),
      })),
    }),
  );
  const unsized = volumes.filter(({ size }) => !Number.isFinite(size)).map(({ name }) => `volume ${name}`);
  return { monthly, unknown: [...unknown, ...unsized] };
}

/**
 * What a stack costs beyond a ceiling. The program's own sum has the live prices, and a program may be edited; that of the resources has
 * the prices that come with Berth, and nobody's word for what is ordered: the higher one counts.
 * @param perMonth net, in the catalogue's currency
 */
export function overCeiling(
  resources: readonly Resource[],
  perMonth: number,
  catalogue: Catalogue,
): string[] {
  const stack = resources.find(({ type }) => type === types.stack);
  const told = known(() => stack?.props["pricePerMonth"]);
  const planned = typeof told === "number" ? told : undefined;
  const { monthly, unknown } = priceResources(catalogue, resources);
  const money = (amount: number) => `${amount.toFixed(2)} ${catalogue.currency}/month`;
  const higher = Math.max(planned ?? 0, monthly);
  if (higher > perMonth) {
    const by = money(toCents(higher - perMonth));
    const source = planned === higher ? "the program's own sum" : catalogue.source;
    return [
      `it would cost ${money(higher)} (${source}), which is ${by} above the ceiling of ${money(perMonth)}. Next: order less, or raise this rule's "perMonth".`,
    ];
  }
  // Without either, nobody knows that it stays below.
  if (planned === undefined && unknown.length > 0)
    return [
      `it has no price for ${unknown.join(", ")} (${catalogue.source}) and the stack has no output pricePerMonth, so nobody can tell whether it stays below ${money(perMonth)}. Next: export pricePerMonth from the program.`,
    ];
  return [];
}
