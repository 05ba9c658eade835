import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { gatherFacts } from "../../../cli/doctor/facts.ts";
import { atLeast, describeVerdicts, type Facts, needed, verdicts } from "../../../cli/doctor/verdicts.ts";
import { pins } from "../../../lab/setup/pins.mjs";
import { listeningCloud, token } from "../../lab/cloud/client.ts";

/** A machine, a project and accounts with which an update runs. */
const well: Facts = {
  node: { said: "v24.21.0" },
  pulumi: { said: "v3.260.1" },
  languageHost: { said: "pulumi-language-nodejs" },
  nix: { said: "nix (Nix) 2.30.1" },
  nixFeatures: ["flakes", "nix-command", "ca-derivations"],
  nixStore: { said: "daemon" },
  nixosAnywhere: { said: "/usr/bin/nixos-anywhere" },
  ssh: { said: "OpenSSH_9.2p1 Debian-2+deb12u3, OpenSSL 3.0.15" },
  agentKeys: 2,
  git: { said: "git version 2.39.5" },
  free: [{ folder: "/nix/store", gigabytes: 40 }],
  project: { name: "site", folder: "/home/ada/site" },
  stack: "prod",
  uses: { hosts: true, hetzner: true },
  token: { from: "hcloud:token", may: "read and write" },
  backend: { url: "file:///home/ada" },
  decryption: "passphrase",
  decrypted: true,
};
const of = (facts: Partial<Facts>, what: string) =>
  verdicts({ ...well, ...facts }).find((verdict) => verdict.what === what);

test("where all is well, every line is ok and none has a fix", () => {
  for (const verdict of verdicts(well)) expect(verdict).toEqual(expect.objectContaining({ is: "ok" }));
  expect(verdicts(well).filter(({ fix }) => fix !== undefined)).toEqual([]);
  expect(describeVerdicts(verdicts(well))).toMatch(/\nNothing is wrong\.\n$/);
});

