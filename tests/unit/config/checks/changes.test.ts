import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { changesOf, checkChanges } from "../../../../config/checks/changes.ts";
import type { Running, RunningServer } from "../../../../config/running.ts";
import { parseStackConfig } from "../../../../config/stack.ts";
import { plainHost, running, runningServer } from "../samples.ts";

interface Case {
  /** Changes of the server's configuration; null: the host is gone from it. */
  server?: Record<string, unknown> | null;
  volumes?: Record<string, number>;
  /** What the stack has beside its hosts. */
  shared?: Record<string, unknown>;
  /** As it is wanted. */
  protect?: boolean;
  /** As it is at Hetzner. @default `protect` */
  there?: boolean;
  runs?: Partial<RunningServer>;
  runningVolumes?: Omit<Running["volumes"][number], "protected">[];
  runningNetwork?: { range: string; subnets: string[] };
  runningZone?: string;
  runningBalancer?: string;
}

function situation({
  server = {},
  volumes = {},
  shared = {},
  protect = true,
  there = protect,
  ...case_
}: Case) {
  const other = { ...plainHost, server: { ...plainHost.server } };
  const host = { ...plainHost, server: { ...plainHost.server, ...server }, volumes };
  const { config } = parseStackConfig("prod", {
    hosts: { other, ...(server === null ? {} : { web1: host }) },
    protect,
    ...shared,
  });
  const { runs = {}, runningVolumes = [], runningNetwork, runningZone, runningBalancer } = case_;
  const guarded = { protected: there };
  return {
    stack: "prod",
    config,
    running: running([runningServer({ ...guarded, ...runs })], {
      volumes: runningVolumes.map((one) => ({ ...one, ...guarded })),
      networks: runningNetwork ? [{ name: "prod", ...runningNetwork, ...guarded }] : [],
      zones: runningZone ? [{ name: runningZone, ...guarded }] : [],
      loadBalancers: runningBalancer
        ? [{ name: runningBalancer, type: "lb11", location: "fsn1", ...guarded }]
        : [],
    }),
  };
}

const data = { name: "prod-web1-data", size: 20, location: "fsn1" };
const network = { runningNetwork: { range: "10.0.0.0/16", subnets: ["10.0.1.0/24"] } };
const edge = {
  targets: ["other"],
  location: "fsn1",
  services: [{ protocol: "tcp", port: 80, targetPort: 80 }],
};

