import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { evaluateImages, imageSelection } from "../../../../deployer/nix/evaluate-images.ts";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "berth-evaluate-"));
  vi.stubEnv("PATH", `${folder}${delimiter}${process.env.PATH}`);
  program("nix-store", "");
});
afterEach(() => {
  vi.unstubAllEnvs();
  rmSync(folder, { recursive: true });
});

function program(name: string, script: string): void {
  writeFileSync(join(folder, name), `#!/bin/sh\n${script}\n`);
  chmodSync(join(folder, name), 0o755);
}
/** A Nix whose flake's packages evaluate to this. */
function nix(evaluated: unknown, hash = "sha256-one"): void {
  writeFileSync(join(folder, "metadata"), JSON.stringify({ locked: { narHash: hash } }));
  writeFileSync(join(folder, "evaluated"), JSON.stringify(evaluated));
  program(
    "nix",
    `case $1 in
      --version) echo 'nix (Nix) 2.26.3' ;;
      flake) cat ${folder}/metadata ;;
      eval) echo "$5 $6" >>${folder}/asked; cat ${folder}/evaluated ;;
    esac`,
  );
}
const asked = () =>
  existsSync(join(folder, "asked")) ? readFileSync(join(folder, "asked"), "utf8").match(/#packages/g) : null;

const store = (letter: string, name: string) => `/nix/store/${letter.repeat(32)}-${name}`;
const site = { system: "x86_64-linux", name: "site-image" } as const;
const image = {
  drvPath: store("a", "site.drv"),
  out: store("b", "site"),
  facts: { port: 8080, health: { path: "/healthz" } },
  created: "1970-01-01T00:00:01Z",
};
const evaluate = (...wanted: Parameters<typeof evaluateImages>[1]) =>
  evaluateImages("path:./site", wanted, { cwd: folder, remembered: join(folder, "kept") });

test("the images of a stack are one evaluation, and none while the flake's content stays the same", async () => {
  nix({ "packages.x86_64-linux.site-image": image });
  const first = await evaluate(site, site);
  expect(first).toEqual({ "packages.x86_64-linux.site-image": image });
  expect(await evaluate(site)).toEqual(first);
  expect(asked()).toHaveLength(1);
  nix({ "packages.x86_64-linux.site-image": image }, "sha256-two");
  await evaluate(site);
  expect(asked()).toHaveLength(2);
});

test("no image is no evaluation", async () => {
  nix({});
  expect(await evaluate()).toEqual({});
  expect(asked()).toBeNull();
});

test("an answer whose derivation was collected is asked for again", async () => {
  nix({ "packages.x86_64-linux.site-image": image });
  await evaluate(site);
  program("nix-store", `echo ${image.drvPath}`);
  await evaluate(site);
  expect(asked()).toHaveLength(2);
});

test("a package that is not there comes with those that are", async () => {
  nix({ "packages.x86_64-linux.site-image": { instead: ["site", "webecho"] } });
  expect(await evaluate(site)).toEqual({
    "packages.x86_64-linux.site-image": { instead: ["site", "webecho"] },
  });
});

test("what Nix printed is told where it is no JSON", async () => {
  nix({});
  writeFileSync(join(folder, "evaluated"), "hello");
  await expect(evaluate(site)).rejects.toThrow(/printed no JSON:\nhello/);
});

test("what is no image is refused with its place and what an image is", async () => {
  nix({ "packages.x86_64-linux.site-image": { ...image, facts: { port: "80" } } });
  await expect(evaluate(site)).rejects.toThrow(/another shape.*site-image.*streamLayeredImage/s);
});

test("names go into the expression as texts alone", () => {
  const dollar = "$";
  const name = `a"; b = ${dollar}{builtins.abort "x"}`;
  const text = imageSelection([{ system: "x86_64-linux", name }]);
  expect(text).toContain(`name = "a\\"; b = \\${dollar}{builtins.abort \\"x\\"}"`);
});
