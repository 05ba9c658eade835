import { describe, expect, test } from "vitest";
import { type Catalogue, datedCatalogue } from "../../../config/catalogue.ts";
import { describePrices, priceRunning } from "../../../config/prices.ts";
import type { Running } from "../../../config/running.ts";
import { plan, type Raw, running, runningServer, server, withHost, withHosts } from "./samples.ts";

/*
 * Three stacks with prices added up by hand from config/catalogue/2026-09.json: net, EUR a month.
 *
 * catalogue: cx23 5.49, cx33 8.49, cax11 5.99, ccx23 85.99, lb11 7.49 in fsn1, nbg1 and hel1 alike;
 *            IPv4 0.50, IPv6 free, backups 20 % of the server, a GB of a volume 0.0572.
 *
 * site      web1  cx23 5.49 + IPv4 0.50                                                         5.99
 *                                                                                   total       5.99
 *
 * shop      web1  cx33 8.49 + backups 1.698 -> 1.70 + IPv4 0.50 + 100 GB 5.72                  16.41
 *           web2  cx33 8.49 + backups 1.698 -> 1.70 + IPv4 0.50                                10.69
 *           lb11                                                                                7.49
 *                                                                                   total      34.59
 *
 * database  db    ccx23 85.99 + backups 17.198 -> 17.20 + 250 GB 14.30 + 10 GB 0.572 -> 0.57  118.06
 *           arm   cax11 5.99 + IPv4 0.50                                                        6.49
 *                                                                                   total     124.55
 */
const from = "Net prices of the price list of September 2026 that comes with Berth.";

const site = withHost();
const shop = withHosts(
  {
    web1: { ...server({ type: "cx33", location: "nbg1", backups: true }), volumes: { data: 100 } },
    web2: server({ type: "cx33", location: "nbg1", backups: true }),
  },
  {
    loadBalancers: {
      edge: {
        location: "nbg1",
        targets: ["web1", "web2"],
        services: [{ protocol: "tcp", port: 443, targetPort: 443 }],
      },
    },
  },
);
const database = withHosts({
  db: {
    ...server({ type: "ccx23", location: "hel1", backups: true, ipv4: false }),
    volumes: { data: 250, log: 10 },
  },
  arm: { system: "pi", ...server({ type: "cax11" }) },
});

const at = (location: string) => ({ location, protected: true });
/** What runs of the site: 5.99. */
const siteRuns = running([runningServer()], {
  primaryIps: [
    { name: "prod-web1-ipv4", type: "ipv4", ...at("fsn1") },
    { name: "prod-web1-ipv6", type: "ipv6", ...at("fsn1") },
  ],
});
/** What runs of the shop: 34.59. */
const shopRuns = running(
  ["web1", "web2"].map((host) =>
    runningServer({ name: `prod-${host}`, host, type: "cx33", location: "nbg1", backups: true, disk: 80 }),
  ),
  {
    primaryIps: ["web1", "web2"].map((host) => ({ name: `prod-${host}-ipv4`, type: "ipv4", ...at("nbg1") })),
    volumes: [{ name: "prod-web1-data", size: 100, ...at("nbg1") }],
    loadBalancers: [{ name: "prod-edge", type: "lb11", ...at("nbg1") }],
  },
);

/** The lines of a preview. */
const told = (raw: Raw, runs: Running | null, catalogue: Catalogue = datedCatalogue) =>
  describePrices(plan(raw, { catalogue }), runs && priceRunning(catalogue, runs));

describe("prices of a stack, by hand and by Berth", () => {
  test("a site", () => {
    expect(told(site, running())).toEqual([
      "web1: 5.99 EUR/month (server cx23 5.49, IPv4 0.50)",
      `Total: 5.99 EUR/month; nothing runs yet. ${from}`,
    ]);
    expect(plan(site).monthly).toBe(5.99);
  });

  test("a shop: backups, a volume and a load balancer", () => {
    expect(told(shop, running())).toEqual([
      "web1: 16.41 EUR/month (server cx33 8.49, backups 1.70, IPv4 0.50, volume data 100 GB 5.72)",
      "web2: 10.69 EUR/month (server cx33 8.49, backups 1.70, IPv4 0.50)",
      "load balancer edge lb11: 7.49 EUR/month",
      `Total: 34.59 EUR/month; nothing runs yet. ${from}`,
    ]);
    expect(plan(shop).monthly).toBe(34.59);
  });

  test("a database on cores of its own, without IPv4, and an ARM host", () => {
    expect(told(database, running())).toEqual([
      "db: 118.06 EUR/month (server ccx23 85.99, backups 17.20, volume data 250 GB 14.30, volume log 10 GB 0.57)",
      "arm: 6.49 EUR/month (server cax11 5.99, IPv4 0.50)",
      `Total: 124.55 EUR/month; nothing runs yet. ${from}`,
    ]);
    expect(plan(database).monthly).toBe(124.55);
  });
});

describe("the difference to what runs", () => {
  const bigger = withHost({ ...server({ type: "cx33", backups: true }) });
  test.each<[string, Raw, Running | null, string]>([
    ["nothing runs", site, running(), "5.99 EUR/month; nothing runs yet"],
    ["nobody could ask", site, null, "5.99 EUR/month; what runs now could not be asked"],
    ["the same runs", site, siteRuns, "5.99 EUR/month, the same as what runs now"],
    ["all of a shop runs", shop, shopRuns, "34.59 EUR/month, the same as what runs now"],
    // 8.49 + 1.70 + 0.50 = 10.69, and 10.69 - 5.99 = 4.70
    ["more is wanted", bigger, siteRuns, "10.69 EUR/month, +4.70 EUR/month against what runs now"],
  ])("%s", (_, raw, runs, total) => {
    expect(told(raw, runs).at(-1)).toBe(`Total: ${total}. ${from}`);
  });

  test("less is wanted: a host, its volume and the load balancer are given up", () => {
    // 34.59 - 10.69 = 23.90
    const one = withHosts(
      { web2: server({ type: "cx33", location: "nbg1", backups: true }) },
      { protect: false },
    );
    const lines = describePrices(plan(one), priceRunning(datedCatalogue, shopRuns));
    expect(lines.at(-1)).toBe(`Total: 10.69 EUR/month, -23.90 EUR/month against what runs now. ${from}`);
  });
});

describe("a price that is not known", () => {
  const unknown = withHosts({ web1: {}, web2: server({ type: "ccx23", location: "ash" }) });

  test("is said and left out of the sums", () => {
    expect(told(unknown, running())).toEqual([
      "web1: 5.99 EUR/month (server cx23 5.49, IPv4 0.50)",
      "web2: price unknown (server ccx23 (price unknown), IPv4 (price unknown))",
      `Total: 5.99 EUR/month without what is unknown; nothing runs yet. ${from}`,
    ]);
  });

  test("of something that runs is named with the difference", () => {
    const runs = running([runningServer(), runningServer({ name: "prod-old", host: null, type: "cx11" })]);
    expect(describePrices(plan(site), priceRunning(datedCatalogue, runs)).at(-1)).toBe(
      `Total: 5.99 EUR/month, +0.50 EUR/month against what runs now (without server prod-old cx11: price unknown). ${from}`,
    );
  });
});
