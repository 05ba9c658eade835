import { chmod, mkdir, readFile, writeFile } from "node:fs/promises";
import { delimiter, join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { checkout } from "../../lab/setup/places.mjs";
import { type CloudStack, cloudStack } from "./cloud-stack.ts";

/** Hardware alone: the installation would wait for a machine, and this cloud's servers are only a table. */
const hardware = ["--exclude", "**-installation-install", "--exclude-dependents"];
const hosts = Object.fromEntries(
  Array.from({ length: 5 }, (_, index) => [
    `web${index + 1}`,
    { system: "web", server: { type: "cx23", location: "fsn1" } },
  ]),
);

let stack: CloudStack;
let asked: string;
beforeAll(async () => {
  stack = await cloudStack(join(checkout, ".lab-evaluation"));
  const before = stack.env.PATH ?? "";
  const bin = join(stack.places.folder, "test-bin");
  asked = join(stack.places.folder, "asked");
  await mkdir(bin);
  await writeFile(join(bin, "nix"), `#!/bin/sh\necho "$1" >>${asked}\nPATH='${before}' exec nix "$@"\n`);
  await chmod(join(bin, "nix"), 0o755);
  stack.env.PATH = [bin, before].join(delimiter);
  await stack.configure({ "berth:hosts": hosts });
});
afterAll(() => stack?.[Symbol.asyncDispose]());

const evaluations = async () =>
  (await readFile(asked, "utf8").catch(() => "")).split("\n").filter((verb) => verb === "eval").length;
const run = async (...words: string[]) => {
  const ended = await stack.engine().run(words);
  expect(ended.exitCode, ended.output).toBe(0);
};

test("a preview evaluates once, and so does an update with its own preview, whatever the number of hosts", async () => {
  await run("preview");
  expect(await evaluations()).toBe(1);
  await writeFile(join(stack.places.flake, "site", "changed"), "another content");
  await run("up", "--yes", ...hardware);
  expect(await evaluations()).toBe(2);
  await run("up", "--yes", ...hardware);
  expect(await evaluations()).toBe(2);
});
