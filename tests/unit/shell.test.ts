import { execFileSync, spawnSync } from "node:child_process";
import { lstatSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";

const checkout = new URL("../..", import.meta.url).pathname;

/** Every shell script of the project: known by its first line, for not all of them have an extension. */
function scripts(): string[] {
  const files = execFileSync("git", ["ls-files", "-z"], { cwd: checkout, encoding: "utf8" }).split("\0");
  return files.filter((file) => {
    if (file === "" || /\.(ts|mjs|md|nix|json)$/.test(file)) return false;
    // A link's target is on the machine that the file is for.
    if (!lstatSync(join(checkout, file)).isFile()) return false;
    return /^#!\/bin\/(sh|bash)\b/.test(readFileSync(join(checkout, file), "utf8").slice(0, 64));
  });
}

test("every shell script is POSIX sh, stops at errors and is clean under shellcheck", (context) => {
  const files = scripts();
  expect(files.length).toBeGreaterThan(10);
  for (const file of files) {
    const text = readFileSync(join(checkout, file), "utf8");
    expect(text, file).toMatch(/^#!\/bin\/sh\n/);
    expect(text, `${file} has no set -eu`).toMatch(/^set -eu$/m);
  }
  const checked = spawnSync("shellcheck", files, { cwd: checkout, encoding: "utf8" });
  if (checked.error) context.skip("shellcheck is not on PATH");
  expect(checked.stdout).toBe("");
});
