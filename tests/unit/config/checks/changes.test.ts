import { describe, expect, test } from "vitest";
import { changesOf, checkChanges } from "../../../../config/checks/changes.ts";
import type { Running, RunningServer } from "../../../../config/running.ts";
import { parseStackConfig } from "../../../../config/stack.ts";
import { plainHost } from "../samples.ts";

const web1: RunningServer = {
  name: "prod-web1",
  host: "web1",
  type: "cx23",
  architecture: "x86_64-linux",
  disk: 40,
  location: "fsn1",
  backups: false,
  status: "running",
  placement: null,
  ipv4: true,
  ipv6: true,
};

interface Case {
  /** Changes of the server's configuration; null: the host is gone from it. */
  server?: Record<string, unknown> | null;
  volumes?: Record<string, number>;
  protect?: boolean;
  runs?: Partial<RunningServer>;
  runningVolumes?: Running["volumes"];
}

function context({ server = {}, volumes = {}, protect = true, runs = {}, runningVolumes = [] }: Case) {
  const other = { ...plainHost, server: { ...plainHost.server } };
  const host = { ...plainHost, server: { ...plainHost.server, ...server }, volumes };
  const { config } = parseStackConfig("prod", {
    hosts: { other, ...(server === null ? {} : { web1: host }) },
    protect,
  });
  const running: Running = {
    servers: [{ ...web1, ...runs }],
    primaryIps: [],
    volumes: runningVolumes,
    loadBalancers: [],
  };
  return { stack: "prod", config, running };
}

const data = { name: "prod-web1-data", size: 20, location: "fsn1" };

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
    [
      "a move with a volume: server and volume are lost",
      { server: { location: "nbg1" }, volumes: { data: 20 }, runningVolumes: [data], protect: false },
      ["loss", "loss"],
    ],
  ])("%s", (_, given, effects) => {
    expect(changesOf(context(given)).map(({ effect }) => effect)).toEqual(effects);
  });

  test("is none where nobody could ask what runs", () => {
    expect(changesOf({ ...context({ server: null }), running: null })).toEqual([]);
  });

  test("is found by the server's name when its label is gone", () => {
    expect(changesOf(context({ server: { type: "cx33" }, runs: { host: null } }))).toHaveLength(1);
  });
});

describe("what people are told", () => {
  test("names path, loss and the way to want it", () => {
    const { problems } = checkChanges(context({ server: { location: "nbg1" } }));
    expect(problems).toEqual([
      {
        path: "berth:hosts.web1.server.location",
        message:
          "it moves from fsn1 to nbg1, which loses the disk of prod-web1 and its addresses, and berth:protect is true: to lose it, set berth:protect to false, run pulumi up once, and then make this change (set it back after)",
      },
    ]);
  });

  test("is the word that switches backups off", () => {
    const { problems } = checkChanges(context({ runs: { backups: true } }));
    expect(problems[0]).toMatchObject({
      path: "berth:hosts.web1.server.backups",
      example: "{ backups: false, deleteBackups: true }",
    });
  });

  test("is what is felt, and in capitals what is lost", () => {
    const { notes } = checkChanges(context({ server: { ipv4: false }, protect: false }));
    expect(notes).toEqual([
      "web1: it gives up its IPv4 address: LOST: the IPv4 address of prod-web1, for ever",
      "web1: it gives up its IPv4 address: the server is powered off and on again",
    ]);
  });
});
