import { describe, expect, test } from "vitest";
import { costTable } from "../../../../cli/cost/cost.ts";
import { costItems } from "../../../../cli/cost/items.ts";
import { berthKeys } from "../../../../cli/stack-config.ts";
import { datedCatalogue } from "../../../../config/catalogue.ts";
import { priceHost, sumPrices } from "../../../../config/prices.ts";
import { parseStackConfig } from "../../../../config/stack.ts";
import { plan } from "../../config/samples.ts";

const raw = {
  hosts: {
    web1: { system: "web", server: { type: "cx23", location: "fsn1", backups: true }, volumes: { data: 20 } },
    metal: {
      system: "web",
      existing: { address: "198.51.100.7", hostKey: `ssh-ed25519 AAAA${"A".repeat(64)}`, erase: ["disk"] },
    },
  },
  loadBalancers: {
    front: { location: "fsn1", targets: ["web1"], services: [{ protocol: "tcp", port: 80, targetPort: 80 }] },
  },
};
const { config } = parseStackConfig("prod", {
  ...raw,
  containers: {
    shop: { on: "web1", image: { package: "site-image" } },
  },
  fly: { wiki: { image: { package: "site-image" }, regions: { ams: 2 } } },
});
const items = costItems(config, datedCatalogue);

describe("what a stack costs", () => {
  test("is told thing by thing, with why a price is not known", () => {
    expect(items.map(({ of, kind, what, unknown }) => [of, kind, what, unknown])).toEqual([
      ["web1", "host", "server cx23", undefined],
      ["web1", "host", "backups", undefined],
      ["web1", "host", "IPv4", undefined],
      ["web1", "host", "volume data 20 GB", undefined],
      ["metal", "host", "machine", "ordered elsewhere"],
      ["front", "load balancer", "load balancer front lb11", undefined],
      ["shop", "container", "container", "its share of web1, which is counted whole"],
      ["wiki", "fly", "2 machines shared-cpu-1x in ams", expect.stringContaining("Fly's API tells none")],
    ]);
  });

  test("is what the program says of it", () => {
    const { web1 } = config.hosts;
    if (!web1) throw new Error("the sample has no web1");
    const ofWeb1 = items.filter(({ of }) => of === "web1");
    expect(sumPrices(ofWeb1)).toEqual(sumPrices(priceHost(datedCatalogue, web1)));
    expect(sumPrices(items).monthly).toBe(plan(raw, { catalogue: datedCatalogue }).monthly);
  });

  test("is unknown for what the catalogue does not have", () => {
    const none = { ...datedCatalogue, serverTypes: [] };
    expect(costItems(config, none)[0]).toEqual({
      of: "web1",
      kind: "host",
      what: "server cx23",
      monthly: null,
      unknown: `not in the prices of ${datedCatalogue.source}`,
    });
  });

  test("is a table for people", () => {
    expect(
      costTable([
        { of: "web1", kind: "host", what: "server cx23", monthly: 5.49 },
        { of: "metal", kind: "host", what: "machine", monthly: null, unknown: "ordered elsewhere" },
      ]),
    ).toBe(
      [
        "of     what         a month  why unknown",
        "web1   server cx23  5.49     -",
        "metal  machine      unknown  ordered elsewhere",
        "",
      ].join("\n"),
    );
  });
});

test("the configuration is read from what pulumi prints, without what it keeps to itself", () => {
  const printed = {
    "berth:hosts": { value: '{"web1":{"system":"web"}}', secret: false },
    "berth:flake": { value: "path:./.lab/flake" },
    "berth:protect": { value: "false" },
    "berth:secrets": { secret: true },
    "hcloud:token": { value: "hunter2", secret: true },
  };
  expect(berthKeys(JSON.stringify(printed))).toEqual({
    hosts: { web1: { system: "web" } },
    flake: "path:./.lab/flake",
    protect: false,
  });
  expect(berthKeys("")).toEqual({});
});
