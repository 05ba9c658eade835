import { type Catalogue, toCents } from "./catalogue.ts";
import type { HostConfig } from "./host.ts";
import type { HostPlan, PriceItem, StackPlan } from "./plan.ts";
import type { Running, RunningServer } from "./running.ts";
import type { LoadBalancerConfig } from "./stack.ts";

const cents = (amount: number | undefined): number | null => (amount === undefined ? null : toCents(amount));

function serverPrice(catalogue: Catalogue, type: string, location: string): number | undefined {
  return catalogue.serverTypes.find(({ name }) => name === type)?.locations[location]?.monthly;
}

function backupPrice(catalogue: Catalogue, type: string, location: string): number | null {
  const server = serverPrice(catalogue, type, location);
  const { backupPercent } = catalogue.prices;
  return server === undefined || backupPercent === undefined ? null : toCents((server * backupPercent) / 100);
}

function volumePrice(catalogue: Catalogue, size: number): number | null {
  const { volumePerGb } = catalogue.prices;
  return volumePerGb === undefined ? null : toCents(volumePerGb * size);
}

const balancerPrice = (catalogue: Catalogue, type: string, location: string): number | null =>
  cents(catalogue.loadBalancerTypes.find(({ name }) => name === type)?.locations[location]?.monthly);

/** What a host costs; nothing for a machine that was ordered elsewhere. */
export function priceHost(catalogue: Catalogue, { server, volumes }: HostConfig): PriceItem[] {
  if (!server) return [];
  const { type, location } = server;
  return [
    { what: `server ${type}`, monthly: cents(serverPrice(catalogue, type, location)) },
    ...(server.backups ? [{ what: "backups", monthly: backupPrice(catalogue, type, location) }] : []),
    ...(server.ipv4 ? [{ what: "IPv4", monthly: cents(catalogue.prices.ipv4[location]) }] : []),
    ...Object.entries(volumes).map(([name, size]) => ({
      what: `volume ${name} ${size} GB`,
      monthly: volumePrice(catalogue, size),
    })),
  ];
}

/** What the load balancers of a stack cost, with their addresses. */
export function priceLoadBalancers(
  catalogue: Catalogue,
  balancers: Record<string, LoadBalancerConfig>,
): PriceItem[] {
  return Object.entries(balancers).map(([name, { type, location }]) => ({
    what: `load balancer ${name} ${type}`,
    monthly: balancerPrice(catalogue, type, location),
  }));
}

/** What there is that costs something, as far as its price needs it. */
export interface Billed {
  servers: readonly Pick<RunningServer, "name" | "type" | "location" | "backups">[];
  primaryIps: Running["primaryIps"];
  volumes: readonly Pick<Running["volumes"][number], "name" | "size">[];
  loadBalancers: readonly Pick<Running["loadBalancers"][number], "name" | "type" | "location">[];
}

/** What runs now, by today's prices: those of new orders, as the API tells no others. */
export function priceRunning(catalogue: Catalogue, running: Billed): PriceItem[] {
  return [
    ...running.servers.flatMap(({ name, type, location, backups }) => [
      { what: `server ${name} ${type}`, monthly: cents(serverPrice(catalogue, type, location)) },
      ...(backups ? [{ what: `backups of ${name}`, monthly: backupPrice(catalogue, type, location) }] : []),
    ]),
    ...running.primaryIps
      .filter(({ type }) => type === "ipv4")
      .map(({ name, location }) => ({
        what: `IPv4 ${name}`,
        monthly: cents(catalogue.prices.ipv4[location]),
      })),
    ...running.volumes.map(({ name, size }) => ({
      what: `volume ${name} ${size} GB`,
      monthly: volumePrice(catalogue, size),
    })),
    ...running.loadBalancers.map(({ name, type, location }) => ({
      what: `load balancer ${name} ${type}`,
      monthly: balancerPrice(catalogue, type, location),
    })),
  ];
}

/** The known prices together, and what has none. */
export function sumPrices(items: readonly PriceItem[]): { monthly: number; unknown: string[] } {
  return {
    monthly: toCents(items.reduce((sum, { monthly }) => sum + (monthly ?? 0), 0)),
    unknown: items.filter(({ monthly }) => monthly === null).map(({ what }) => what),
  };
}

/** What has a price in a plan. */
export interface PricedPlan extends Pick<StackPlan, "price" | "monthly" | "currency" | "pricesFrom"> {
  hosts: readonly { name: string; price: PriceItem[] }[];
}

/**
 * The prices as people read them: a line for each host and load balancer, and the total with the difference to what runs now.
 * @param running what runs now and costs (`priceRunning`); null when nobody could ask
 */
export function describePrices(plan: PricedPlan, running: readonly PriceItem[] | null): string[] {
  const { currency } = plan;
  const money = (amount: number) => `${amount.toFixed(2)} ${currency}/month`;
  const known = ({ what, monthly }: PriceItem) =>
    `${what} ${monthly === null ? "(price unknown)" : monthly.toFixed(2)}`;
  const ofHost = (name: string, items: readonly PriceItem[]): string => {
    if (items.length === 0) return `${name}: ordered elsewhere, no price here`;
    const { monthly, unknown } = sumPrices(items);
    const sum = unknown.length === items.length ? "price unknown" : money(monthly);
    const more = unknown.length > 0 && unknown.length < items.length ? " and what is unknown" : "";
    return `${name}: ${sum}${more} (${items.map(known).join(", ")})`;
  };
  return [
    ...plan.hosts.map(({ name, price }) => ofHost(name, price)),
    ...plan.price.map((item) =>
      item.monthly === null ? `${item.what}: price unknown` : `${item.what}: ${money(item.monthly)}`,
    ),
    describeTotal(plan, running),
  ];
}

/** What is priced, and where the prices are from. */
type Priced = Pick<StackPlan, "price" | "monthly" | "currency" | "pricesFrom"> & {
  hosts: readonly Pick<HostPlan, "price">[];
};

/** The total of a plan with the difference to what runs now, as people read it. */
export function describeTotal(plan: Priced, running: readonly PriceItem[] | null): string {
  const money = (amount: number) => `${amount.toFixed(2)} ${plan.currency}/month`;
  const all = [...plan.hosts.flatMap(({ price }) => price), ...plan.price];
  const missing = sumPrices(all).unknown.length > 0 ? " without what is unknown" : "";
  return `Total: ${money(plan.monthly)}${missing}${difference(plan.monthly, running, money)}. Net prices of ${plan.pricesFrom}.`;
}

function difference(
  planned: number,
  running: readonly PriceItem[] | null,
  money: (amount: number) => string,
): string {
  if (running === null) return "; what runs now could not be asked";
  if (running.length === 0) return "; nothing runs yet";
  const { monthly, unknown } = sumPrices(running);
  const by = toCents(planned - monthly);
  const priced = by === 0 ? "the same as" : `${by > 0 ? "+" : "-"}${money(Math.abs(by))} against`;
  const without = unknown.length > 0 ? ` (without ${unknown.join(", ")}: price unknown)` : "";
  return `, ${priced} what runs now${without}`;
}
