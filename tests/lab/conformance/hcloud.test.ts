import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execa } from "execa";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import type { RequestRecord } from "../../../lab/cloud/http.ts";
import { MemoryDriver } from "../../../lab/cloud/memory-driver.ts";
import { listeningCloud, type TestCloud, token } from "../cloud/client.ts";
import { type Command, commands, leftOut, withoutDatacenters } from "./hcloud-commands.ts";
import { writeKeys } from "./keys.ts";
import { hand } from "./routes.ts";

const version = spawnSync("hcloud", ["version"], { encoding: "utf8" });
const absent = version.error ? "the hcloud command is not installed (Debian package hcloud-cli)" : "";

let folder: string;
const asked: RequestRecord[] = [];

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "hcloud-"));
  writeKeys(folder);
  const rule = { direction: "in", protocol: "tcp", port: "80", source_ips: ["::/0"] };
  writeFileSync(join(folder, "rules.json"), JSON.stringify([rule, { ...rule, port: "443" }]));
});

afterAll(() => rmSync(folder, { recursive: true }));

/** What a command line names that only the running cloud knows. */
async function fill(cloud: TestCloud, line: string): Promise<string> {
  const known: Record<string, () => Promise<unknown> | string> = {
    CERT_KEY: () => join(folder, "tls.key"),
    CERT: () => join(folder, "tls.pem"),
    RULES: () => join(folder, "rules.json"),
    KEY: () => join(folder, "key.pub"),
    FIRST_IP: async () => (await cloud.get("/primary_ips?name=first")).at("primary_ips.0.ip"),
    IMAGE: async () => (await cloud.get("/images?type=snapshot")).at("images.0.id"),
  };
  const words = line.split(" ").map(async (word) => String(await (known[word]?.() ?? word)));
  return (await Promise.all(words)).join(" ");
}

/** How a run differs from what was expected of it. */
function difference(
  line: string,
  { exitCode, stdout, stderr }: { exitCode?: number; stdout: string; stderr: string },
  wanted: Command[1],
): string[] {
  if (wanted && "failsWith" in wanted) {
    const failed = exitCode !== 0 && wanted.failsWith.test(stderr);
    return failed ? [] : [`${line}: exit ${exitCode} without ${wanted.failsWith}: ${stderr}`];
  }
  if (exitCode !== 0) return [`${line}: exit ${exitCode}: ${stderr}`];
  return wanted && !wanted.test(stdout) ? [`${line}: no ${wanted} in ${stdout}`] : [];
}

/** Runs a command line of hcloud; its home is empty, so that no context of the user's is read. */
async function hcloud(url: string, line: string, given = token) {
  const env = { PATH: process.env.PATH, HOME: folder, HCLOUD_ENDPOINT: url, HCLOUD_TOKEN: given };
  return await execa("hcloud", line.split(" "), { env, extendEnv: false, reject: false, timeout: 60_000 });
}

/** What an empty cloud answers to the lines, one after the other, that it should not. */
async function differencesOf(
  lines: readonly Command[],
  options: Parameters<typeof listeningCloud>[0],
): Promise<string[]> {
  const cloud = await listeningCloud({ actionMode: "instant", ...options });
  try {
    const differences: string[] = [];
    for (const [template, shows] of lines) {
      const line = await fill(cloud, template);
      differences.push(...difference(line, await hcloud(cloud.url, line), shows));
      await cloud.cloud.actions.settled();
    }
    return differences;
  } finally {
    asked.push(...cloud.requests);
    cloud.close();
  }
}

beforeEach(({ skip }) => skip(absent !== "", absent));

// This release waits half a second for each action, done or not; side by side the groups take a quarter of the time.
test.concurrent.each(Object.entries(commands))("hcloud %s does what it is told", async (_, lines) => {
  expect(await differencesOf(lines, { legacyDatacenter: true })).toEqual([]);
});

test.concurrent.each(Object.entries(withoutDatacenters))(
  "hcloud %s does what it is told by a cloud without datacenters",
  async (_, lines) => {
    expect(await differencesOf(lines, { legacyDatacenter: false })).toEqual([]);
  },
);

test("hcloud waits for actions that take their time", async () => {
  const lines = commands["placement-group"] ?? [];
  const driver = new MemoryDriver({ latency: 30 });
  expect(await differencesOf(lines, { legacyDatacenter: true, actionMode: "running", driver })).toEqual([]);
});

test("hcloud shows the API's words for a wrong token", async () => {
  const cloud = await listeningCloud();
  try {
    expect(await hcloud(cloud.url, "server list", "wrong")).toMatchObject({
      exitCode: 1,
      stderr: "hcloud: the token you have provided is invalid (unauthorized)",
    });
  } finally {
    cloud.close();
  }
});

test("no verb of hcloud is left out", async ({ task }) => {
  await hand(task, "hcloud, Debian's command line", asked);
  const lines = Object.values(commands).flat();
  const used = new Set(lines.map(([line]) => line.split(" ").slice(0, 2).join(" ")));
  const verbs = (...of: string[]) => {
    const help = spawnSync("hcloud", [...of, "--help"], { encoding: "utf8" }).stdout;
    const listed = /Available Commands:\n([\s\S]*?)\n\n/.exec(help)?.[1] ?? "";
    return listed.split("\n").map((row) => [...of, row.trim().split(" ")[0]].join(" "));
  };
  const all = verbs()
    .filter((resource) => !leftOut.includes(resource))
    .flatMap((resource) => verbs(resource));
  expect(all.length).toBeGreaterThan(100);
  expect(all.filter((verb) => !used.has(verb) && !leftOut.includes(verb))).toEqual([]);
});
