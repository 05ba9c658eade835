import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execa } from "execa";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { hostNames, separated, stackIn, stackNames } from "../../../cli/completion.ts";

const command = new URL("../../../bin/berth", import.meta.url).pathname;

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "berth-completion-"));
  const hosts = (...names: string[]) =>
    `config:\n  berth:hosts:\n${names.map((name) => `    ${name}: { system: web }\n`).join("")}`;
  const files = {
    "Pulumi.yaml": "name: site\n",
    "Pulumi.prod.yaml": hosts("web1", "db1"),
    "Pulumi.staging.yaml": hosts("web1", "try1"),
    "Pulumi.broken.yaml": "config: [\n",
  };
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);
});
afterAll(() => rmSync(folder, { recursive: true }));

/** What a shell is offered for a line, without the explanations. */
async function offered(...words: string[]): Promise<string[]> {
  const { stdout } = await execa(command, ["complete", "--", ...words], { cwd: folder });
  const lines = stdout.split("\n").filter((line) => line !== "" && !line.startsWith(":"));
  return lines.map((line) => line.split("\t")[0] ?? "");
}

describe("a shell is offered", () => {
  test.each<[string, string[], string[]]>([
    ["verbs by their beginning", ["ro"], ["rollback"]],
    ["a verb's options", ["check", "--js"], ["--json"]],
    ["stacks", ["-s", ""], ["broken", "prod", "staging"]],
    ["hosts of all stacks", ["ssh", ""], ["db1", "try1", "web1"]],
    ["hosts of the stack that is named", ["-s", "prod", "ssh", ""], ["db1", "web1"]],
    ["hosts by their beginning", ["--stack=staging", "unlock", "tr"], ["try1"]],
    ["an option's choices", ["init", "--on", ""], ["hetzner", "existing", "containers", "fly"]],
  ])("%s", async (_name, words, expected) => {
    expect(await offered(...words)).toEqual(expected);
  });

  test.each(["bash", "zsh", "fish"])("a script for %s that asks this command", async (shell) => {
    const { stdout } = await execa(command, ["complete", shell], { cwd: folder });
    expect(stdout).toMatch(/berth complete -- /);
    if (shell === "bash") await execa("bash", ["-n"], { input: stdout });
  });
});

test.each<[string[], string | undefined]>([
  [["node", "berth", "complete", "--", "-s", "prod", "ssh", ""], "prod"],
  [["node", "berth", "complete", "--", "--stack=prod", "ssh", ""], "prod"],
  [["node", "berth", "complete", "--", "ssh", ""], undefined],
])("the stack in %j is %s", (words, expected) => {
  expect(stackIn(separated(words))).toBe(expected);
});

test("other verbs get their words as they are, and so does the word that is being typed", () => {
  const up = ["node", "berth", "up", "--", "--target=x"];
  expect(separated(up)).toEqual(up);
  const typing = ["node", "berth", "complete", "--", "--stack=pr"];
  expect(separated(typing)).toEqual(typing);
});

test("outside of a project there is nothing, and no error", () => {
  expect([stackNames(tmpdir()), hostNames(tmpdir(), undefined)]).toEqual([[], []]);
});
