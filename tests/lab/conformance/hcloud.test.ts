import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execa } from "execa";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { RequestRecord } from "../../../lab/cloud/http.ts";
import { listeningCloud, publicKeys, type TestCloud, token } from "../cloud/client.ts";
import { type Command, commands } from "./hcloud-commands.ts";
import { countRoutes, describeCount } from "./routes.ts";

const version = spawnSync("hcloud", ["version"], { encoding: "utf8" });
const absent = version.error ? "the hcloud command is not installed (Debian package hcloud-cli)" : "";

let folder: string;
const asked: RequestRecord[] = [];

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "hcloud-"));
  writeFileSync(join(folder, "key.pub"), `${publicKeys[0]}\n`);
  const openssl = spawnSync("openssl", [
    ...["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "30", "-subj", "/CN=example.org"],
    ...["-addext", "subjectAltName=DNS:example.org"],
    ...["-keyout", join(folder, "tls.key"), "-out", join(folder, "tls.pem")],
  ]);
  expect(openssl.status, String(openssl.stderr)).toBe(0);
});

afterAll(() => {
  rmSync(folder, { recursive: true });
  if (!absent) console.log(describeCount(countRoutes("hcloud, Debian's command line", asked)));
});

/** What a command line names that only the running cloud knows. */
async function fill(cloud: TestCloud, line: string): Promise<string> {
  const known: Record<string, () => Promise<unknown> | string> = {
    CERT_KEY: () => join(folder, "tls.key"),
    CERT: () => join(folder, "tls.pem"),
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

describe.each(Object.entries(commands))("hcloud %s", (_, lines) => {
  test("does what it is told", async (ctx) => {
    if (absent) ctx.skip(absent);
    const cloud = await listeningCloud({ actionMode: "instant", legacyDatacenter: true });
    const env = { PATH: process.env.PATH, HOME: folder, HCLOUD_ENDPOINT: cloud.url, HCLOUD_TOKEN: token };
    try {
      const differences: string[] = [];
      for (const [template, shows] of lines) {
        const line = await fill(cloud, template);
        const result = await execa("hcloud", line.split(" "), {
          env,
          extendEnv: false,
          reject: false,
          timeout: 60_000,
        });
        differences.push(...difference(line, result, shows));
        await cloud.cloud.actions.settled();
      }
      expect(differences).toEqual([]);
    } finally {
      asked.push(...cloud.requests);
      cloud.close();
    }
  });
});
