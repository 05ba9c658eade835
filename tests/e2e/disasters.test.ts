import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { execa } from "execa";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { SshSession } from "../../deployer/ssh/session.ts";
import { fetchPage } from "../../lab/journey/page.ts";
import type { EngineRun } from "../../lab/journey/pulumi.ts";
import { checkout } from "../../lab/setup/places.mjs";
import { type OneHost, oneHost } from "./one-host.ts";
import { sessionWith } from "./stack.ts";

/** What docs/disasters.md says to do, done, on a host of a lab of this file's own. */
const folder = join(checkout, ".lab-disasters");
const exported = join(folder, "export.json");
let host: OneHost;
let session: SshSession;

beforeAll(async () => {
  host = await oneHost(folder);
  session = host.session;
});
afterAll(async () => {
  await session?.close();
  await host?.down();
});

const pulumi = (...args: string[]) => host.engine.run(args);
async function done(...args: string[]): Promise<EngineRun> {
  const ended = await pulumi(...args);
  expect(ended.exitCode, ended.output).toBe(0);
  return ended;
}
const up = (...args: string[]) => done("up", "--yes", "--skip-preview", ...args);
const refresh = () => done("refresh", "--yes", "--skip-preview");
const on = async (line: string) => (await session.sh(line, { deadline: 60_000, fresh: true })).stdout.trim();
const bootId = () => on("cat /proc/sys/kernel/random/boot_id");
const hcloud = async (...args: string[]) =>
  (await execa("hcloud", args, { env: host.lab.env, timeout: 300_000 })).stdout;
async function protect(value: boolean): Promise<void> {
  const file = host.lab.places.stackFile;
  const text = await readFile(file, "utf8");
  await writeFile(file, text.replace(/berth:protect: (true|false)/, `berth:protect: ${value}`));
}
/** The host as it is now, over a connection of its own. */
async function again(): Promise<void> {
  await session.close();
  host.outputs = await host.engine.outputs();
  session = await sessionWith(host.outputs, "web1");
  await session.waitUntilReachable(120_000);
}

describe("a state that is lost", () => {
  const lose = () => done("stack", "rm", "--force", "--yes", "--preserve-config");

  test("is back by its export, and no host has noticed", async () => {
    const before = await bootId();
    await done("stack", "export", "--file", exported);
    await lose();
    await done("stack", "init", "lab");
    await done("stack", "import", "--file", exported);
    await refresh();
    await up("--expect-no-changes");
    expect(await bootId()).toBe(before);
  });

  test("without one, an update is stopped by names that are taken, and the host goes on", async () => {
    const before = await bootId();
    await lose();
    await done("stack", "init", "lab");
    const stopped = await pulumi("up", "--yes", "--skip-preview");
    expect(stopped.exitCode).not.toBe(0);
    expect(stopped.output).toMatch(/uniqueness_error/);
    expect(stopped.output).not.toMatch(/phase kexec/);
    expect(await bootId()).toBe(before);
    await done("stack", "import", "--force", "--file", exported);
    await up("--refresh");
    expect(await bootId()).toBe(before);
  });
});

test("a passphrase that is wrong is told, and nothing happens", async () => {
  const { exitCode, all } = await execa("pulumi", ["up", "--yes", "--skip-preview", "--non-interactive"], {
    cwd: checkout,
    env: { ...host.lab.env, PULUMI_CONFIG_PASSPHRASE: "another" },
    reject: false,
    all: true,
    timeout: 120_000,
  });
  expect(exitCode).not.toBe(0);
  expect(all).toContain("incorrect passphrase");
});

test("a protected server is rebuilt from a snapshot of its own, and is known at once", async () => {
  await protect(true);
  await up();
  await on("echo then >/root/when");
  const before = await bootId();
  await hcloud("server", "create-image", "lab-web1", "--type", "snapshot", "--description", "then");
  const image = (
    await hcloud("image", "list", "-t", "snapshot", "-o", "noheader", "-o", "columns=id")
  ).trim();
  await on("echo now >/root/when");
  await hcloud("server", "disable-protection", "lab-web1", "delete", "rebuild");
  await hcloud("server", "rebuild", "lab-web1", "--image", image);
  await hcloud("server", "enable-protection", "lab-web1", "delete", "rebuild");
  session.drop();
  await session.waitUntilReachable(120_000);
  expect(await on("cat /root/when")).toBe("then");
  expect(await bootId()).not.toBe(before);
  await refresh();
  await up();
  await again();
  expect(await on("cat /root/when")).toBe("then");
});

test("a protected server that is gone comes back at its addresses, installed and released to", async () => {
  const { address, ipv6Address, url } = host.outputs.hosts.web1 ?? { address: "", ipv6Address: "", url: "" };
  await hcloud("server", "disable-protection", "lab-web1", "delete", "rebuild");
  await hcloud("server", "delete", "lab-web1");
  await refresh();
  await protect(false);
  await up();
  await protect(true);
  await up();
  await again();
  expect(host.outputs.hosts.web1).toMatchObject({ address, ipv6Address });
  expect(await fetchPage(url)).toContain("<h1");
  expect(await on("ls /root")).not.toContain("when");
  await protect(false);
  await up();
});
