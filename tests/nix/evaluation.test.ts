import { chmod, mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { execa } from "execa";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { evaluateSystems } from "../../deployer/nix/evaluate.ts";

/** Systems as a manifest tells them, of plain derivations: `good` and ten more evaluate, `broken` throws, `imported` is imported from what a derivation has built. */
const flake = `{
  outputs = { self }:
    let
      # Not the same as in another test: what is in the store already would show nothing.
      salt = builtins.readFile ./salt;
      derive = name: text: derivation {
        inherit name text;
        system = "SYSTEM";
        builder = "/bin/sh";
        args = [ "-c" "echo \\"$text\\" >$out" ];
        PATH = "/usr/bin:/bin";
        __noChroot = true;
      };
      paths = drv: {
        drvPath = builtins.unsafeDiscardStringContext drv.drvPath;
        out = builtins.unsafeDiscardStringContext drv.outPath;
      };
      host = name: {
        system = "x86_64-linux";
        hostName = name;
        toplevel = paths (derive "system-\${name}" salt);
        diskoScript = paths (derive "disko" salt);
        kexecTarball = null;
        ports = { tcp = [ 22 ]; udp = [ ]; };
        virtualHosts = [ ];
        disks = { };
        requires = { disk = null; memory = null; };
        credentials = { };
        health = [ ];
      };
      numbers = builtins.listToAttrs (builtins.genList (i: { name = "n\${toString i}"; value = host "n\${toString i}"; }) 10);
    in {
      berth.hosts = numbers // {
        good = host "good";
        broken = throw "broken was looked at";
        imported = host (import (derive "name.nix" "''from-a-build''"));
      };
    };
}
`;

const system = `${process.arch === "arm64" ? "aarch64" : "x86_64"}-linux`;

let folder: string;
let remembered: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "berth-evaluation-"));
  remembered = join(folder, "remembered");
  await mkdir(join(folder, "flake"));
  await writeFile(join(folder, "flake", "flake.nix"), flake.replace("SYSTEM", system));
  await writeFile(join(folder, "flake", "salt"), folder);
  await count();
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await rm(folder, { recursive: true });
});

/** Stands before Nix on PATH and notes what is asked of it. */
async function count(): Promise<void> {
  const found = (process.env.PATH ?? "").split(delimiter);
  await mkdir(join(folder, "bin"));
  const script = `#!/bin/sh\necho "$1" >>${folder}/asked\nPATH='${found.join(delimiter)}' exec nix "$@"\n`;
  await writeFile(join(folder, "bin", "nix"), script);
  await chmod(join(folder, "bin", "nix"), 0o755);
  vi.stubEnv("PATH", [join(folder, "bin"), ...found].join(delimiter));
}
const evaluations = async () =>
  (await readFile(join(folder, "asked"), "utf8")).split("\n").filter((verb) => verb === "eval").length;
const evaluate = (...systems: string[]) =>
  evaluateSystems("path:./flake", systems, { cwd: folder, remembered });

test("of a flake's systems those of the stack are evaluated, and the others are known by name", async () => {
  const { hosts, names } = await evaluate("good", "nowhere");
  expect(Object.keys(hosts)).toEqual(["good"]);
  expect(names).toContain("broken");
  expect(names).toHaveLength(13);
  await expect(evaluate("broken")).rejects.toThrow("broken was looked at");
});

test("there is one evaluation, whatever the number of hosts, and none where the content is the same", async () => {
  vi.stubEnv("BERTH_EVAL_JOBS", "1");
  const ten = Array.from({ length: 10 }, (_, index) => `n${index}`);
  const preview = await evaluate(...ten);
  expect(Object.keys(preview.hosts).sort()).toEqual(ten);
  expect(await evaluations()).toBe(1);
  expect(await evaluate(...ten)).toEqual(preview);
  expect(await evaluations()).toBe(1);
});

test("side by side they are the same, each evaluated by one run, and none where the content is the same", async () => {
  const ten = Array.from({ length: 10 }, (_, index) => `n${index}`);
  const { hosts, names } = await evaluateSystems("path:./flake", ten, { cwd: folder });
  const before = await evaluations();
  vi.stubEnv("BERTH_EVAL_JOBS", "2");
  vi.stubEnv("BERTH_EVAL_CHUNK", "3");
  expect(await evaluate(...ten)).toEqual({ hosts, names });
  // The names, and four times three systems or fewer.
  expect((await evaluations()) - before).toBe(5);
  expect(await evaluate(...ten)).toEqual({ hosts, names });
  expect((await evaluations()) - before).toBe(5);
});

test("what throws in one of several runs is what is told", async () => {
  vi.stubEnv("BERTH_EVAL_JOBS", "2");
  vi.stubEnv("BERTH_EVAL_CHUNK", "1");
  await expect(evaluate("good", "broken", "n1")).rejects.toThrow("broken was looked at");
});

test("another content is another evaluation", async () => {
  const before = await evaluate("good");
  await writeFile(join(folder, "flake", "salt"), `${folder} changed`);
  const after = await evaluate("good");
  expect(after.hosts["good"]?.toplevel.out).not.toBe(before.hosts["good"]?.toplevel.out);
  expect(await evaluations()).toBe(2);
});

test("what was collected since is evaluated again, so that it can be built", async () => {
  const { hosts } = await evaluate("good");
  const { drvPath } = hosts["good"]?.toplevel ?? { drvPath: "" };
  await execa("nix-store", ["--delete", drvPath]);
  expect(await evaluate("good")).toEqual({ hosts, names: expect.anything() });
  expect(await evaluations()).toBe(2);
  await execa("nix-store", ["--check-validity", drvPath]);
});

test("a system that is imported from what a derivation builds needs nothing of its own", async () => {
  expect((await evaluate("imported")).hosts["imported"]?.hostName).toBe("from-a-build");
});
