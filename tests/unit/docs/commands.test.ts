import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { run } from "../../../deployer/process.ts";

const page = readFileSync(new URL("../../../docs/commands.md", import.meta.url), "utf8");
const command = new URL("../../../bin/berth", import.meta.url).pathname;

/** The sections of the page by verb, e.g. "secrets set". */
const sections = new Map(
  page
    .split(/^#{2,3} /m)
    .filter((section) => section.startsWith("berth "))
    .map((section) => [/^berth (.+)$/m.exec(section)?.[1] ?? "", section] as const),
);

/** The help of the program, or of a verb, as people read it. */
async function helpOf(verb: string): Promise<string> {
  const { stdout, stderr, exitCode } = await run(command, [...verb.split(" ").filter(Boolean), "--help"], {
    deadline: 50_000,
  });
  expect(exitCode, stderr).toBe(0);
  return stdout;
}

/** What stands in a part of a help's text, each term of its left column. */
const terms = (help: string, part: string): string[] => {
  const [, lines = ""] = new RegExp(`^${part}:\\n((?: .*\\n?|\\n(?= ))*)`, "m").exec(help) ?? [];
  return [...lines.matchAll(/^ {2}(\S.*?)(?: {2,}.*)?$/gm)].map(([, term = ""]) => term);
};
const verbsIn = (help: string): string[] =>
  terms(help, "Commands")
    .map((term) => term.split(" ")[0] ?? "")
    .filter((verb) => verb !== "help");
const optionsIn = (help: string): string[] =>
  terms(help, "Options").filter((option) => option !== "-h, --help");

test("the page has every verb of the program, in any order, and none more", async () => {
  const known = [...sections.keys()];
  const ofVerbs = known.filter((verb) => verb.includes(" "));
  expect(known.filter((verb) => !ofVerbs.includes(verb)).toSorted()).toEqual(
    verbsIn(await helpOf("")).toSorted(),
  );
});

test("the page tells the program's own option", async () => {
  const options = optionsIn(await helpOf(""));
  expect(options).toEqual(["-s, --stack <name>"]);
  for (const option of options) expect(page).toContain(`\`${option}\``);
});

test.each([...sections])(
  "berth %s: its arguments, its options and its own verbs are those on the page, and none more",
  async (verb, section) => {
    const help = await helpOf(verb);
    const usage = /^Usage: (.+)$/m.exec(help)?.[1]?.replace(" [options]", "").replace(" [command]", "");
    expect(section).toContain(`\n\`${usage}\`:`);
    const told = [...section.matchAll(/^\| `(-[^`]+)` \|/gm)].map(([, option = ""]) => option);
    expect(told.toSorted()).toEqual(optionsIn(help).toSorted());
    const below = [...sections.keys()].filter((other) => other.startsWith(`${verb} `));
    expect(below).toEqual(verbsIn(help).map((one) => `${verb} ${one}`));
  },
);
