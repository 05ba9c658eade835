import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { stringify } from "yaml";
import { checkStack } from "../../../cli/check/check.ts";
import { describeReport } from "../../../cli/check/report.ts";
import { projectOf } from "../../../cli/project.ts";
import { listeningCloud, token } from "../../lab/cloud/client.ts";
import { plainHost, webManifest } from "../config/samples.ts";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "berth-check-"));
  writeFileSync(join(folder, "Pulumi.yaml"), "name: site\n");
  for (const name of ["HCLOUD_TOKEN", "HCLOUD_ENDPOINT", "PULUMI_OPTION_CONFIG_FILE"]) vi.stubEnv(name, "");
  // Neither Nix nor Pulumi.
  vi.stubEnv("PATH", folder);
});
afterEach(() => {
  vi.unstubAllEnvs();
  rmSync(folder, { recursive: true });
});

/** A Nix that evaluates every flake to these systems, or fails with these words. */
function nix(answer: Record<string, unknown> | string): void {
  const evaluated =
    typeof answer === "string"
      ? `echo '${answer}' >&2; exit 1`
      : `echo '${JSON.stringify({ names: Object.keys(answer), hosts: answer })}'`;
  const script = `#!/bin/sh\ncase $1 in --version) echo nix 2.30 ;; eval) ${evaluated} ;; *) exit 1 ;; esac\n`;
  writeFileSync(join(folder, "nix"), script);
  chmodSync(join(folder, "nix"), 0o755);
  vi.stubEnv("PATH", `${folder}${delimiter}/usr/bin${delimiter}/bin`);
}

function look(config: Record<string, unknown> | string) {
  const text = typeof config === "string" ? config : stringify({ config });
  writeFileSync(join(folder, "Pulumi.prod.yaml"), text);
  return checkStack(projectOf(folder), "prod");
}
const hosts = { "berth:hosts": { web1: plainHost } };

describe("a stack that is right", () => {
  test("is told with systems and price", async () => {
    nix({ web: webManifest });
    const report = await look(hosts);
    expect(report).toMatchObject({
      stack: "prod",
      file: "Pulumi.prod.yaml",
      ok: true,
      problems: [],
      flake: { reference: ".", systems: { web: "x86_64-linux" } },
      price: { currency: "EUR", monthly: 5.99 },
    });
    expect(describeReport(report)).toMatch(
      /^Stack prod, Pulumi\.prod\.yaml\nFlake \.: web \(x86_64-linux\)\nweb1: 5\.99 EUR\/month .*\nTotal: [\s\S]*All of it is right\.\n$/,
    );
  });

  test("without Nix is told as far as it can be looked at", async () => {
    const report = await look(hosts);
    expect(report).toMatchObject({ ok: true, price: { monthly: 5.99 }, flake: { systems: null } });
    const text = describeReport(report);
    expect(text).toContain("Flake .: not looked at. Nix is not on PATH");
    expect(text).toContain("What was looked at is right.");
  });

  test("may hold what nobody here can decrypt", async () => {
    nix({ web: webManifest });
    const report = await look({
      ...hosts,
      "hcloud:token": { secure: "v1:x" },
      "berth:secrets": { db: { secure: "v1:y" } },
    });
    expect(report.problems).toEqual([]);
    expect(report.notes).toContainEqual(
      "Hetzner was not asked: hcloud:token is encrypted, and pulumi, which could decrypt it, does not answer.",
    );
  });
});

describe("what is wrong is told with its place", () => {
  test.each<[string, Record<string, unknown> | string, string, RegExp]>([
    ["text that is no YAML", "config:\n  a: [1\n", "Pulumi.prod.yaml", /line 3/],
    ["nothing at all", {}, "berth:hosts", /at least one host/],
    [
      "a key that there is not",
      { "berth:hosts": { web1: { ...plainHost, sever: 1 } } },
      "berth:hosts.web1.sever",
      /there is no such key; there are system, /,
    ],
    [
      "a system that the flake has not",
      { "berth:hosts": { web1: { ...plainHost, system: "wob" } } },
      "berth:hosts.web1.system",
      /has no berth\.hosts\.wob; it has web/,
    ],
    [
      "a server type that Hetzner has not",
      { "berth:hosts": { web1: { ...plainHost, server: { type: "cx99", location: "fsn1" } } } },
      "berth:hosts.web1.server.type",
      /cx99/,
    ],
    [
      "a secret in the clear",
      { ...hosts, "berth:secrets": { db: "hunter2" } },
      "berth:secrets",
      /is written in the clear/,
    ],
  ])("%s", async (_name, config, path, message) => {
    nix({ web: webManifest });
    const report = await look(config);
    expect(report.ok).toBe(false);
    expect(report.problems).toContainEqual(
      expect.objectContaining({ path, message: expect.stringMatching(message) }),
    );
    const text = describeReport(report);
    expect(text).toContain(`  ${path}: `);
    expect(text).not.toContain("hunter2");
  });

  test("a flake that does not evaluate, with Nix's own words and the price all the same", async () => {
    nix("error: attribute missing");
    const report = await look(hosts);
    expect(report).toMatchObject({ ok: false, price: { monthly: 5.99 } });
    expect(report.problems).toEqual([
      {
        path: "berth:flake",
        message: expect.stringMatching(/error: attribute missing[\s\S]*Next: mend the flake/),
      },
    ]);
  });

  test("a map that is encrypted as a whole, while a token may be", async () => {
    await expect(look({ ...hosts, "berth:secrets": { secure: "v1:x" } })).rejects.toThrow(
      /berth:secrets is encrypted as a whole.*--path 'berth:secrets\.NAME'/,
    );
    expect(await look({ ...hosts, "berth:flyToken": { secure: "v1:x" } })).toMatchObject({ ok: true });
  });

  test("a stack without a file", async () => {
    await expect(checkStack(projectOf(folder), "other")).rejects.toThrow(
      /Pulumi\.other\.yaml.*Next: .*berth init/,
    );
  });
});

describe("with a token", () => {
  test("Hetzner is asked for prices, and every request reads", async () => {
    const cloud = await listeningCloud();
    try {
      vi.stubEnv("HCLOUD_TOKEN", token);
      vi.stubEnv("HCLOUD_ENDPOINT", cloud.url);
      nix({ web: webManifest });
      const report = await look(hosts);
      expect(report.problems).toEqual([]);
      expect(report.price?.from).toMatch(/^Hetzner's API/);
      expect(cloud.requests.length).toBeGreaterThan(5);
      expect(cloud.requests.filter(({ method }) => method !== "GET")).toEqual([]);
    } finally {
      cloud.close();
    }
  });

  test("one that is none is told by the place it is from, and not by its text", async () => {
    vi.stubEnv("HCLOUD_TOKEN", "hunter2");
    nix({ web: webManifest });
    const report = await look(hosts);
    expect(report.problems).toEqual([
      { path: "HCLOUD_TOKEN", message: expect.stringContaining("it has 7 characters") },
    ]);
    expect(JSON.stringify(report)).not.toContain("hunter2");
  });
});