describe("what is found is judged", () => {
  test.each<[string, Partial<Facts>, string, "ok" | "wrong" | "unknown", RegExp, RegExp?]>([
    ["no node", { node: "absent" }, "node", "wrong", /not on PATH/, /nodejs\.org/],
    [
      "an old node",
      { node: { said: "v22.11.0" } },
      "node",
      "wrong",
      /22\.11\.0; 24\.0 or newer/,
      /nodejs\.org/,
    ],
    ["a node of another kind", { node: { said: "dev" } }, "node", "unknown", /no version/, /24\.0/],
    [
      "a pulumi that crashes",
      { pulumi: { failed: "killed" } },
      "pulumi",
      "wrong",
      /does not run: killed/,
      /install/,
    ],
    ["an old pulumi", { pulumi: { said: "v3.99.0" } }, "pulumi", "wrong", /3\.259\.0 or newer/, /install/],
    [
      "half a pulumi",
      { languageHost: "absent" },
      "pulumi for Node",
      "wrong",
      /beside pulumi/,
      /pulumi-nodejs/,
    ],
    [
      "no pulumi at all",
      { pulumi: "absent", languageHost: "absent" },
      "pulumi for Node",
      "unknown",
      /not there/,
    ],
    ["an old nix", { nix: { said: "nix (Nix) 2.8.0" } }, "nix", "wrong", /2\.8\.0; 2\.18/, /nixos\.org/],
    [
      "nix without flakes",
      { nixFeatures: ["nix-command"] },
      "nix features",
      "wrong",
      /^flakes off/,
      /nix\.conf/,
    ],
    [
      "nix without any",
      { nixFeatures: [] },
      "nix features",
      "wrong",
      /nix-command and flakes off/,
      /nix\.conf/,
    ],
    ["a nix that keeps silent", { nixFeatures: null }, "nix features", "unknown", /does not tell/],
    ["a single-user nix", { nixStore: { said: "local" } }, "nix store", "ok", /single-user/],
    ["a daemon", { nixStore: { said: "daemon" } }, "nix store", "ok", /daemon/],
    [
      "no daemon",
      { nixStore: { failed: "connection refused" } },
      "nix store",
      "wrong",
      /refused/,
      /nix-daemon/,
    ],
    [
      "no nixos-anywhere",
      { nixosAnywhere: "absent" },
      "nixos-anywhere",
      "wrong",
      /not on PATH/,
      /nix profile/,
    ],
    [
      "no nixos-anywhere, and no host",
      { nixosAnywhere: "absent", uses: { hosts: false, hetzner: false } },
      "nixos-anywhere",
      "ok",
      /no host that needs it/,
    ],
    ["no agent", { agentKeys: null }, "ssh agent", "ok", /none runs/],
    ["an agent without keys", { agentKeys: 0 }, "ssh agent", "ok", /no key/],
    [
      "a full disk",
      { free: [{ folder: "/nix/store", gigabytes: 1.24 }] },
      "disk of /nix/store",
      "wrong",
      /1\.2 GB free; 5 GB/,
      /collect-garbage/,
    ],
    ["no project", { project: null, stack: null }, "project", "unknown", /no Pulumi\.yaml/, /berth init/],
    ["no stack", { stack: null }, "project", "unknown", /no stack is selected/, /-s/],
    ["nobody logged in", { backend: "not logged in" }, "state", "wrong", /not logged in/, /pulumi login/],
    [
      "a backend that is away",
      { backend: { url: "s3://x", trouble: "no such host" } },
      "state",
      "wrong",
      /s3:\/\/x cannot be read: no such host/,
      /mend/,
    ],
    [
      "a wrong passphrase",
      { decrypted: { because: "incorrect passphrase" } },
      "stack's secrets",
      "wrong",
      /incorrect passphrase/,
      /PULUMI_CONFIG_PASSPHRASE/,
    ],
    [
      "a key that is kept elsewhere",
      { decryption: "elsewhere", decrypted: { because: "expired" } },
      "stack's secrets",
      "wrong",
      /expired/,
      /log in/,
    ],
    [
      "a stack that is not made",
      { decrypted: "no such stack" },
      "stack's secrets",
      "wrong",
      /prod/,
      /stack init prod/,
    ],
    [
      "secrets that nobody tried",
      { decrypted: null, decryption: null },
      "stack's secrets",
      "unknown",
      /no stack/,
    ],
    [
      "a token that may read",
      { token: { from: "HCLOUD_TOKEN", may: "read" } },
      "Hetzner's token",
      "wrong",
      /may only read/,
      /read and write/,
    ],
    [
      "a token that is refused",
      { token: { from: "HCLOUD_TOKEN", refused: "401", next: "make another" } },
      "Hetzner's token",
      "wrong",
      /HCLOUD_TOKEN: 401/,
      /make another/,
    ],
    [
      "no token",
      { token: { absent: "none is set", encrypted: false } },
      "Hetzner's token",
      "wrong",
      /none/,
      /console/,
    ],
    [
      "a token nobody can decrypt",
      { token: { absent: "it is encrypted", encrypted: true } },
      "Hetzner's token",
      "unknown",
      /encrypted/,
    ],
    [
      "no token, and no stack",
      { token: { absent: "none is set", encrypted: false }, uses: null },
      "Hetzner's token",
      "unknown",
      /none/,
    ],
    [
      "no token, and nothing at Hetzner",
      { token: { absent: "none is set", encrypted: false }, uses: { hosts: true, hetzner: false } },
      "Hetzner's token",
      "ok",
      /nothing at Hetzner/,
    ],
  ])("%s", (_name, facts, what, is, found, fix) => {
    const verdict = of(facts, what);
    expect(verdict).toMatchObject({ is, found: expect.stringMatching(found) });
    if (fix) expect(verdict?.fix).toMatch(fix);
    else expect(verdict?.fix).toBeUndefined();
  });

  test("whatever is wrong says what to do", () => {
    const worst: Facts = {
      ...{ node: "absent", pulumi: "absent", languageHost: "absent", nix: "absent", nixFeatures: [] },
      ...{
        nixStore: { failed: "gone" },
        nixosAnywhere: "absent",
        ssh: "absent",
        agentKeys: null,
        git: "absent",
      },
      free: [{ folder: "/", gigabytes: 0 }],
      ...{ project: well.project, stack: "prod", uses: well.uses, decryption: "passphrase" },
      token: { absent: "none", encrypted: false },
      backend: "not logged in",
      decrypted: { because: "incorrect passphrase" },
    };
    const wrong = verdicts(worst).filter(({ is }) => is === "wrong");
    expect(wrong.length).toBeGreaterThan(7);
    expect(wrong.filter(({ fix }) => !fix)).toEqual([]);
    expect(describeVerdicts(verdicts(worst))).toMatch(
      new RegExp(`\\n${wrong.length} wrong, \\d+ unknown\\.\\n$`),
    );
  });
});

test.each([
  ["v24.0.0", "24.0", true],
  ["nix (Nix) 2.18.1", "2.18.0", true],
  ["2.9", "2.18", false],
  ["3.259.0-dev", "3.259.0", true],
  ["24.1", "24.1.1", false],
  ["dev", "1.0", undefined],
])("%s is %s or newer: %s", (have, wanted, expected) => {
  expect(atLeast(have, wanted)).toBe(expected);
});

test("the versions are those that set-up wants", () => {
  expect(needed).toMatchObject({ pulumi: pins.pulumi, nix: pins.nix });
});

