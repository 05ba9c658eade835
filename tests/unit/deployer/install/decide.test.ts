import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  decideInstall,
  type InstallDecision,
  type Marker,
  type TargetFacts,
  type Wanted,
} from "../../../../deployer/install/decide.ts";
import type { Disks } from "../../../../deployer/remote/scripts.ts";

const wanted: Marker = { stack: "prod", host: "web1", server: "4711" };
const ordered: Wanted = { marker: wanted, ordered: true, erase: [] };
const fresh: TargetFacts = { identity: "bootstrap", os: "debian", variant: "", marker: null, disks: null };
const installed: TargetFacts = {
  identity: "lasting",
  os: "nixos",
  variant: "",
  marker: JSON.stringify(wanted),
  disks: null,
};
const installer: TargetFacts = { ...fresh, os: "nixos", variant: "installer" };
const marked = (changes: object) => JSON.stringify({ ...wanted, ...changes });

const otherStack = "a host belongs to one stack: replace the server, or destroy it in the other stack first";

describe("an install", () => {
  test.each<[string, TargetFacts, InstallDecision]>([
    ["a fresh Debian on the server that was just ordered is installed", fresh, { do: "install" }],
    ...["ubuntu", "fedora", "rocky", "almalinux", "centos", "opensuse-leap"].map(
      (os): [string, TargetFacts, InstallDecision] => [
        `so is a fresh ${os}`,
        { ...fresh, os },
        { do: "install" },
      ],
    ),
    ["an installer that an earlier run left goes on", installer, { do: "resume" }],
    ["a host with our marker is adopted", installed, { do: "adopt" }],
    [
      "so is one whose marker says more than ours",
      { ...installed, marker: marked({ installedAt: "2026-09-01" }) },
      { do: "adopt" },
    ],
    [
      "a base image with our marker is adopted, not wiped",
      { ...fresh, marker: JSON.stringify(wanted) },
      { do: "adopt" },
    ],
    [
      "a host of another stack is refused",
      { ...installed, marker: marked({ stack: "dev" }) },
      {
        do: "refuse",
        because:
          "it was installed as web1 of stack dev (server 4711), wanted is web1 of stack prod (server 4711)",
        next: otherStack,
      },
    ],
    [
      "another host of the same stack is refused",
      { ...installed, marker: marked({ host: "web2" }) },
      {
        do: "refuse",
        because:
          "it was installed as web2 of stack prod (server 4711), wanted is web1 of stack prod (server 4711)",
        next: otherStack,
      },
    ],
    [
      "a disk that came from another server is refused",
      { ...installed, marker: marked({ server: "4712" }) },
      {
        do: "refuse",
        because:
          "it was installed as web1 of stack prod (server 4712), wanted is web1 of stack prod (server 4711)",
        next: otherStack,
      },
    ],
    ...(
      [
        "",
        "not JSON",
        "{}",
        "null",
        '{"stack":"prod","host":"web1"}',
        '{"stack":1,"host":2,"server":3}',
      ] as const
    ).map((marker): [string, TargetFacts, InstallDecision] => [
      `a host with the foreign marker ${JSON.stringify(marker)} is refused`,
      { ...fresh, marker },
      { do: "refuse", because: "its /etc/berth/install.json is not one of ours", next: otherStack },
    ]),
    [
      "an installed host that lost its marker is refused",
      { ...installed, marker: null },
      {
        do: "refuse",
        because: "the host answers with the installed system's key but has no /etc/berth/install.json",
        next: "put the marker back if the host is this stack's, or replace the server",
      },
    ],
    [
      "an installer under the installed system's key is refused",
      { ...installer, identity: "lasting" },
      expect.objectContaining({ do: "refuse" }),
    ],
    [
      "a base image under the installed system's key is refused",
      { ...fresh, identity: "lasting" },
      expect.objectContaining({ do: "refuse" }),
    ],
    [
      "somebody's NixOS is refused",
      { ...fresh, os: "nixos" },
      {
        do: "refuse",
        because: "the host runs a NixOS that this stack did not install",
        next: "replace the server to install anew",
      },
    ],
    [
      "a system that no base image brings is refused",
      { ...fresh, os: "arch" },
      {
        do: "refuse",
        because: 'the host runs "arch", not a base image',
        next: "order the server with a base image such as debian-13",
      },
    ],
    ["a system without a name is refused", { ...fresh, os: "" }, expect.objectContaining({ do: "refuse" })],
  ])("on %s", (_, facts, expected) => {
    expect(decideInstall(facts, ordered)).toEqual(expected);
  });

  test("wipes nothing but a base image or the installer, unmarked, reached by the bootstrap key", () => {
    const bases = ["debian", "ubuntu", "fedora", "rocky", "almalinux", "centos", "opensuse-leap"];
    const facts: fc.Arbitrary<TargetFacts> = fc.record({
      identity: fc.constantFrom("bootstrap", "lasting"),
      os: fc.oneof(fc.constantFrom(...bases, "nixos", "Debian", "debian "), fc.string()),
      variant: fc.oneof(fc.constantFrom("", "installer"), fc.string()),
      marker: fc.oneof(
        fc.constant(null),
        fc.string(),
        fc.json(),
        fc
          .record({
            stack: fc.constantFrom("prod", "dev"),
            host: fc.constantFrom("web1", "web2"),
            server: fc.oneof(fc.constantFrom("4711", "4712"), fc.integer()),
          })
          .map((one) => JSON.stringify(one)),
      ),
      disks: fc.constant(null),
    });
    fc.assert(
      fc.property(facts, (found) => {
        const decision = decideInstall(found, ordered);
        if (decision.do !== "install" && decision.do !== "resume") return;
        expect(found.identity).toBe("bootstrap");
        expect(found.marker).toBeNull();
        if (decision.do === "install") expect(bases).toContain(found.os);
        else expect([found.os, found.variant]).toEqual(["nixos", "installer"]);
      }),
      { numRuns: 2_000 },
    );
  });
});

