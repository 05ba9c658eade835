import { execFileSync } from "node:child_process";
import fc from "fast-check";
import { expect, test } from "vitest";
import { exportLines, quote } from "../../../lab/setup/quoting.mjs";

test("plain words stay as they are", () => {
  expect(["nix", "file:///a/b-c_d.e", "KEY=1", "a:b"].map(quote)).toEqual([
    "nix",
    "file:///a/b-c_d.e",
    "KEY=1",
    "a:b",
  ]);
});

test("a POSIX shell reads every quoted word back unchanged", () => {
  const word = fc.string({ unit: "binary" }).map((text) => text.replaceAll("\0", ""));
  fc.assert(
    fc.property(fc.array(word, { minLength: 1, maxLength: 20 }), (words) => {
      const script = `printf '%s\\0' ${words.map(quote).join(" ")}`;
      const read = execFileSync("sh", ["-c", script], { encoding: "utf8" }).split("\0").slice(0, -1);
      expect(read).toEqual(words.map((text) => text.toWellFormed()));
    }),
    { numRuns: 20 },
  );
});

test("a shell that evaluates the export lines has the variables", () => {
  const lines = exportLines({ PLAIN: "x", HARD: 'it\'s $HOME `id`\nand "more"' });
  const read = execFileSync("sh", ["-c", `eval "$1"; printf '%s|%s' "$PLAIN" "$HARD"`, "sh", lines], {
    encoding: "utf8",
  });
  expect(read).toBe('x|it\'s $HOME `id`\nand "more"');
});