describe("a change of what runs", () => {
  test.each<[string, Case, string[]]>([
    ["nothing changed: nothing", {}, []],
    [
      "an image, labels, keys: nothing that is felt",
      { server: { image: "debian-12", labels: { a: "b" }, sshKeys: ["ada"] } },
      [],
    ],
    ["another type: a power cycle", { server: { type: "cx33" } }, ["power cycle"]],
    ["another location: refused", { server: { location: "nbg1" } }, ["refused"]],
    [
      "another location without protection: the disk is lost",
      { server: { location: "nbg1" }, protect: false },
      ["loss"],
    ],
    [
      "another location with the protection that is being taken away: refused",
      { server: { location: "nbg1" }, protect: false, there: true },
      ["refused"],
    ],
    [
      "another location with the protection that is being put there: refused",
      { server: { location: "nbg1" }, protect: true, there: false },
      ["refused"],
    ],
    ["backups on: nothing that is felt", { server: { backups: true } }, []],
    ["backups off: refused", { runs: { backups: true } }, ["refused"]],
    [
      "backups off without protection: refused all the same",
      { runs: { backups: true }, protect: false },
      ["refused"],
    ],
    [
      "backups off with the word for it: they are lost",
      { server: { deleteBackups: true }, runs: { backups: true } },
      ["loss"],
    ],
    [
      "the word alone, with backups on: nothing",
      { server: { backups: true, deleteBackups: true }, runs: { backups: true } },
      [],
    ],
    ["into a placement group: refused while it runs", { server: { placement: "web" } }, ["refused"]],
    ["out of a placement group: refused while it runs", { runs: { placement: "prod-web" } }, ["refused"]],
    [
      "into a placement group while it is off: nothing that is felt",
      { server: { placement: "web" }, runs: { status: "off" } },
      [],
    ],
    [
      "in its placement group: nothing",
      { server: { placement: "web" }, runs: { placement: "prod-web" } },
      [],
    ],
    ["IPv4 given up: refused", { server: { ipv4: false } }, ["refused"]],
    [
      "IPv4 given up without protection: it is lost, with a power cycle",
      { server: { ipv4: false }, protect: false },
      ["loss", "power cycle"],
    ],
    ["IPv4 wanted back: a power cycle", { runs: { ipv4: false } }, ["power cycle"]],
    ["IPv6 given up: refused", { server: { ipv6: false } }, ["refused"]],
    ["the host gone from the configuration: refused", { server: null }, ["refused"]],
    ["the host gone from an unprotected one: the disk is lost", { server: null, protect: false }, ["loss"]],
    ["a volume as it is: nothing", { volumes: { data: 20 }, runningVolumes: [data] }, []],
    ["a larger volume: nothing that is felt", { volumes: { data: 30 }, runningVolumes: [data] }, []],
    [
      "a smaller volume: refused",
      { volumes: { data: 10 }, runningVolumes: [data], protect: false },
      ["refused"],
    ],
    ["a volume gone: refused", { runningVolumes: [data] }, ["refused"]],
    ["a volume gone without protection: it is lost", { runningVolumes: [data], protect: false }, ["loss"]],
    ["a volume of another name: refused", { volumes: { more: 20 }, runningVolumes: [data] }, ["refused"]],
    [
      "a move with a volume: server and volume are lost",
      { server: { location: "nbg1" }, volumes: { data: 20 }, runningVolumes: [data], protect: false },
      ["loss", "loss"],
    ],
    ["the network as it is: nothing", { ...network, shared: { network: { subnet: "10.0.1.0/24" } } }, []],
    ["the network gone: refused", network, ["refused"]],
    ["the network gone without protection: addresses are lost", { ...network, protect: false }, ["loss"]],
    [
      "a wider network: refused, as it is another one",
      { ...network, shared: { network: { range: "10.0.0.0/8" } } },
      ["refused"],
    ],
    [
      "another subnet: hosts get other addresses",
      { ...network, shared: { network: { subnet: "10.0.2.0/24" } } },
      ["renumbering"],
    ],
    ["a zone as it is: nothing", { runningZone: "example.org", shared: { dns: { "example.org": {} } } }, []],
    ["a zone gone: refused", { runningZone: "example.org" }, ["refused"]],
    [
      "a zone that shall be there already: refused, as it is this stack's",
      { runningZone: "example.org", shared: { dns: { "example.org": { create: false } } } },
      ["refused"],
    ],
    ["a zone gone without protection: lost", { runningZone: "example.org", protect: false }, ["loss"]],
    [
      "a load balancer as it is: nothing",
      { runningBalancer: "prod-edge", shared: { loadBalancers: { edge } } },
      [],
    ],
    ["a load balancer gone: refused", { runningBalancer: "prod-edge" }, ["refused"]],
    [
      "a load balancer that moves: refused",
      { runningBalancer: "prod-edge", shared: { loadBalancers: { edge: { ...edge, location: "nbg1" } } } },
      ["refused"],
    ],
    [
      "a load balancer gone without protection: its addresses are lost",
      { runningBalancer: "prod-edge", protect: false },
      ["loss"],
    ],
  ])("%s", (_, given, effects) => {
    expect(changesOf(situation(given)).map(({ effect }) => effect)).toEqual(effects);
  });

  test("is none where nobody could ask what runs", () => {
    expect(changesOf({ ...situation({ server: null }), running: null })).toEqual([]);
  });

  test("is found by the server's name when its label is gone", () => {
    expect(changesOf(situation({ server: { type: "cx33" }, runs: { host: null } }))).toHaveLength(1);
  });

  test("loses nothing that is protected, or shall be, whatever else changes", () => {
    const anything = fc.record({
      server: fc.option(
        fc.record({
          type: fc.constantFrom("cx23", "cx33"),
          location: fc.constantFrom("fsn1", "nbg1"),
          ipv4: fc.boolean(),
          backups: fc.boolean(),
        }),
      ),
      volumes: fc.constantFrom<Record<string, number>>({}, { data: 10 }, { data: 20 }, { more: 20 }),
      shared: fc.constantFrom(
        {},
        { network: {} },
        { dns: { "example.org": {} } },
        { loadBalancers: { edge } },
      ),
      runs: fc.record({ backups: fc.boolean(), ipv4: fc.boolean() }),
    });
    const guarded = fc.constantFrom([true, true], [true, false], [false, true]);
    fc.assert(
      fc.property(anything, guarded, (given, [protect = true, there = true]) => {
        const all = { ...given, ...network, runningVolumes: [data], runningZone: "example.org" };
        const changes = changesOf(situation({ ...all, runningBalancer: "prod-edge", protect, there }));
        expect(changes.filter(({ effect }) => effect === "loss")).toEqual([]);
      }),
    );
  });
});

