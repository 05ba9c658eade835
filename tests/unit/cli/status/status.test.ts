import { describe, expect, test } from "vitest";
import { isTight, judge } from "../../../../cli/status/judge.ts";
import type { HostLook, Told } from "../../../../cli/status/look.ts";
import { statusTable } from "../../../../cli/status/render.ts";
import { nameOf } from "../../../../deployer/health/check.ts";
import { seenOn } from "./seen.ts";

const release = "/nix/store/1a2b3c4d5e6f7a8b9c0d1e2f3a4b5c6d-nixos-system-web1-26.05";
const older = "/nix/store/9z8y7x6w5v4u3t2s1r0q9p8n7m6l5k4j-nixos-system-web1-25.11";
const now = new Date("2026-11-22T12:00:00Z");
const seconds = (time: string) => Date.parse(time) / 1000;

const seen = seenOn(release);
const told: Told = {
  seen,
  generations: [
    { number: 13, toplevel: older, at: seconds("2026-11-20T12:00:00Z"), label: null, checks: null },
    { number: 14, toplevel: release, at: seconds("2026-11-22T09:00:00Z"), label: null, checks: null },
  ],
  space: [
    { at: "/", size: 40e9, free: 24e9 },
    { at: "/boot", size: 1e9, free: 800e6 },
  ],
};
const health = [{ https: "https://example.org/healthz" }, { tcp: 5432 }];
const known = {
  urn: "urn:pulumi:prod::berth::berth:deploy:Deployment::web1-deployment",
  inputs: {
    host: "web1",
    toplevel: release,
    drvPath: `${release}.drv`,
    system: "x86_64-linux",
    health,
    healthDeadline: 60,
  },
  release,
};
const healthy = { healthy: true as const, took: 12 };
const good: HostLook = {
  host: "web1",
  address: "203.0.113.7",
  known,
  told,
  checks: health.map((check) => ({ check, verdict: healthy })),
  certificates: [
    {
      of: { name: "example.org", port: 443 },
      seen: { from: new Date("2026-10-01T00:00:00Z"), until: new Date("2026-12-30T00:00:00Z") },
    },
  ],
};
const looked = (told: Partial<Told>, more: Partial<HostLook> = {}): HostLook => ({
  ...good,
  ...more,
  told: { ...(good.told as Told), ...told },
});
const sawn = (some: Partial<Told["seen"]>) => looked({ seen: { ...seen, ...some } });
const certificate = (some: HostLook["certificates"][number]["seen"]) =>
  looked({}, { certificates: [{ of: { name: "example.org", port: 443 }, seen: some }] });
const judged = (look: HostLook) => judge(look, "prod", now);

test("a host that is well is told in full, with nothing wrong", () => {
  expect(judged(good)).toEqual({
    host: "web1",
    address: "203.0.113.7",
    well: true,
    wrong: [],
    reached: true,
    release,
    generation: 14,
    keptAt: "2026-11-22T09:00:00.000Z",
    checks: [
      { check: "https://example.org/healthz", healthy: true },
      { check: "TCP port 5432", healthy: true },
    ],
    drift: [],
    rebootDue: [],
    failedUnits: [],
    disks: told.space,
    certificates: [{ name: "example.org", until: "2026-12-30T00:00:00.000Z", daysLeft: 37 }],
    held: null,
  });
});

const hold = JSON.stringify({ toplevel: release, since: "2026-11-22T10:00:00Z", by: "ada" });

