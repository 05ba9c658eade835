import { describe, expect, test } from "vitest";
import { namesStack, pullOfStack, stackOfPull } from "../../../../config/short-lived.ts";
import { existing, plainHost, plan, type Raw, withHost } from "../samples.ts";
import { type Case, testRefusals } from "./refused.ts";

const shortLived = {
  ...{ stack: "pr-7", pull: 7, id: "0b2b5ddc-3a6f-4a0d-9c39-6a1f2f2d8a10", until: "2026-11-22T18:00:00Z" },
};
const ours = { stack: "pr-7" };
const raw = (host: Raw = {}, more: Raw = {}): Raw => withHost(host, { protect: false, shortLived, ...more });
const machine = { address: existing.existing.address, hostKey: existing.existing.hostKey };
const image = { reference: `registry.example.org/site@sha256:${"a".repeat(64)}` };
const fly = { regions: { ams: 1 }, image: { reference: `r.example.org/x@sha256:${"a".repeat(64)}` } };

const refused: Case[] = [
  ["terms of another stack", raw(), [["berth:shortLived", "it is of the stack pr-7"]], { stack: "pr-8" }],
  ["protection", raw({}, { protect: true }), [["berth:protect", "nothing in it is protected"]], ours],
  [
    "a machine that was ordered elsewhere",
    { protect: false, shortLived, hosts: { web1: existing } },
    [["berth:hosts.web1.existing", "stays when a short-lived stack goes"]],
    ours,
  ],
  [
    "a container on another machine",
    raw({}, { containers: { site: { on: machine, image, ports: ["80:8080"] } } }),
    [["berth:containers.site.on", "is not a short-lived stack's alone"]],
    ours,
  ],
  [
    "a zone of its own under a name that is not",
    raw({}, { dns: { "example.org": { create: true } } }),
    [["berth:dns.example.org.create", "makes no zone but one with its own name"]],
    ours,
  ],
  [
    "a record in a zone of others that could be theirs",
    raw(
      {},
      {
        dns: {
          "example.org": {
            create: false,
            certificateAuthorities: [],
            records: [{ name: "www", type: "TXT", values: ["x"] }],
          },
        },
      },
    ),
    [["berth:dns.example.org", "the record www.example.org has to have the name pr-7 in it"]],
    ours,
  ],
  [
    "an app at Fly by a name that is not its own",
    raw({}, { fly: { shop: fly } }),
    [["berth:fly.shop", "the stack's name, pr-7"]],
    ours,
  ],
];
testRefusals("what a short-lived stack would share or leave behind", refused);

describe("a short-lived stack has", () => {
  test.each<[string, Raw]>([
    ["a server, a volume and a network of its own", raw({ volumes: { data: 10 } }, { network: {} })],
    ["an app at Fly by its own name", raw({}, { fly: { "shop-pr-7": fly } })],
    ["a zone with its name", raw({}, { dns: { "pr-7.example.org": {} } })],
    [
      "records of its name in a zone of others",
      raw(
        {},
        {
          dns: {
            "example.org": {
              create: false,
              certificateAuthorities: [],
              records: [{ name: "www.pr-7", type: "TXT", values: ["x"] }],
            },
          },
        },
      ),
    ],
  ])("%s", (_, config) => {
    expect(plan(config, ours).hosts).toHaveLength(1);
  });
});

test("none of this holds for a stack that stays", () => {
  expect(plan({ hosts: { web1: plainHost }, dns: { "example.org": {} } }).hosts).toHaveLength(1);
});

test.each([
  ["pr-7", true],
  ["shop-pr-7", true],
  ["pr-7-shop", true],
  ["www.pr-7.example.org", true],
  ["shop-pr-77", false],
  ["shop-apr-7", false],
  ["spr-7.example.org", false],
  ["pr.7", false],
])("%s names the stack pr-7: %s", (name, does) => {
  expect(namesStack(name, "pr-7")).toBe(does);
});

test.each([
  ["pr-7", 7],
  ["pr-07", undefined],
  ["pr-0", undefined],
  ["pr-7b", undefined],
  ["prod", undefined],
  ["xpr-7", undefined],
])("the stack %s is of the pull request %s", (stack, pull) => {
  expect(pullOfStack(stack)).toBe(pull);
  if (pull !== undefined) expect(stackOfPull(pull)).toBe(stack);
});
