import { readFile } from "node:fs/promises";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type DriftedResource, driftOf, isClean, type StackDrift } from "../../../../cli/comment/drift.ts";
import { previewJson } from "../../../../cli/comment/preview.ts";
import { driftMarkOf, renderDrift } from "../../../../cli/comment/render-drift.ts";
import { readDrift } from "../../../../cli/comment/report-drift.ts";

/** What `pulumi refresh --preview-only --json` printed of the lab's stack, without what is not read. */
const refreshOf = (name: string) => readFile(join(import.meta.dirname, "refreshes", `${name}.json`), "utf8");
const driftIn = async (name: string) => driftOf(previewJson.parse(JSON.parse(await refreshOf(name))));

const heading = { project: "berth", stack: "prod", log: "https://forge.example/runs/7" };

describe("the issue of a stack", () => {
  test.each(["clean", "drifted", "unread", "failed"])(
    "that was found %s is as it was read and found good",
    async (name) => {
      await expect(renderDrift(heading, await driftIn(name))).toMatchFileSnapshot(`issues/${name}.md`);
    },
  );

  test("has what is gone first, and each resource with its host", async () => {
    const { resources } = await driftIn("drifted");
    expect(resources.map(({ host, name, gone }) => [host, name, gone])).toEqual([
      ["web1", "web1-closing-attachment", true],
      ["web1", "web1-closing-firewall", true],
      ["web1", "web1-deployment", false],
      ["web1", "web1-hardware-server", false],
    ]);
  });

  test.each([
    ["clean", true],
    ["drifted", false],
    ["unread", false],
    ["failed", false],
  ])("that was found %s may be closed: %s", async (name, clean) => {
    expect(isClean(await driftIn(name))).toBe(clean);
  });

  test("is found again by its first line, which no name can forge, and which is no comment's", () => {
    expect(driftMarkOf({ project: "a/b -->", stack: "c\n" })).toBe(
      "<!-- berth drift of a%2Fb%20--%3E/c%0A -->",
    );
  });
});

test.each([
  ["that printed nothing", "", "error: could not decrypt: incorrect passphrase", /incorrect passphrase/],
  ["that printed no JSON", "Segmentation fault", "", /Segmentation fault/],
  ["that ended without a word", "", "", /ended without a word/],
  ["that looked at nothing", "{}", "warning: a new version", /was this stack ever deployed\?/],
])("a look %s is never taken for a clean stack", (_, json, said, why) => {
  const drift = readDrift(json, said);
  expect(isClean(drift)).toBe(false);
  expect(drift.errors.join()).toMatch(why);
});

test("a look that broke off is told, whatever it had found before", async () => {
  expect(readDrift(await refreshOf("clean"), "error: the plugin crashed").whole).toBe(false);
  expect(isClean(readDrift(await refreshOf("clean"), "warning: a new version of Pulumi"))).toBe(true);
});

const resource = (name: string, differs: string[]): DriftedResource => ({
  host: name,
  what: "server",
  name,
  gone: false,
  differs,
});
const found = (resources: DriftedResource[], told: string[] = []): StackDrift => ({
  resources,
  told,
  errors: [],
  whole: true,
});

test.each([
  "@everyone",
  "[x](https://evil.example)",
  "<img src=x>",
  "a | b",
  "`` ` ```",
  "a\n\n# b",
  "</sub>",
])("what somebody else named is text and nothing else: %j", (evil) => {
  const rows = renderDrift(heading, found([resource(evil, [evil])]))
    .split("\n")
    .filter((line) => line.startsWith("|"))
    .map((line) => line.replaceAll("\\|", "").replaceAll(/(`+)(?!`).*?[^`]\1(?!`)/g, "CODE"));
  expect(new Set(rows.map((line) => line.split("|").length))).toEqual(new Set([5]));
  for (const sign of ["@everyone", "](", "<img", "# b", "</sub>"])
    expect(rows.join("\n")).not.toContain(sign);
});

test("an issue is never longer than a forge takes, and what is left out is said", () => {
  const text = fc.string({ maxLength: 3_000 });
  fc.assert(
    fc.property(
      fc.array(fc.record({ name: text, differs: fc.array(text, { maxLength: 30 }) }), { maxLength: 40 }),
      fc.array(text, { maxLength: 40 }),
      (resources, told) => {
        const all = found(
          resources.map(({ name, differs }) => resource(name, differs)),
          told,
        );
        expect(renderDrift(heading, all).length).toBeLessThanOrEqual(65_536);
      },
    ),
    { numRuns: 30 },
  );
  const many = Array.from({ length: 900 }, (_, at) => resource(`web${at}`, ["x".repeat(60)]));
  expect(renderDrift(heading, found(many))).toMatch(
    /\d+ more are too long for an issue; they are in the log/,
  );
});