const root = {
  name: "sda",
  size: 480_103_981_056,
  ids: ["ata-Samsung_SSD_870_S62A", "wwn-0x5002538f"],
  serial: "S62A",
  holds: "3 partitions",
};
const spare = { name: "sdb", size: 4_000_787_030, ids: ["ata-WDC_WD40_W1"], serial: "W1", holds: "" };
const byId = (id: string) => `/dev/disk/by-id/${id}`;
const one: Disks = { disks: [root], layout: [{ device: "/dev/sda", disk: "sda" }] };
const two: Disks = { disks: [root, spare], layout: [{ device: byId("ata-WDC_WD40_W1"), disk: "sdb" }] };
const elsewhere = (erase: string[] = []): Wanted => ({ marker: wanted, ordered: false, erase });
const base: TargetFacts = { ...fresh, disks: one };

describe("an install on a machine that was ordered elsewhere", () => {
  const refused = (because: string, next: string): InstallDecision => ({ do: "refuse", because, next });
  const anew =
    "boot the machine into a base image or the NixOS installer, with the host key of the configuration";
  const wouldWipe =
    "this stack has not ordered it, and the installation would wipe sda (ata-Samsung_SSD_870_S62A, 480 GB, holds 3 partitions)";
  const theWord =
    "if nothing on it is needed any more, set berth:hosts.web1.existing.erase to [ata-Samsung_SSD_870_S62A] and run pulumi up again";

  test.each<[string, TargetFacts, Wanted, InstallDecision]>([
    [
      "without the word is refused, and told what it would wipe",
      base,
      elsewhere(),
      refused(wouldWipe, theWord),
    ],
    [
      "in the installer without the word is refused, too",
      { ...base, os: "nixos", variant: "installer" },
      elsewhere(),
      refused(wouldWipe, theWord),
    ],
    ["with another disk's word is refused", base, elsewhere(["S62B"]), refused(wouldWipe, theWord)],
    ["with the disk's id goes on", base, elsewhere(["ata-Samsung_SSD_870_S62A"]), { do: "install" }],
    ["with its whole path goes on", base, elsewhere([byId("wwn-0x5002538f")]), { do: "install" }],
    ["with its serial number goes on", base, elsewhere(["S62A"]), { do: "install" }],
    [
      "with the word goes on in the installer",
      { ...base, os: "nixos", variant: "installer" },
      elsewhere(["S62A"]),
      { do: "resume" },
    ],
    [
      "with our marker is adopted without a word",
      { ...installed, disks: null },
      elsewhere(),
      { do: "adopt" },
    ],
    [
      "with another's marker is refused in spite of the word",
      { ...base, marker: marked({ stack: "dev" }) },
      elsewhere(["S62A"]),
      expect.objectContaining({ do: "refuse" }),
    ],
    [
      "under the installed system's key without a marker is refused in spite of the word",
      { ...base, identity: "lasting" },
      elsewhere(["S62A"]),
      refused(
        "the host answers with the installed system's key but has no /etc/berth/install.json",
        `put the marker back if the host is this stack's, or ${anew}`,
      ),
    ],
    [
      "on somebody's NixOS is refused in spite of the word",
      { ...base, os: "nixos" },
      elsewhere(["S62A"]),
      refused("the host runs a NixOS that this stack did not install", `to install anew, ${anew}`),
    ],
    [
      "on what is no base image is refused in spite of the word",
      { ...base, os: "arch" },
      elsewhere(["S62A"]),
      refused('the host runs "arch", not a base image', anew),
    ],
    [
      "is not allowed by the word for a disk beside the one it wipes",
      { ...base, disks: two },
      elsewhere(["S62A"]),
      refused(
        "this stack has not ordered it, and the installation would wipe sdb (ata-WDC_WD40_W1, 4.0 GB, nothing to be seen on it)",
        "if nothing on it is needed any more, set berth:hosts.web1.existing.erase to [ata-WDC_WD40_W1] and run pulumi up again",
      ),
    ],
    [
      "wipes the disk that was named beside others",
      { ...base, disks: two },
      elsewhere(["W1"]),
      { do: "install" },
    ],
    [
      "with several disks is refused a name that another disk may have in the installer",
      { ...base, disks: { ...two, layout: one.layout } },
      elsewhere(["S62A"]),
      refused(
        "it has several disks, sda (ata-Samsung_SSD_870_S62A, 480 GB, holds 3 partitions), sdb (ata-WDC_WD40_W1, 4.0 GB, nothing to be seen on it), and the disk layout names /dev/sda, which the installer may give to another one",
        "name the disk in the flake's disko layout by its /dev/disk/by-id",
      ),
    ],
    [
      "whose layout names a disk that is not there is refused",
      { ...base, disks: { ...one, layout: [{ device: "/dev/vda", disk: "" }] } },
      elsewhere(["S62A"]),
      refused(
        "the disk layout names /dev/vda, and it has sda (ata-Samsung_SSD_870_S62A, 480 GB, holds 3 partitions)",
        "name the disk to install on in the flake's disko layout, by its /dev/disk/by-id",
      ),
    ],
    [
      "whose manifest names no disk is refused",
      { ...base, disks: { ...one, layout: [] } },
      elsewhere(["S62A"]),
      refused(
        "this stack has not ordered it, and the flake's manifest names no disk to install on",
        "name the disks in berth.hosts of the flake",
      ),
    ],
    [
      "nobody has looked at is refused",
      { ...base, disks: null },
      elsewhere(["S62A"]),
      expect.objectContaining({ do: "refuse" }),
    ],
    [
      "has no word for a disk without a name",
      { ...base, disks: { ...one, disks: [{ ...root, ids: [], serial: "" }] } },
      elsewhere([""]),
      refused(
        "this stack has not ordered it, and the installation would wipe sda (480 GB, holds 3 partitions)",
        "a disk without a serial number cannot be named in berth:hosts.web1.existing.erase: install this machine by hand",
      ),
    ],
  ])("%s", (_, facts, want, expected) => {
    expect(decideInstall(facts, want)).toEqual(expected);
  });

  test("wipes no disk that was not named", () => {
    const disk = fc.record({
      name: fc.constantFrom("sda", "sdb", "nvme0n1"),
      size: fc.nat(),
      ids: fc.array(fc.constantFrom("ata-1", "ata-2", "wwn-1"), { maxLength: 2 }),
      serial: fc.constantFrom("", "1", "2"),
      holds: fc.constantFrom("", "ext4"),
    });
    const disks: fc.Arbitrary<Disks> = fc.record({
      disks: fc.uniqueArray(disk, { selector: ({ name }) => name }),
      layout: fc.array(
        fc.record({
          device: fc.constantFrom("/dev/sda", byId("ata-1")),
          disk: fc.constantFrom("", "sda", "sdb", "nvme0n1"),
        }),
      ),
    });
    const words = fc.array(fc.constantFrom("ata-1", byId("ata-2"), "1", "", "sda", "/dev/sda"));
    let wiped = 0;
    fc.assert(
      fc.property(disks, words, fc.constantFrom("debian", "nixos"), (found, erase, os) => {
        const facts: TargetFacts = { ...base, os, variant: os === "nixos" ? "installer" : "", disks: found };
        if (decideInstall(facts, elsewhere(erase)).do === "refuse") return;
        wiped += 1;
        expect(found.layout.length).toBeGreaterThan(0);
        for (const { disk: name } of found.layout) {
          const there = found.disks.find((candidate) => candidate.name === name);
          const names = [...(there?.ids ?? []), ...(there?.ids ?? []).map(byId), there?.serial];
          expect(erase.some((word) => word !== "" && names.includes(word))).toBe(true);
        }
      }),
      { numRuns: 3_000 },
    );
    expect(wiped).toBeGreaterThan(20);
  });
});
