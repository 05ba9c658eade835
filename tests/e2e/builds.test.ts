import { readdirSync, readlinkSync } from "node:fs";
import { mkdtemp, readFile } from "node:fs/promises";
import { join } from "node:path";
import { execa } from "execa";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { HostManifest } from "../../config/manifest.ts";
import { CachePushes } from "../../deployer/nix/cache.ts";
import { type Hooks, type Release, release } from "../../deployer/release/release.ts";
import type { SshSession } from "../../deployer/ssh/session.ts";
import { type Lab, reset, up } from "../../lab/lab.ts";
import { checkout } from "../../lab/setup/places.mjs";
import { buildHooks } from "../../provider/resources/builds.ts";
import { closeSessions } from "../../provider/resources/sessions.ts";
import { builtSystem, LabServer } from "./installing.ts";

/** A lab of this file's own: a host, and a machine that is builder and cache. */
const folder = join(checkout, ".lab-builds");
const cachePort = 8099;
let lab: Lab;
let web: HostManifest;
let host: LabServer;
let helper: LabServer;
let session: SshSession;
let roots: string;

beforeAll(async () => {
  await reset({ folder });
  lab = await up({ folder });
  Object.assign(process.env, lab.env);
  web = await builtSystem(lab);
  [host, helper] = await Promise.all([
    LabServer.order(lab, web, "web1"),
    LabServer.order(lab, web, "helper"),
  ]);
  await Promise.all([host.answers(), helper.answers(), prepareHelper()]);
  const installed = await host.start(host.document());
  if (installed.exitCode !== 0) throw new Error(installed.all);
  session = await host.session();
  roots = join(await mkdtemp(join(folder, "roots-")), "web1");
});
afterAll(async () => {
  await closeSessions();
  await session?.close();
  await reset({ folder });
});

/** What a fresh Debian lacks for building: as root, without a sandbox. And the cache's server. */
async function prepareHelper(): Promise<void> {
  await helper.answers();
  const connection = await helper.session("bootstrap");
  const settings = await readFile(join(checkout, "lab/system/nix.conf"), "utf8");
  const server = await readFile(join(checkout, "tests/e2e/cache-server.mjs"), "utf8");
  const put = async (path: string, input: string) => {
    const ended = await connection.sh(`mkdir -p "$(dirname ${path})"; cat >${path}`, {
      deadline: 30_000,
      input,
    });
    if (ended.exitCode !== 0) throw new Error(ended.stderr);
  };
  await put("/etc/nix/nix.conf", settings);
  await put("/root/cache/server.mjs", server);
  await connection.close();
  await startCache();
}
const startCache = () =>
  helper.sh(
    "bootstrap",
    `mkdir -p /root/cache/store; systemd-run --quiet --unit=cache -p StandardOutput=file:/root/cache/log /usr/local/bin/node /root/cache/server.mjs ${cachePort} /root/cache/store`,
  );
const cacheUrl = () => `http://${helper.ipv4}:${cachePort}`;

let serial = 0;
/** Another release of the system, not built yet: the same in all but its own path. */
async function variant(script = ":"): Promise<{ drvPath: string; toplevel: string }> {
  const builder = `
    ${script}
    mkdir -p $out/bin
    for entry in $base/*; do [ "\${entry##*/}" = bin ] || ln -s "$entry" $out/; done
    rm $out/init $out/activate
    for file in init activate bin/switch-to-configuration bin/install-boot-loader; do
      sed "s|$base|$out|g" $base/$file >$out/$file
      chmod +x $out/$file
    done`;
  const name = `nixos-system-web-${process.pid}-${Date.now()}-${++serial}`;
  const text = JSON.stringify(`set -e; PATH=/usr/bin:/bin\n${builder}`).replaceAll("${", "\\${");
  const expression = `derivation { name = "${name}"; system = builtins.currentSystem; builder = "/bin/sh"; args = [ "-c" ${text} ]; base = builtins.storePath "${web.toplevel.out}"; }`;
  const { stdout: drvPath } = await execa("nix-instantiate", ["--expr", expression]);
  const { stdout: toplevel } = await execa("nix-store", ["--query", "--outputs", drvPath]);
  return { drvPath, toplevel };
}

/** What was said in the course of a release. */
interface Told {
  steps: string[];
  warnings: string[];
}

