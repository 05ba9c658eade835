import { chmod, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { execa } from "execa";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import type { Derivation } from "../../deployer/nix/build.ts";
import { BuildQueue } from "../../deployer/nix/queue.ts";

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "berth-builds-"));
  const found = process.env.PATH ?? "";
  const script = `#!/bin/sh\necho "$1" >>${folder}/asked\nPATH='${found}' exec nix "$@"\n`;
  await writeFile(join(folder, "nix"), script);
  await chmod(join(folder, "nix"), 0o755);
  vi.stubEnv("PATH", [folder, found].join(delimiter));
  vi.stubEnv("NIX_CONFIG", "max-jobs = 4");
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await rm(folder, { recursive: true });
});

const buildsAsked = async () =>
  (await readFile(join(folder, "asked"), "utf8")).split("\n").filter((verb) => verb === "build").length;

/** Systems by host, each of an app of its own or of one that they share; an app's script may fail, and notes that it ran. */
async function systems(
  apps: Record<string, string>,
  uses: Record<string, string>,
): Promise<Record<string, Derivation>> {
  const text = `
    let derive = name: attributes: script: derivation (attributes // {
      inherit name;
      salt = "${folder}";
      system = builtins.currentSystem;
      builder = "/bin/sh";
      args = [ "-c" script ];
      PATH = "/usr/bin:/bin";
      __noChroot = true;
    });
    apps = { ${Object.entries(apps)
      .map(
        ([name, script]) =>
          `${name} = derive "${name}" { } "echo ${name} >>${folder}/ran; ${script}; echo >$out";`,
      )
      .join(" ")} };
    in { ${Object.entries(uses)
      .map(
        ([host, app]) =>
          `${host} = derive "system-${host}" { app = apps.${app}; } "echo ${host} $app >$out";`,
      )
      .join(" ")} }`;
  await writeFile(join(folder, "systems.nix"), text);
  const found = Object.keys(uses).map(async (host) => {
    const { stdout: drvPath } = await execa("nix-instantiate", [join(folder, "systems.nix"), "--attr", host]);
    const { stdout: out } = await execa("nix-store", ["--query", "--outputs", drvPath]);
    return [host, { drvPath, out }] as const;
  });
  return Object.fromEntries(await Promise.all(found));
}

const options = { deadline: 60_000 };

test("what several hosts ask for at once is one build, and what they share is built once", async () => {
  const hosts = await systems({ site: "sleep 0.1" }, { web1: "site", web2: "site", web3: "site" });
  const queue = new BuildQueue();
  await Promise.all(Object.entries(hosts).map(([host, system]) => queue.build(host, system, options)));
  expect(await buildsAsked()).toBe(1);
  expect(await readFile(join(folder, "ran"), "utf8")).toBe("site\n");
  for (const { out } of Object.values(hosts)) await execa("nix-store", ["--check-validity", out]);
});

test("a host whose build fails is named with its own log, the others are built", async () => {
  const hosts = await systems(
    { good: "true", bad: "echo it broke; exit 3", worse: "echo it burst; exit 4" },
    { web1: "good", web2: "bad", web3: "worse" },
  );
  const queue = new BuildQueue();
  const ended = await Promise.all(
    Object.entries(hosts).map(([host, system]) =>
      queue.build(host, system, options).then(
        () => "built",
        (error: Error) => error.message,
      ),
    ),
  );
  expect(ended[0]).toBe("built");
  expect(ended[1]).toMatch(/^build web2 \(.*\): the build failed\nbad> it broke\n/);
  expect(ended[1]).not.toContain("burst");
  expect(ended[2]).toMatch(/^build web3 .*\nworse> it burst\n/);
  expect(await buildsAsked()).toBe(1);
});

test("a host goes on as soon as its own system is there, and hears no more of the others", async () => {
  const hosts = await systems({ quick: "true", slow: "sleep 4" }, { web1: "quick", web2: "slow" });
  const queue = new BuildQueue();
  const told: string[] = [];
  const started = Date.now();
  const [first, second] = [hosts["web1"], hosts["web2"]];
  if (!first || !second) throw new Error("both were asked for");
  const slow = queue.build("web2", second, options);
  await queue.build("web1", first, { ...options, onProgress: (line) => told.push(line) });
  const quick = Date.now() - started;
  const toldUntilThen = told.length;
  await slow;
  expect(Date.now() - started - quick).toBeGreaterThan(1_000);
  expect(told).toHaveLength(toldUntilThen);
  expect(await buildsAsked()).toBe(1);
});

test("a build that nobody waits for any more is ended", async () => {
  const hosts = await systems({ endless: "sleep 300" }, { web1: "endless" });
  const cancel = new AbortController();
  const system = hosts["web1"];
  if (!system) throw new Error("it was asked for");
  const building = new BuildQueue().build("web1", system, { ...options, signal: cancel.signal });
  await expect.poll(() => readFile(join(folder, "ran"), "utf8").catch(() => "")).toBe("endless\n");
  cancel.abort(new Error("cancelled"));
  await expect(building).rejects.toThrow("cancelled");
  const left = async () =>
    (await execa("pgrep", ["-f", `echo endless >>${folder}`], { reject: false })).stdout;
  await expect.poll(left, { timeout: 10_000 }).toBe("");
});