describe("what people are told", () => {
  test("names path, loss and the way to want it", () => {
    const { problems } = checkChanges(situation({ server: { location: "nbg1" } }));
    expect(problems).toEqual([
      {
        path: "berth:hosts.web1.server.location",
        message:
          "it moves from fsn1 to nbg1, which loses the disk of prod-web1 and its addresses, and berth:protect is true: to lose it, set berth:protect to false, run pulumi up once, and then make this change (set it back after)",
      },
    ]);
  });

  test("is to take the protection away first, in an update of its own", () => {
    const { problems } = checkChanges(situation({ server: null, protect: false, there: true }));
    expect(problems).toEqual([
      {
        path: "berth:hosts.web1",
        message:
          "it is deleted, which loses the disk of prod-web1, and it is still protected: leave berth:protect at false, run pulumi up once without this change, and then make it",
      },
    ]);
  });

  test.each<[string, Case, string]>([
    ["a volume", { runningVolumes: [data] }, "berth:hosts.web1.volumes"],
    ["IPv6", { server: { ipv6: false } }, "berth:hosts.web1.server.ipv6"],
    ["the network", network, "berth:network"],
    ["its range", { ...network, shared: { network: { range: "10.0.0.0/8" } } }, "berth:network.range"],
    ["a zone", { runningZone: "example.org" }, "berth:dns"],
    [
      "who makes a zone",
      { runningZone: "example.org", shared: { dns: { "example.org": { create: false } } } },
      "berth:dns.example.org.create",
    ],
    ["a load balancer", { runningBalancer: "prod-edge" }, "berth:loadBalancers"],
  ])("has the place of %s", (_, given, path) => {
    expect(checkChanges(situation(given)).problems.map((problem) => problem.path)).toEqual([path]);
  });

  test("is the word that switches backups off", () => {
    const { problems } = checkChanges(situation({ runs: { backups: true } }));
    expect(problems[0]).toMatchObject({
      path: "berth:hosts.web1.server.backups",
      example: "{ backups: false, deleteBackups: true }",
    });
  });

  test("is what is felt, and in capitals what is lost", () => {
    const { notes } = checkChanges(situation({ server: { ipv4: false }, protect: false }));
    expect(notes).toEqual([
      "web1: it gives up its IPv4 address: LOST: the IPv4 address of prod-web1, for ever",
      "web1: it gives up its IPv4 address: the server is powered off and on again",
    ]);
  });

  test("is that hosts get other private addresses", () => {
    const { notes } = checkChanges(situation({ ...network, shared: { network: {} } }));
    expect(notes).toEqual([
      "the private network: its subnet changes from 10.0.1.0/24 to 10.0.0.0/16: every host leaves it and comes back under another address",
    ]);
  });
});