describe("a host is not well", () => {
  test.each<[string, HostLook, string]>([
    ["that tells nothing", { ...good, told: { error: "web1: no answer." } }, "web1: no answer."],
    [
      "that nobody knows how it was deployed",
      { ...good, known: undefined },
      "does not know how it was deployed",
    ],
    [
      "whose check fails",
      looked(
        {},
        { checks: [{ check: { tcp: 22 }, verdict: { healthy: false, because: "TCP port 22 failed" } }] },
      ),
      "TCP port 22 failed",
    ],
    [
      "that runs another release",
      sawn({ current: older, profile: older }),
      `it runs ${older}, not ${release}`,
    ],
    ["that boots another release", sawn({ profile: older }), `its next boot starts ${older}`],
    [
      "whose release is held back",
      sawn({ current: older, profile: older, held: hold }),
      "rolled back by hand by ada",
    ],
    ["that is due for a reboot", sawn({ pendingReboot: ["kernel"] }), "a reboot is due"],
    ["with a failed unit", sawn({ failed: [{ unit: "site@a.service", journal: "" }] }), "site@a.service"],
    ["without its marker", sawn({ marker: null }), "install.json is gone"],
    ["with a full disk", looked({ space: [{ at: "/", size: 40e9, free: 3e9 }] }), "/ has 3.0 GB left"],
    [
      "whose certificate nobody trusts",
      certificate({ from: now, until: new Date("2027-01-01"), refused: "DEPTH_ZERO_SELF_SIGNED_CERT" }),
      "nobody trusts the certificate of example.org: DEPTH_ZERO_SELF_SIGNED_CERT",
    ],
    [
      "whose certificate is not renewed",
      certificate({ from: new Date("2026-09-01T12:00:00Z"), until: new Date("2026-11-30T12:00:00Z") }),
      "the certificate of example.org has 8 days left",
    ],
    [
      "that shows no certificate",
      certificate({ because: "no answer" }),
      "no certificate of example.org was seen",
    ],
  ])("%s", (_, look, told) => {
    const { well, wrong } = judged(look);
    expect(well).toBe(false);
    expect(wrong).toHaveLength(1);
    expect(wrong[0]).toContain(told);
  });
});

test("a certificate of six days is well on its last but one", () => {
  const six = { from: new Date("2026-11-18T00:00:00Z"), until: new Date("2026-11-24T00:00:00Z") };
  expect(judged(certificate(six)).well).toBe(true);
});

test.each([
  ["/", 40e9, 4.1e9, false],
  ["/", 40e9, 3.9e9, true],
  ["/", 2e12, 5.1e9, false],
  ["/", 2e12, 4.9e9, true],
  ["/nix", 10e9, 0.9e9, true],
  ["/boot", 1e9, 101e6, false],
  ["/boot", 1e9, 99e6, true],
  ["/boot", 256e6, 60e6, false],
  ["/boot", 256e6, 50e6, true],
])("%s of %d bytes with %d left is tight: %s", (at, size, free, tight) => {
  expect(isTight({ at, size, free })).toBe(tight);
});

test.each([
  [{ http: "http://a/" }, "http://a/"],
  [{ https: "https://a/" }, "https://a/"],
  [{ tcp: 1 }, "TCP port 1"],
  [{ unit: "a.service" }, "a.service"],
  [{ command: "true" }, "true"],
])("the check %j is called %s", (check, name) => {
  expect(nameOf(check)).toBe(name);
});

describe("the table", () => {
  test("has all hosts side by side, what is wrong with each, and a line that counts them", () => {
    const web2: HostLook = {
      ...sawn({ ...seenOn(older, "web2"), held: hold, pendingReboot: ["kernel"] }),
      host: "web2",
      certificates: [],
    };
    const dead: HostLook = {
      ...good,
      host: "web3",
      told: { error: "web3 (203.0.113.9): open an ssh connection: timed out." },
      checks: [{ check: { tcp: 22 }, verdict: { healthy: false, because: "TCP port 22 failed: timed out" } }],
      certificates: [],
    };
    expect(statusTable([good, web2, dead].map(judged), now)).toBe(
      [
        "host  release                          gen  kept        health      drift  reboot  failed  / free         /boot free    TLS      held",
        "web1  1a2b3c…-nixos-system-web1-26.05  14   3 h ago     ok          no     no      0       24.0 GB, 60 %  800 MB, 80 %  37 days  -",
        "web2  9z8y7x…-nixos-system-web1-25.11  13   2 days ago  ok          no     due     0       24.0 GB, 60 %  800 MB, 80 %  -        1a2b3c…-nixos-system-web1-26.05",
        "web3  not reached                      ?    ?           1 of 1 bad  ?      ?       ?       ?              ?             -        ?",
        "",
        `web2: rolled back by hand by ada at 2026-11-22T10:00:00Z: it stays on ${older}; berth unhold web2 has the next update return it to ${release}`,
        "web2: a reboot is due: it still runs the kernel of another system",
        "web3 (203.0.113.9): open an ssh connection: timed out.",
        "web3: TCP port 22 failed: timed out",
        "",
        "1 of 3 hosts are well.",
      ].join("\n"),
    );
  });

  test("has a line alone where all are well, and where there are none", () => {
    expect(statusTable([judged(good)], now)).toMatch(/\n\nAll hosts are well: 1\.$/);
    expect(statusTable([], now)).toBe("The stack has no hosts.");
  });
});
