import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { buildThere } from "../../../cli/diff-builds.ts";
import { Programs } from "../provider/programs.ts";

const programs = new Programs();
const builder = { name: "arm", address: "198.51.100.9", port: 22, user: "nix", hostKey: "ssh-ed25519 AAAA" };
const wanted = (host: string, on?: typeof builder) => ({
  host,
  drvPath: `/nix/store/${host}.drv`,
  out: `/nix/store/${host}`,
  builder: on,
});

test("systems are built on their builder and brought back from there, and those without one are built here", async () => {
  programs.playSsh("exit 0");
  programs.play(
    "nix",
    `echo "$*" >>${programs.folder}/asked
    case "$*" in build*) for one; do case "$one" in *.drv^out) one=\${one%^out}; echo "\${one%.drv}" ;; esac; done ;; esac`,
  );
  const told: string[] = [];
  await buildThere("prod", [wanted("web1"), wanted("pi", builder)], undefined, (line) => told.push(line));
  const asked = readFileSync(join(programs.folder, "asked"), "utf8").trim().split("\n");
  const store = "ssh-ng://berth-prod-builder-arm";
  const of = (host: string) => asked.filter((line) => line.includes(`/nix/store/${host}`));
  expect(of("web1")).toHaveLength(1);
  expect(of("web1")[0]).not.toContain("--store");
  expect(of("pi").map((line) => [line.split(" ")[0], line.includes(store)])).toEqual([
    ["copy", true],
    ["build", true],
    ["copy", true],
  ]);
  expect(told.join("\n")).toContain("builder-arm");
  expect(told.join("\n")).not.toContain("Next:");
});

test("what cannot be built is told, and ends nothing", async () => {
  programs.play("nix", `echo 'error: no such file' >&2; exit 1`);
  const told: string[] = [];
  await buildThere("prod", [wanted("web2")], undefined, (line) => told.push(line));
  expect(told.join("\n")).toContain("build web2 (/nix/store/web2.drv): the build failed");
});