async function deploy(
  wanted: { drvPath: string; toplevel: string },
  more: Partial<Release> = {},
  hooks: Partial<Hooks> = {},
): Promise<Told> {
  const told: Told = { steps: [], warnings: [] };
  await release(
    session,
    { ...wanted, system: web.system, health: [], healthDeadline: 20, owner: "test", ...more },
    { status: (line) => told.steps.push(line), warn: (line) => told.warnings.push(line), ...hooks },
  );
  expect(await host.sh("lasting", "readlink /run/current-system")).toBe(wanted.toplevel);
  return told;
}

const heldIn = (folder: string): string[] =>
  readdirSync(folder).map((name) => readlinkSync(join(folder, name)));

const isHere = async (path: string) =>
  (await execa("nix-store", ["--check-validity", path], { reject: false })).exitCode === 0;

describe("releases that are kept", () => {
  const deployed: string[] = [web?.toplevel.out ?? ""];
  const isOnHost = async (path: string) =>
    (await host.sh("lasting", `nix-store --check-validity --print-invalid ${path}`)) === "";

  test("are the last three, and the one that was booted, on the host; whatever is older is the collector's", async () => {
    deployed.length = 0;
    for (let turn = 0; turn < 5; turn++) {
      const next = await variant();
      await deploy(next, { keep: 3, roots });
      deployed.push(next.toplevel);
    }
    const generations =
      "ls /nix/var/nix/profiles | sed -n 's/^system-\\(.*\\)-link$/\\1/p' | sort -n | xargs";
    expect(await host.sh("lasting", generations)).toBe("1 4 5 6");
    expect(await host.sh("lasting", "ls /boot/loader/entries | sort | xargs")).toBe(
      [1, 4, 5, 6].map((number) => `nixos-generation-${number}.conf`).join(" "),
    );
    await host.sh("lasting", "nix-collect-garbage");
    expect(await Promise.all(deployed.map(isOnHost))).toEqual([false, false, true, true, true]);
    expect(await isOnHost(web.toplevel.out)).toBe(true);
  });

  test("are the last three where they are deployed from, by roots that Nix knows", async () => {
    const isRooted = async (path: string) =>
      (await execa("nix-store", ["--query", "--roots", path])).stdout.includes(roots);
    expect(await Promise.all(deployed.map(isRooted))).toEqual([false, false, true, true, true]);
  });

  test("are not collected here before they have been switched to, where they are copied first", async () => {
    const next = await variant();
    let rooted: string[] = [];
    await deploy(
      next,
      { keep: 3, roots, before: { command: "sleep 1", seconds: 10 } },
      {
        status: (line) => {
          if (line === "switching on trial") rooted = heldIn(roots);
        },
      },
    );
    expect(rooted).toContain(next.toplevel);
    deployed.push(next.toplevel);
  });

  test("are no more for being checked again", async () => {
    const before = heldIn(roots);
    const [newest] = deployed.slice(-1);
    const { stdout: drvPath } = await execa("nix-store", ["--query", "--deriver", newest ?? ""]);
    await deploy({ drvPath, toplevel: newest ?? "" }, { keep: 3, roots });
    expect(heldIn(roots)).toEqual(before);
  });
});

describe("a system that its host builds", () => {
  test("runs there, and is never here", async () => {
    const next = await variant();
    const { steps } = await deploy(next, { buildOnHost: true });
    expect(steps).toContain("building on the host");
    expect(steps.some((step) => step.startsWith("copying") && step.includes("MB"))).toBe(false);
    expect(await isHere(next.toplevel)).toBe(false);
  });

  test("and cannot be built says so with the end of the log, and changes nothing", async () => {
    const before = await host.sh("lasting", "readlink /run/current-system");
    const next = await variant("echo it broke; exit 3");
    await expect(deploy(next, { buildOnHost: true })).rejects.toThrow(
      /web1 \(.*\): build .* on the host .*: the build failed\n(.*\n)*.*it broke(.*\n)*.*The running release was not touched/,
    );
    expect(await host.sh("lasting", "readlink /run/current-system")).toBe(before);
  });
});

