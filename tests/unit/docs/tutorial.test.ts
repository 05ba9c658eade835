import { readFileSync } from "node:fs";
import { join } from "node:path";
import { execa } from "execa";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { parseStackConfig } from "../../../config/stack.ts";
import { checkout } from "../../../lab/setup/places.mjs";
import { blocksOf, commandsIn, missingIn, stepsOf } from "../../e2e/tutorial/blocks.ts";
import { atHetzner, inTheLab, pulumiOptions } from "../../e2e/tutorial/page.ts";

const fence = "```";

describe("blocks of a page", () => {
  test("are told with their language, place and section", () => {
    const page = `${fence}\nnone\n${fence}\n## One \n${fence}sh\na\n\nb\n${fence}\n### Deeper\n~~~ text\n${fence}\n~~~\n## Two\n`;
    expect(blocksOf(page)).toEqual([
      { language: "", text: "none", section: "", line: 1 },
      { language: "sh", text: "a\n\nb", section: "One", line: 5 },
      { language: "text", text: fence, section: "One", line: 11 },
    ]);
  });

  test("may have headings and shorter fences in them", () => {
    expect(blocksOf(`${fence}\`\n## no\n${fence}sh\n${fence}\n${fence}\`\n`)).toEqual([
      { language: "", text: `## no\n${fence}sh\n${fence}`, section: "", line: 1 },
    ]);
  });

  test("one without an end is an error", () => {
    expect(() => blocksOf(`a\n${fence}sh\nb`)).toThrow("line 2 has no end");
  });

  test("come back as they were put in, whatever they say", () => {
    const text = fc
      .array(fc.string().filter((line) => !/[\r\n`~]/.test(line)))
      .map((lines) => lines.join("\n"));
    fc.assert(
      fc.property(fc.array(text), (texts) => {
        const page = texts.map((one) => `prose\n\n${fence}sh\n${one}\n${fence}\n`).join("\n");
        expect(blocksOf(page).map((block) => block.text)).toEqual(texts);
      }),
    );
  });
});

describe("steps of a page", () => {
  const page = (between: string) =>
    `${fence}sh\na   # fails\n${fence}\n${between}${fence}text\nx\n\ny …\n${fence}\n`;

  test("show what the block behind them says", () => {
    expect(stepsOf(page("\n"))).toMatchObject([{ text: "a   # fails", fails: true, shows: ["x", "y …"] }]);
  });
  test("show nothing where something else is between", () => {
    expect(stepsOf(page("But:\n"))).toMatchObject([{ shows: [] }]);
  });
  test.each([
    ["a # fails", true],
    ["a   # fails, as it should", true],
    ["a # never fails", false],
    ["a '#fails'", false],
  ])("%s: fails %s", (text, fails) => {
    expect(stepsOf(`${fence}sh\n${text}\n${fence}`)[0]?.fails).toBe(fails);
  });
});

describe("what is missing in an output", () => {
  test.each<[string, string[], string[]]>([
    ["a\nb\nc", ["a", "c"], []],
    ["a\nb", ["b", "a"], ["a"]],
    ["  a   b ", ["a b"], []],
    ["a (12.3 s)", ["a (… s)"], []],
    ["xa", ["a"], ["a"]],
    ["a.b", ["a?b"], ["a?b"]],
    ["", ["…"], []],
  ])("%j shows %j but for %j", (output, shows, missing) => {
    expect(missingIn(output, shows)).toEqual(missing);
  });
});

describe("commands", () => {
  test.each<[string, string[][]]>([
    ["a b  c", [["a", "b", "c"]]],
    ["a # b; c\nd", [["a"], ["d"]]],
    ["a 'b; c' && d \"e | f\" | g", [["a", "b; c"], ["d", "e | f"], ["g"]]],
    ["a \\\n  b", [["a", "b"]]],
    ["a#b", [["a#b"]]],
  ])("%j", (text, commands) => {
    expect(commandsIn(text)).toEqual(commands);
  });
});

describe("the tutorial", () => {
  test("has a part for the lab and one for Hetzner, and no command elsewhere", () => {
    expect(inTheLab.length).toBeGreaterThan(8);
    expect(atHetzner.length).toBeGreaterThan(4);
  });

  test.each([...inTheLab, ...atHetzner])("line $line is a shell's", async ({ text }) => {
    const { exitCode, stderr } = await execa("bash", ["-n"], { input: text, reject: false });
    expect([exitCode, stderr]).toEqual([0, ""]);
  });

  const commands = [...inTheLab, ...atHetzner].flatMap(({ text }) => commandsIn(text));
  const of = (program: string) => commands.filter(([name]) => name === program).map(([, ...words]) => words);

  test("its verbs and options of berth are there", async () => {
    const used = of("npx").map(([name, verb = "", ...words]) => {
      expect(name).toBe("berth");
      // What is behind the command of `berth ssh HOST` is not berth's.
      return { verb, options: verb === "ssh" ? [] : words.filter((word) => word.startsWith("-")) };
    });
    expect(used.length).toBeGreaterThan(4);
    for (const { verb, options } of used) {
      const { exitCode, stdout } = await execa(join(checkout, "bin/berth"), [verb, "--help"], {
        reject: false,
      });
      expect([verb, exitCode]).toEqual([verb, 0]);
      expect(stdout).toContain(`Usage: berth ${verb}`);
      for (const option of options) expect(stdout).toMatch(new RegExp(`(^|[ ,])${option}\\b`, "m"));
    }
  });

  test("its scripts of npm are there", () => {
    const { scripts } = JSON.parse(readFileSync(join(checkout, "package.json"), "utf8"));
    for (const words of of("npm")) {
      const [verb, name] = words.filter((word) => !word.startsWith("-"));
      if (verb === "run") expect(scripts).toHaveProperty([name ?? ""]);
      else expect(["ci", "start"]).toContain(verb);
    }
  });

  test("its verbs and options of pulumi are among those that the engine is asked for", () => {
    for (const words of of("pulumi")) {
      const verb = Object.keys(pulumiOptions).find((one) => `${words.join(" ")} `.startsWith(`${one} `));
      expect([words, verb]).toEqual([words, expect.any(String)]);
      const options = words.filter((word) => word.startsWith("-"));
      expect(pulumiOptions[verb ?? ""]).toEqual(expect.arrayContaining(options));
    }
  });

  test("what it sets is a stack without a mistake", () => {
    const raw: Record<string, unknown> = {};
    for (const [, , ...words] of of("pulumi").filter(([verb]) => verb === "config")) {
      const [key = "", value] = words.filter((word) => !word.startsWith("--"));
      if (key.startsWith("berth:")) put(raw, key.slice("berth:".length), value ?? "");
    }
    expect(raw).toMatchObject({ hosts: { web1: { system: "web" } }, protect: false });
    expect(parseStackConfig("prod", raw).problems).toEqual([]);
  });
});

/** As `pulumi config set --path` does: "a.b[0]". */
function put(into: Record<string, unknown>, path: string, value: string): void {
  const keys = path.split(/[.[\]]+/).filter((key) => key !== "");
  let at: Record<string, unknown> = into;
  for (const [index, key] of keys.slice(0, -1).entries()) {
    at[key] ??= /^\d+$/.test(keys[index + 1] ?? "") ? [] : {};
    at = at[key] as Record<string, unknown>;
  }
  at[keys.at(-1) ?? ""] =
    value === "false"
      ? false
      : value.startsWith("$(")
        ? "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIHmbCxm7I9nRzlBRVPD4Y9kKLcFYDjTQ0VlQTsfpH0Pf"
        : value;
}
