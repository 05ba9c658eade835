import { describe, expect, test } from "vitest";
import { parse } from "yaml";
import { deriveStack, termsFor } from "../../../../cli/review/template.ts";

const terms = termsFor(7, "0b2b5ddc-3a6f-4a0d-9c39-6a1f2f2d8a10", 24, new Date("2026-11-21T18:00:00Z"));
const template = `
encryptionsalt: v1:abc:v1:def
config:
  berth:protect: true
  berth:hosts:
    web1: { system: web-review, server: { type: cx23, location: fsn1, labels: { pull: "<number>" } } }
  berth:fly:
    shop-<stack>: { image: { package: shop } }
  berth:dns:
    example.org: { create: false, records: [{ name: "www.<stack>", type: TXT, values: ["<stack> <stack>"] }] }
  berth:secrets:
    db-url: { secure: v1:<stack>:cipher }
  hcloud:token: { secure: v1:token }
`;
const derive = (text: string) => deriveStack(text, "Pulumi.review.yaml", terms);

describe("a stack's file is the template's", () => {
  const derived = derive(template);
  const { config, encryptionsalt } = parse(derived.text);

  test("with the stack's terms, and without protection", () => {
    expect(config["berth:shortLived"]).toEqual({
      ...{ stack: "pr-7", pull: 7, id: terms.id, until: "2026-11-22T18:00:00.000Z" },
    });
    expect(config["berth:protect"]).toBe(false);
    // Plain, it would be a time to Pulumi, which hands that on in other words.
    expect(derived.text).toContain('until: "2026-11-22T18:00:00.000Z"');
  });
  test("with its name and number in names and values", () => {
    expect(Object.keys(config["berth:fly"])).toEqual(["shop-pr-7"]);
    expect(config["berth:hosts"].web1.server.labels).toEqual({ pull: "7" });
    expect(config["berth:dns"]["example.org"].records[0]).toMatchObject({
      name: "www.pr-7",
      values: ["pr-7 pr-7"],
    });
  });
  test("with its secrets as they are, under the same key", () => {
    expect(config["berth:secrets"]).toEqual({ "db-url": { secure: "v1:<stack>:cipher" } });
    expect(encryptionsalt).toBe("v1:abc:v1:def");
    expect(derived.secretsProvider).toBe("passphrase");
  });
  test("that is told apart from a file that somebody has written", () => {
    expect(derived.text).toMatch(/^# Made by berth review up from Pulumi\.review\.yaml;/);
  });
});

test("a key of a cloud's is named to Pulumi as the template has it", () => {
  const text =
    "secretsprovider: awskms://alias/x\nencryptedkey: abc\nconfig:\n  berth:secrets: { a: { secure: x } }\n";
  expect(derive(text)).toMatchObject({
    secretsProvider: "awskms://alias/x",
    content: { encryptedkey: "abc" },
  });
  expect(derive("config: {}\n").secretsProvider).toBeUndefined();
});

test.each([
  ["a short-lived stack's own file", "config:\n  berth:shortLived: { stack: pr-8 }\n", "own file"],
  ["one with secrets of Pulumi Cloud's", "config:\n  berth:secrets: { a: { secure: x } }\n", "Pulumi Cloud"],
  ["one that is no YAML", "config: [\n", "make stack pr-7 from Pulumi.review.yaml"],
])("%s is no template", (_, text, because) => {
  expect(() => derive(text)).toThrow(because);
});
