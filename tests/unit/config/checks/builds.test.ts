import { describe, expect, test } from "vitest";
import type { LocalBuilds } from "../../../../config/builds.ts";
import { encrypted } from "../../../../config/secrets.ts";
import { plan, type Raw, refusals, running, runningServer, withHost } from "../samples.ts";

const arm = {
  address: "198.51.100.9",
  hostKey: `ssh-ed25519 ${"AAAAC3NzaC1lZDI1NTE5AAAAI"}${"A".repeat(43)}`,
  systems: ["aarch64-linux"],
};
const x86: LocalBuilds = { systems: ["x86_64-linux", "i686-linux"], builders: false };
const emulating = { ...x86, systems: ["x86_64-linux", "aarch64-linux"] };
const publicKey = `cache-1:${"A".repeat(43)}=`;
/** A key that signs, of a name and with this public half. */
const signer = (name: string, half: number) =>
  `${name}:${Buffer.concat([Buffer.alloc(32, 7), Buffer.alloc(32, half)]).toString("base64")}`;
const signed = (value: string): Raw =>
  withHost(
    {},
    {
      builds: { caches: [{ url: "https://cache.example", publicKey, push: "cache-key" }] },
      secrets: { "cache-key": value },
    },
  );
/** A stack of one ARM host. */
const pi = (builds: Raw = {}, more: Raw = {}): Raw =>
  withHost({ system: "pi", server: { type: "cax11", location: "fsn1" }, ...more }, { builds });
const installed = running([runningServer({ type: "cax11", architecture: "aarch64-linux" })]);

describe("where systems are built", () => {
  test.each<[string, Raw, Parameters<typeof plan>[1]]>([
    ["nothing is asked of a machine that does not tell what it builds", pi(), { localBuilds: null }],
    ["this machine emulates the host's architecture", pi(), { localBuilds: emulating }],
    ["Nix here has builders of its own", pi(), { localBuilds: { ...x86, builders: true } }],
    ["a builder of the architecture", pi({ on: "arm", builders: { arm } }), { localBuilds: x86 }],
    ["a builder for this host alone", pi({ builders: { arm } }, { buildOn: "arm" }), { localBuilds: x86 }],
    ["the host itself, which is installed", pi({ on: "target" }), { localBuilds: x86, running: installed }],
    ["the host itself, of which nobody could be asked", pi({ on: "target" }), { localBuilds: x86 }],
  ])("%s", (_, raw, input) => expect(plan(raw, input).hosts).toHaveLength(1));

  test("a system that cannot be built here is refused before money, with every way out", () => {
    const [problem] = refusals(pi(), { localBuilds: x86 });
    expect(problem?.path).toBe("berth:builds.on");
    expect(problem?.message).toMatch(
      /web1 is aarch64-linux, and this machine builds for x86_64-linux, i686-linux alone/,
    );
    expect(problem?.message).toContain("berth:builds.builders");
    expect(problem?.message).toContain("boot.binfmt.emulatedSystems");
    expect(problem?.message).toContain("berth:hosts.web1.buildOn: target");
  });

  test("a host that is not installed yet cannot build itself", () => {
    const told = refusals(pi({}, { buildOn: "target" }), { localBuilds: x86, running: running() });
    expect(told.map(({ path }) => path)).toEqual(["berth:hosts.web1.buildOn"]);
    expect(told[0]?.message).toContain("the system is built that it is installed with");
  });

  test.each<[string, Raw, string, string]>([
    [
      "a builder that is not there",
      pi({ on: "farm", builders: { arm } }),
      "berth:builds.on",
      'there is no builder "farm"; there are deployer, target, arm',
    ],
    [
      "a builder of another architecture",
      withHost({ buildOn: "arm" }, { builds: { builders: { arm } } }),
      "berth:hosts.web1.buildOn",
      "web1 is x86_64-linux, and the builder arm builds for aarch64-linux alone",
    ],
    [
      "a builder with a name that means something else",
      withHost({}, { builds: { builders: { target: arm } } }),
      "berth:builds.builders.target",
      "target is a place of its own: no builder can be named so",
    ],
    [
      "a key that signs and is not there",
      withHost({}, { builds: { caches: [{ url: "https://cache.example", publicKey, push: "cache-key" }] } }),
      "berth:builds.caches.0.push",
      'there is no secret "cache-key" under berth:secrets; there are none',
    ],
    [
      "a key that signs and is none",
      signed("hunter2"),
      "berth:builds.caches.0.push",
      'the secret "cache-key" is no key that Nix signs with: give it what nix key generate-secret prints',
    ],
    [
      "the public half of a key that signs",
      signed(publicKey),
      "berth:builds.caches.0.push",
      'the secret "cache-key" is no key that Nix signs with: give it what nix key generate-secret prints',
    ],
    [
      "a key that signs of another name",
      signed(signer("cache-2", 0)),
      "berth:builds.caches.0.push",
      `the secret "cache-key" belongs to the public key cache-2:${"A".repeat(43)}=, and the cache's publicKey is ${publicKey}: hosts would refuse what it signs`,
    ],
    [
      "another key that signs",
      signed(signer("cache-1", 255)),
      "berth:builds.caches.0.push",
      `the secret "cache-key" belongs to the public key cache-1:${"/".repeat(42)}8=, and the cache's publicKey is ${publicKey}: hosts would refuse what it signs`,
    ],
  ])("%s is refused", (_, raw, path, message) =>
    expect(refusals(raw, { localBuilds: x86 })).toEqual([expect.objectContaining({ path, message })]),
  );

  test("a key that signs is believed where it is encrypted, as berth check reads it", () => {
    expect(() => refusals(signed(encrypted), { localBuilds: x86 })).toThrow("it was accepted");
  });

  test("a key that signs is a secret that is used", () => {
    const { notes } = plan(signed(`${signer("cache-1", 0)}\n`));
    expect(notes.filter((note) => note.includes("cache-key"))).toEqual([]);
  });

  test.each([
    [
      "an address without a scheme",
      { caches: [{ url: "cache.example", publicKey }] },
      "berth:builds.caches.0.url",
    ],
    [
      "a folder, which hosts cannot fetch from",
      { caches: [{ url: "file:///srv", publicKey }] },
      "berth:builds.caches.0.url",
    ],
    [
      "no public key",
      { caches: [{ url: "https://cache.example", publicKey: "abc" }] },
      "berth:builds.caches.0.publicKey",
    ],
    [
      "a password in an address",
      { caches: [{ url: "https://me:secret@cache.example", publicKey }] },
      "berth:builds.caches.0.url",
    ],
    [
      "a password in an address to push to",
      {
        caches: [
          { url: "https://cache.example", publicKey, push: "key", pushTo: "https://me:secret@a.example" },
        ],
      },
      "berth:builds.caches.0.pushTo",
    ],
    [
      "an address to push to without a key",
      { caches: [{ url: "https://cache.example", publicKey, pushTo: "s3://cache" }] },
      "berth:builds.caches.0",
    ],
    ["no release kept", { keep: 0 }, "berth:builds.keep"],
    [
      "a builder for nothing",
      { builders: { arm: { ...arm, systems: [] } } },
      "berth:builds.builders.arm.systems",
    ],
  ])("%s is refused", (_, builds, path) =>
    expect(refusals(withHost({}, { builds })).map((problem) => problem.path)).toEqual([path]),
  );
});
