import { describe, expect, test } from "vitest";
import { compareSecrets, isWrong, type OnHost, type SecretState } from "../../../../cli/secrets/compare.ts";
import { secretsTable } from "../../../../cli/secrets/secrets.ts";
import { usesOf } from "../../../../cli/secrets/uses.ts";
import { parseStackConfig } from "../../../../config/stack.ts";
import { saltedDigest } from "../../../../deployer/secrets/credentials.ts";

const { config } = parseStackConfig("prod", {
  hosts: {
    web1: {
      system: "web",
      server: { type: "cx23", location: "fsn1" },
      secrets: { site: { DATABASE_URL: "db-url", API_KEY: "api" } },
      disk: { passphrase: "web1-disk" },
    },
    web2: {
      system: "web",
      server: { type: "cx23", location: "fsn1" },
      secrets: { site: { DATABASE_URL: "db-url" } },
    },
  },
  containers: {
    shop: { on: "web1", image: { package: "site-image" }, secrets: { TOKEN: "api" } },
  },
  fly: {
    wiki: { image: { package: "site-image" }, regions: { ams: 1 }, secrets: { DATABASE_URL: "db-url" } },
  },
});
const uses = usesOf(config);

test("every place that a secret goes to is told", () => {
  expect(uses.map(({ secret, where }) => `${secret} → ${where}`)).toEqual([
    "db-url → web1: site, DATABASE_URL",
    "api → web1: site, API_KEY",
    "web1-disk → web1: passphrase of its disk",
    "db-url → web2: site, DATABASE_URL",
    "api → berth:containers.shop.secrets.TOKEN",
    "db-url → wiki at Fly: DATABASE_URL",
  ]);
});

const values = { "db-url": "postgres://hunter2", api: "k3y", "web1-disk": "open sesame", idle: "nothing" };
const on = (contents: Record<string, string>): OnHost => ({
  salt: "salt",
  credentials: Object.entries(contents).map(([name, value]) => ({
    service: "site",
    name,
    digest: saltedDigest("salt", value),
  })),
});
const states = (seen: Record<string, OnHost>, known: Record<string, string> = values) =>
  compareSecrets(known, uses, seen).map(({ where, state }): [string, SecretState] => [where, state]);

describe("what is there of a secret", () => {
  const database = "web1: site, DATABASE_URL";
  test.each<[string, Record<string, OnHost>, Record<string, string>, SecretState]>([
    ["the same", { web1: on({ DATABASE_URL: "postgres://hunter2" }) }, values, "the same"],
    ["another content", { web1: on({ DATABASE_URL: "postgres://old" }) }, values, "changed"],
    ["none", { web1: on({ API_KEY: "k3y" }) }, values, "not there"],
    ["nobody knows what", { web1: { error: "no answer" } }, values, "not reached"],
    ["none yet", {}, values, "not installed yet"],
    ["none in the stack", { web1: on({}) }, { api: "k3y" }, "not set"],
  ])("is %s", (_, seen, known, expected) => {
    expect(states(seen, known)).toContainEqual([database, expected]);
  });

  test("is told of what nothing uses, of what only the host has, and of what is not looked at", () => {
    const found = states({ web1: on({ OLD: "x" }) });
    expect(found).toContainEqual(["", "not used"]);
    expect(found).toContainEqual(["web1: site, OLD", "not in the stack"]);
    expect(found).toContainEqual(["wiki at Fly: DATABASE_URL", "not looked at"]);
    expect(found).toContainEqual(["web1: passphrase of its disk", "not looked at"]);
  });

  test.each<[SecretState, boolean]>([
    ["the same", false],
    ["not used", false],
    ["not looked at", false],
    ["not installed yet", false],
    ["changed", true],
    ["not there", true],
    ["not in the stack", true],
    ["not reached", true],
    ["not set", true],
  ])("%s is wrong: %s", (state, wrong) => {
    expect(isWrong({ secret: "a", where: "", state })).toBe(wrong);
  });
});

test("the table has names and places, no value, and what comes next", () => {
  const items = compareSecrets(values, uses, { web1: on({ DATABASE_URL: "old" }), web2: on({}) });
  const text = secretsTable(items);
  for (const value of [...Object.values(values), "old"]) expect(text).not.toContain(` ${value} `);
  expect(text).not.toContain("hunter2");
  expect(text).toMatch(/^secret +where it goes +there\ndb-url +web1: site, DATABASE_URL +changed\n/);
  expect(text).toMatch(
    /\nThe next pulumi up delivers what is changed or not there, and restarts what uses it\.$/,
  );
  expect(secretsTable([])).toBe("The stack has no secrets; berth secrets set NAME makes one.");
});