describe("a machine is looked at", () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "berth-doctor-"));
    vi.stubEnv("PATH", folder);
    for (const name of ["HCLOUD_TOKEN", "HCLOUD_ENDPOINT", "SSH_AUTH_SOCK", "PULUMI_OPTION_CONFIG_FILE"])
      vi.stubEnv(name, "");
    vi.stubEnv("PULUMI_HOME", join(folder, "home"));
  });
  afterEach(() => {
    vi.unstubAllEnvs();
    rmSync(folder, { recursive: true });
  });
  const program = (name: string, script: string) => {
    writeFileSync(join(folder, name), `#!/bin/sh\n${script}\n`);
    chmodSync(join(folder, name), 0o755);
    vi.stubEnv("PATH", `${folder}${delimiter}/bin`);
  };

  test("a bare one has nothing, and is asked no further", async () => {
    expect(await gatherFacts(folder, undefined)).toMatchObject({
      ...{ node: "absent", pulumi: "absent", languageHost: "absent", nix: "absent", nixFeatures: null },
      ...{
        nixosAnywhere: "absent",
        ssh: "absent",
        agentKeys: null,
        git: "absent",
        project: null,
        stack: null,
      },
      ...{ backend: null, decryption: null, decrypted: null },
      token: { absent: "neither hcloud:token nor HCLOUD_TOKEN is set", encrypted: false },
      free: [{ gigabytes: expect.any(Number) }],
    });
  });

  test("Nix tells of its features, or that they are off", async () => {
    program("nix", `[ "$1" = config ] && echo '{"experimental-features":{"value":["flakes"]}}' || exit 1`);
    expect(await gatherFacts(folder, undefined)).toMatchObject({ nixFeatures: ["flakes"] });
    program("nix", `echo "error: experimental Nix feature 'nix-command' is disabled" >&2; exit 1`);
    expect(await gatherFacts(folder, undefined)).toMatchObject({ nixFeatures: [] });
  });

  test("what runs and fails is told with its last words", async () => {
    program("git", "echo 'cannot execute' >&2; exit 3");
    expect(await gatherFacts(folder, undefined)).toMatchObject({ git: { failed: "cannot execute" } });
  });

  test("an agent is asked for its keys", async () => {
    program("ssh-add", "echo one; echo two");
    expect(await gatherFacts(folder, undefined)).toMatchObject({ agentKeys: 2 });
    program("ssh-add", "echo 'The agent has no identities.'; exit 1");
    expect(await gatherFacts(folder, undefined)).toMatchObject({ agentKeys: 0 });
  });

  test("a stack's secrets are let go of, and its state's trouble is told", async () => {
    writeFileSync(join(folder, "Pulumi.yaml"), "name: site\n");
    writeFileSync(
      join(folder, "Pulumi.prod.yaml"),
      "encryptionsalt: v1:x\nconfig:\n  berth:hosts: { web1: { system: web, server: { type: cx23 } } }\n",
    );
    program(
      "pulumi",
      `case $1 in
version) echo v3.259.0 ;;
whoami) echo '{"user":"ada","url":"file:///s"}' ;;
stack) echo '[]' ;;
config) echo '{"berth:secrets":{"value":"hunter2"}}' ;;
esac`,
    );
    const facts = await gatherFacts(folder, "prod");
    expect(facts).toMatchObject({
      project: { name: "site" },
      stack: "prod",
      uses: { hosts: true, hetzner: true },
      backend: { url: "file:///s" },
      decryption: "passphrase",
      decrypted: true,
    });
    expect(JSON.stringify(facts)).not.toContain("hunter2");
    program(
      "pulumi",
      `[ "$1" = version ] && echo v3.259.0 || { echo "error: PULUMI_ACCESS_TOKEN must be set" >&2; exit 1; }`,
    );
    expect(await gatherFacts(folder, "prod")).toMatchObject({ backend: "not logged in", decrypted: null });
  });

  test("a token is tried, and nothing comes of it at the cloud", async () => {
    const readonlyToken = "fedcba9876543210".repeat(4);
    const cloud = await listeningCloud({ readonlyToken });
    try {
      vi.stubEnv("HCLOUD_ENDPOINT", cloud.url);
      for (const [value, expected] of [
        [token, { from: "HCLOUD_TOKEN", may: "read and write" }],
        [readonlyToken, { from: "HCLOUD_TOKEN", may: "read" }],
        ["w".repeat(64), { from: "HCLOUD_TOKEN", refused: expect.stringMatching(/401/) }],
        ["short", { from: "HCLOUD_TOKEN", refused: expect.stringMatching(/5 characters/) }],
      ] as const) {
        vi.stubEnv("HCLOUD_TOKEN", value);
        expect((await gatherFacts(folder, undefined)).token).toMatchObject(expected);
      }
      expect(cloud.requests.filter(({ status }) => status < 400)).toEqual([]);
    } finally {
      cloud.close();
    }
  });
});
