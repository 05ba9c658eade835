import { mkdirSync, mkdtempSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { chooseFlake } from "../../../cli/deploy.ts";

const folder = mkdtempSync(join(tmpdir(), "berth-flake-"));
mkdirSync(join(folder, "infra/systems"), { recursive: true });
symlinkSync(join(folder, "infra"), join(folder, "link"));
const infra = join(folder, "infra");

test.each([
  ["the stack's, where none is named", `path:${infra}`, undefined, infra],
  [
    "the stack's, in a folder of a repository",
    `git+file://${infra}?dir=systems`,
    undefined,
    `${infra}/systems`,
  ],
  ["the one that is named, where it is the stack's", infra, infra, infra],
  ["the same by another way", `path:${infra}`, join(folder, "link"), join(folder, "link")],
  ["the one that is named, where the configuration says nothing", undefined, infra, infra],
  ["the project's, where nobody says anything", undefined, undefined, process.cwd()],
  ["the project's, where the stack says so", ".", undefined, process.cwd()],
])("an input is changed in %s", (_, own, wanted, expected) => {
  expect(chooseFlake(own, wanted)).toBe(expected);
});

test.each([
  ["another than the stack's", `path:${infra}`, folder, /the stack's flake is another one, path:/],
  [
    "none of this machine's",
    "github:example/infra",
    infra,
    /the stack's flake is github:example\/infra, which is no folder here/,
  ],
  ["none that could be changed", "git+ssh://git@example.org/infra", undefined, /which is no folder here/],
])("nothing is pushed for a flake that is %s", (_, own, wanted, message) => {
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  expect(() => chooseFlake(own, wanted)).toThrow(message);
});
