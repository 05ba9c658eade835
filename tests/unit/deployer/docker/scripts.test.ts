import { execFileSync, spawnSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  dockerScript,
  dockerScripts,
  parseAnswer,
  restoreScript,
} from "../../../../deployer/docker/script.ts";
import { renderDocument } from "../../../../deployer/remote/scripts.ts";
import { shells } from "../../shells.ts";

const folder = new URL("../../../../deployer/remote/", import.meta.url).pathname;
const lib = readFileSync(join(folder, "docker-lib.sh"), "utf8");

/** Text of one line with all that shells stumble over. */
const line = fc
  .string({
    unit: fc.oneof(
      fc.constantFrom(..."='\"\\$`!*~%&;|<>(){}[]#- \t"),
      fc.constantFrom("---", "\\n", "%s", "é", "🦭", "@SECRETS@"),
      fc.string({ unit: "grapheme", minLength: 1, maxLength: 1 }),
    ),
  })
  .filter((text) => !/[\r\n\0]/.test(text));

test("the scripts are those that are asked for, their library, and what they leave on the host", () => {
  const files = readdirSync(folder).filter((name) => name.startsWith("docker-"));
  const asked = [...dockerScripts, "lib", "compose-lib", "proxy", "restore"].map(
    (name) => `docker-${name}.sh`,
  );
  expect(files.toSorted()).toEqual(asked.toSorted());
});

describe.each(shells)("under %s", (shell) => {
  test("every script is well formed behind its library", async () => {
    for (const text of [...(await Promise.all(dockerScripts.map(dockerScript))), await restoreScript()])
      expect(spawnSync(shell, ["-n", "-c", text], { encoding: "utf8" }).stderr).toBe("");
  });

  test("a document is read as it was given, its words as arguments, and what follows is left over", () => {
    const script = `${lib}\nprintf '%s\\0' "$doc_image" "$doc_body" "$doc_env" "$#" "$@"; cat`;
    const document = fc.record({ image: line, body: line, env: fc.array(line), arg: fc.array(line) });
    fc.assert(
      fc.property(document, line, (given, rest) => {
        const seen = execFileSync(shell, ["-c", script], {
          input: renderDocument(given, rest),
          encoding: "utf8",
        });
        const env = given.env.map((one) => `${one}\n`).join("");
        const values = [given.image, given.body, env, given.arg.length, ...given.arg];
        expect(seen).toBe(values.map((value) => `${value}\0`).join("") + rest);
      }),
      { numRuns: 25 },
    );
  });

  test.each([
    ["half a document", "service=site\nseco", "the document was cut off"],
    ["a key that there is not", "command=reboot\n---\n", "unknown key in the document: command"],
    ["a name that leads elsewhere", "service=../etc\n---\n", "bad name: ../etc"],
  ])("%s is refused", (_, input, because) => {
    const ended = spawnSync(shell, ["-c", lib], { input, encoding: "utf8" });
    expect(ended.status).toBe(64);
    expect(ended.stderr).toContain(because);
  });
});

test("an answer is its lines of key=value, several of a key in order, and nothing else", () => {
  const answer = parseAnswer('engine=26 linux amd64\nnoise\nport={"a":"b=c"}\nport=2\n=x\n');
  expect([...answer]).toEqual([
    ["engine", ["26 linux amd64"]],
    ["port", ['{"a":"b=c"}', "2"]],
  ]);
});
