import { readFile } from "node:fs/promises";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { changesOf, type HostChange } from "../../../../cli/comment/changes.ts";
import { read } from "../../../../cli/comment/comment.ts";
import { previewJson } from "../../../../cli/comment/preview.ts";
import { markOf, render } from "../../../../cli/comment/render.ts";

/** Previews of the lab's stack as pulumi printed them, without what the comment does not read. */
const previewOf = (name: string) => readFile(join(import.meta.dirname, "previews", `${name}.json`), "utf8");
const changesIn = async (name: string) => changesOf(previewJson.parse(JSON.parse(await previewOf(name))));

const heading = {
  project: "berth",
  stack: "prod",
  commit: "0123456789abcdef0123456789abcdef01234567",
  log: "https://forge.example/runs/7",
};

describe("the comment of a preview", () => {
  test.each(["nothing", "app", "type", "location", "reinstall", "rename", "volume", "failed"])(
    "of the change %s is as it was read and found good",
    async (name) => {
      await expect(render(heading, await changesIn(name))).toMatchFileSnapshot(`comments/${name}.md`);
    },
  );

  test.each<[string, HostChange["doings"]]>([
    ["nothing", ["nothing"]],
    ["app", ["switch"]],
    ["type", ["power off and on", "switch"]],
    ["location", ["REPLACE"]],
    ["reinstall", ["REINSTALL"]],
    ["volume", ["change"]],
  ])("says of the change %s that the host gets %j", async (name, doings) => {
    const { hosts } = await changesIn(name);
    expect(hosts.map(({ host, doings }) => [host, doings])).toEqual([["web1", doings]]);
  });

  test("has the host that is deleted before the one that is installed in its place", async () => {
    const { hosts } = await changesIn("rename");
    expect(hosts.map(({ host, doings }) => [host, doings])).toEqual([
      ["web1", ["DELETE"]],
      ["web2", ["INSTALL"]],
    ]);
  });

  test.each([
    ["nothing", false],
    ["app", false],
    ["type", false],
    ["volume", false],
    ["location", true],
    ["reinstall", true],
    ["rename", true],
  ])("of the change %s warns of a loss: %s", async (name, warns) => {
    expect(render(heading, await changesIn(name)).includes("[!CAUTION]")).toBe(warns);
  });

  test("is found again by its first line, which no name can forge", () => {
    expect(markOf({ project: "a", stack: "b" })).toBe("<!-- berth preview of a/b -->");
    expect(markOf({ project: "a/b -->", stack: "c\n" })).toBe("<!-- berth preview of a%2Fb%20--%3E/c%0A -->");
  });
});

test("a warning about a host stands in its row, without the word that pulumi puts before it", async () => {
  const preview = previewJson.parse(JSON.parse(await previewOf("app")));
  preview.diagnostics?.push({ severity: "warning", message: "warning: web1: it was rolled back by hand\n" });
  expect(changesOf(preview).hosts[0]?.told).toContain("it was rolled back by hand");
});

test("a preview that did not get as far as to print anything is told in what pulumi said", () => {
  const { whole, errors } = read("", "error: could not decrypt: incorrect passphrase\n");
  expect({ whole, errors }).toEqual({
    whole: false,
    errors: ["error: could not decrypt: incorrect passphrase"],
  });
  expect(read("{}", "error: the plugin crashed").whole).toBe(false);
  expect(read("{}", "warning: a new version of Pulumi").whole).toBe(true);
});

describe("what somebody else named", () => {
  const resource = (host: string, told: string, causes: string[]) => ({
    whole: true,
    errors: [],
    others: [],
    told: [],
    hosts: [
      {
        host,
        doings: ["switch" as const],
        told: [told],
        health: [],
        steps: [{ op: "update" as const, what: "release", name: `${host}-deployment`, causes, loses: false }],
      },
    ],
  });

  test.each([
    ["a mention", "@everyone"],
    ["a link", "[x](https://evil.example)"],
    ["a tag", "<img src=x>"],
    ["a bar", "a | b"],
    ["backticks", "`` ` ```"],
    ["lines", "a\n\n# heading"],
    ["the end of a fold", "</details>"],
  ])("is text and nothing else, though it is %s", (_, evil) => {
    const body = render(heading, resource("web1", evil, [evil]));
    const outside = body
      .split("\n")
      .filter((line) => line.startsWith("|"))
      .map((line) => line.replaceAll("\\|", "").replaceAll(/(`+)(?!`).*?[^`]\1(?!`)/g, "CODE"));
    const table = outside.join("\n");
    for (const sign of ["@everyone", "](", "<img", "# heading", "</details>"])
      expect(table).not.toContain(sign);
    // Every row has as many cells as the head.
    expect(new Set(outside.map((line) => line.split("|").length))).toEqual(new Set([5]));
  });

  test.each(["@everyone", "[x](https://evil.example)", "<img src=x>", "a | b", "__x__"])(
    "is text and nothing else, though a resource has the type %s",
    (what) => {
      const one = { op: "delete" as const, what, name: "x", causes: ["y"], loses: true };
      const body = render(heading, { ...resource("web1", "x", []), hosts: [], others: [one] });
      expect(body).toContain(`> - \`${what}\` \`x\` is deleted`);
      expect(body).toContain(`| delete | \`${what.replaceAll("|", "\\|")}\` \`x\` | \`y\` |`);
    },
  );

  test("is seen by its number where it would turn what follows, or is no text", () => {
    const body = render(heading, resource("web1", "a\u202eb\u0007c", []));
    expect(body).toContain("`a\\u{202e}b\\u{7}c`");
    const failed = { ...resource("web1", "x", []), whole: false, errors: ["a\u2066b\n\tc"] };
    expect(render(heading, failed)).toContain("\na\\u{2066}b\n\tc\n");
  });

  test("never makes a comment longer than a forge takes, and what is left out is said", () => {
    fc.assert(
      fc.property(
        fc.array(
          fc.record({ cause: fc.string({ maxLength: 5_000 }), more: fc.integer({ min: 0, max: 400 }) }),
          {
            maxLength: 30,
          },
        ),
        (hosts) => {
          const body = render(heading, {
            ...resource("web1", "x", []),
            hosts: hosts.flatMap(
              ({ cause, more }) => resource("web1", cause, Array(more).fill(cause.slice(0, 100))).hosts,
            ),
          });
          expect(body.length).toBeLessThanOrEqual(65_536);
          expect(body).toContain("the whole log");
        },
      ),
      { numRuns: 30 },
    );
    const long = render(heading, {
      ...resource("web1", "x", []),
      hosts: Array.from({ length: 900 }, (_, at) => at).flatMap(
        (at) => resource(`web${at}`, "x".repeat(60), ["y"]).hosts,
      ),
    });
    expect(long.length).toBeLessThanOrEqual(65_536);
    expect(long).toContain("too long for a comment; they are in the log");
  });
});