describe("a system that a builder builds", () => {
  const big = (hostKey: string) => ({ name: "big", address: helper.ipv4, port: 22, user: "root", hostKey });
  const hooksFor = (hostKey: string) =>
    buildHooks(
      {
        stack: "lab",
        host: "web1",
        loginKey: helper.login.privateKey,
        builds: { on: "builder", builder: big(hostKey), caches: [], keep: 5 },
      },
      { signal: new AbortController().signal } as Parameters<typeof buildHooks>[1],
    );

  test("is built there, and comes back to be deployed from here", async () => {
    const next = await variant();
    await deploy(next, {}, hooksFor(helper.bootstrap.publicKey));
    expect(
      await helper.sh(
        "bootstrap",
        `nix-store --check-validity ${next.toplevel}; ls /nix/var/log/nix/drvs | wc -l`,
      ),
    ).not.toBe("0");
    expect(await isHere(next.toplevel)).toBe(true);
  });

  test("is built there for an installation, too", async () => {
    const { drvPath, toplevel } = await variant();
    // One login key opens host and builder, as in a stack.
    await host.sh("lasting", `echo '${helper.login.publicKey}' >>/root/.ssh/authorized_keys`);
    const document = host.document({
      toplevel: { drvPath, out: toplevel },
      builder: big(helper.bootstrap.publicKey),
    });
    document.target.loginKey = helper.login.privateKey;
    const ended = await host.start(document);
    expect(ended.all).toContain("installed already");
    expect(await isHere(toplevel)).toBe(true);
  });

  test("is not built on a machine with another host key", async () => {
    const next = await variant();
    await expect(deploy(next, {}, hooksFor(host.lasting.publicKey))).rejects.toThrow(
      /build web1 on builder-big \(.*\): host key verification failed.* Next: compare the key that berth trust shows of it/s,
    );
    expect(await isHere(next.toplevel)).toBe(false);
  });
});

describe("a system that comes from a cache", () => {
  let publicKey: string;
  let otherKey: string;
  let secretKey: string;
  const pushes = new CachePushes();
  beforeAll(async () => {
    const generate = async () =>
      (await execa("nix", ["key", "generate-secret", "--key-name", "lab-1"])).stdout;
    const toPublic = async (input: string) =>
      (await execa("nix", ["key", "convert-secret-to-public"], { input })).stdout;
    secretKey = await generate();
    publicKey = await toPublic(secretKey);
    otherKey = await toPublic(await generate());
  });

  const pushing = {
    push: (path: string) => pushes.push(path, { to: cacheUrl(), secretKey }, { deadline: 60_000 }),
  };
  const requests = async (what: RegExp) =>
    (await helper.sh("bootstrap", "cat /root/cache/log")).split("\n").filter((line) => what.test(line))
      .length;

  test("was pushed once, signed, and no path of it travels from here", async () => {
    const next = await variant();
    const told = await deploy(next, { caches: [{ url: cacheUrl(), publicKey }] }, pushing);
    expect(told.steps.filter((step) => step.startsWith("copying"))).toEqual([]);
    expect(told.steps.some((step) => step.startsWith("fetching 1 paths"))).toBe(true);
    expect(told.warnings).toEqual([]);
    const fetched = await requests(/^GET .*\/nar\//);
    expect(fetched).toBe(1);
    const pushed = await requests(/^PUT .*\.narinfo/);
    await pushing.push(next.toplevel);
    expect(await requests(/^PUT .*\.narinfo/)).toBe(pushed);
    expect(await host.sh("lasting", `nix path-info --sigs ${next.toplevel}`)).toContain("lab-1:");
  });

  test("under a key that the host is not told to believe is refused there, said, and copied from here", async () => {
    const told = await deploy(
      await variant(),
      { caches: [{ url: cacheUrl(), publicKey: otherKey }] },
      pushing,
    );
    expect(told.warnings.join("\n")).toMatch(
      /did not give all that it lacks.*(not signed by|lacks a signature)/s,
    );
    expect(told.steps.some((step) => step.startsWith("copying 1 paths"))).toBe(true);
  });

  test("that is down is copied from here, with a word about the cache", async () => {
    await helper.sh("bootstrap", "systemctl stop cache");
    const started = Date.now();
    const told = await deploy(await variant(), { caches: [{ url: cacheUrl(), publicKey }] }, pushing);
    expect(told.warnings.join("\n")).toMatch(
      /push .* to the cache http.*\n.*did not give all that it lacks/s,
    );
    expect(told.steps.some((step) => step.startsWith("copying 1 paths"))).toBe(true);
    expect(Date.now() - started).toBeLessThan(120_000);
    await helper.sh("bootstrap", "systemctl reset-failed cache || true");
    await startCache();
  });
});
