import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { decideInstall } from "../../../../deployer/install/decide.ts";
import {
  type InstallDecision,
  type Marker,
  reinstallToken,
  type TargetFacts,
  type Wanted,
} from "../../../../deployer/install/facts.ts";
import type { Disks } from "../../../../deployer/remote/scripts.ts";

const wanted: Marker = { stack: "prod", host: "web1", server: "4711" };
const ordered: Wanted = {
  marker: wanted,
  ordered: true,
  erase: [],
  reinstall: null,
  adopt: null,
  system: "x86_64-linux",
  requires: { disk: 20, memory: 2 },
};
const sda = { name: "sda", size: 40e9, ids: ["scsi-0QEMU_QEMU_HARDDISK_1"], serial: "1", holds: "ext4" };
const cloudDisk: Disks = { disks: [sda], layout: [{ device: "/dev/sda", disk: "sda" }], volumes: [] };
const fresh: TargetFacts = {
  identity: "bootstrap",
  os: "debian",
  variant: "",
  marker: null,
  machine: "x86_64",
  memory: 4e9,
  disks: cloudDisk,
  next: "disko",
  bootedBy: [],
};
const installed: TargetFacts = {
  ...fresh,
  identity: "lasting",
  os: "nixos",
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
    ["an installer that an earlier run left goes on", installer, { do: "resume", from: "disko" }],
    [
      "so does one whose disk is laid out",
      { ...installer, next: "install" },
      { do: "resume", from: "install" },
    ],
    ["a host with our marker is adopted", installed, { do: "adopt", rewrite: false }],
    [
      "so is one whose marker says more than ours",
      { ...installed, marker: marked({ installedAt: "2026-09-01" }) },
      { do: "adopt", rewrite: false },
    ],
    [
      "a base image with our marker, which somebody else put there, is refused",
      { ...fresh, marker: JSON.stringify(wanted) },
      expect.objectContaining({ do: "refuse" }),
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
        next: 'if this is that server\'s restored snapshot, set berth:hosts.web1.adopt to "4712" and run pulumi up again',
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
      {
        do: "refuse",
        because: "its /etc/berth/install.json is not one of ours",
        next: "replace the server",
      },
    ]),
    [
      "an installed host that lost its marker is refused",
      { ...installed, marker: null },
      {
        do: "refuse",
        because: "the host answers with the installed system's key but has no /etc/berth/install.json",
        next: `if the host is this stack's, write ${JSON.stringify(wanted)} into that file and run pulumi up again; else replace the server`,
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
});

describe("a machine that the system does not fit is refused", () => {
  const layout = (device: string, disk: string) => [{ device, disk }];
  const volume = { ...sda, name: "sdb", ids: ["scsi-0HC_Volume_17"], holds: "ext4" };
  const other = { ...sda, name: "sdc", ids: ["scsi-0QEMU_QEMU_HARDDISK_2"], serial: "2" };
  const byId = "name the disk in the flake's disko layout by its /dev/disk/by-id";
  const told =
    "sda (scsi-0QEMU_QEMU_HARDDISK_1, 40 GB, holds ext4), sdc (scsi-0QEMU_QEMU_HARDDISK_2, 40 GB, holds ext4)";

  test.each<[string, Partial<TargetFacts>, string, string]>([
    [
      "of another architecture",
      { machine: "aarch64" },
      "it is a aarch64 machine, and the flake's system is for x86_64-linux",
      "order a server type of the architecture x86_64",
    ],
    [
      "with less memory than the flake requires",
      { memory: 1.7e9 },
      "it has 1.7 GB of memory, and the flake's system requires 2 GB",
      "order a larger server type",
    ],
    [
      "whose disk is a volume",
      { disks: { ...cloudDisk, disks: [{ ...volume, name: "sda" }] } },
      "the disk layout names /dev/sda, which is a volume there: sda (scsi-0HC_Volume_17, 40 GB, holds ext4)",
      byId,
    ],
    [
      "whose layout names a volume",
      { disks: { ...cloudDisk, layout: layout("/dev/disk/by-id/scsi-0HC_Volume_17", "") } },
      "the disk layout names /dev/disk/by-id/scsi-0HC_Volume_17, which is a volume there",
      byId,
    ],
    [
      "that lacks the disk",
      { disks: { ...cloudDisk, layout: layout("/dev/vda", "") } },
      "the disk layout names /dev/vda, and it has sda (scsi-0QEMU_QEMU_HARDDISK_1, 40 GB, holds ext4)",
      byId,
    ],
    [
      "with several disks of which a letter names one",
      { disks: { ...cloudDisk, disks: [sda, other] } },
      `it has several disks, ${told}, and the disk layout names /dev/sda, which the installer may give to another one`,
      byId,
    ],
    [
      "whose disk is too small",
      { disks: { ...cloudDisk, disks: [{ ...sda, size: 19e9 }] } },
      "the flake's system requires a disk of 20 GB, and the layout has sda (scsi-0QEMU_QEMU_HARDDISK_1, 19 GB, holds ext4)",
      "order a server type with a larger disk, or lower requires.disk of the flake's manifest",
    ],
    [
      "whose disks nobody has looked at",
      { disks: null },
      "nobody has looked at its disks",
      "run pulumi up again",
    ],
  ])("%s", (_, changes, because, next) => {
    expect(decideInstall({ ...fresh, ...changes }, ordered)).toEqual({ do: "refuse", because, next });
    expect(decideInstall({ ...installer, ...changes }, ordered).do).toBe("refuse");
  });

  test("for want of memory to boot the installer in, though not once that runs", () => {
    const small: Wanted = { ...ordered, requires: { disk: null, memory: null } };
    expect(decideInstall({ ...fresh, memory: 1e9 }, small)).toEqual({
      do: "refuse",
      because: "it has 1.0 GB of memory, and the installer, which runs in memory, needs 1.5 GB",
      next: "order a larger server type",
    });
    expect(decideInstall({ ...installer, memory: 1e9 }, small)).toEqual({ do: "resume", from: "disko" });
  });

  test.each<[string, Disks]>([
    ["a volume beside its disk", { ...cloudDisk, disks: [sda, volume] }],
    [
      "a disk of its own beside another, by id",
      {
        disks: [sda, other],
        layout: layout("/dev/disk/by-id/scsi-0QEMU_QEMU_HARDDISK_2", "sdc"),
        volumes: [],
      },
    ],
    ["no disk at all, as a container", { disks: [], layout: layout("/dev/sda", ""), volumes: [] }],
  ])("and one with %s is not", (_, disks) => {
    expect(decideInstall({ ...fresh, disks }, ordered)).toEqual({ do: "install" });
  });
});

describe("a reinstall", () => {
  const word = { server: "4711", value: "new layout" };
  const again: Wanted = { ...ordered, reinstall: word };
  const ours: TargetFacts = { ...installed, disks: cloudDisk };
  const booted: TargetFacts = {
    ...installer,
    identity: "lasting",
    bootedBy: [reinstallToken(wanted, "new layout")],
  };

  test.each<[string, TargetFacts, Wanted, InstallDecision]>([
    ["that is wanted of this server wipes it", ours, again, { do: "reinstall" }],
    [
      "is done once a value",
      { ...ours, marker: marked({ reinstall: "new layout" }) },
      again,
      { do: "adopt", rewrite: false },
    ],
    [
      "is done again for another value",
      { ...ours, marker: marked({ reinstall: "older layout" }) },
      again,
      { do: "reinstall" },
    ],
    [
      "of another server leaves this one alone",
      ours,
      { ...again, reinstall: { ...word, server: "4712" } },
      { do: "adopt", rewrite: false },
    ],
    [
      "without a value is none",
      ours,
      { ...again, reinstall: { ...word, value: "" } },
      { do: "adopt", rewrite: false },
    ],
    ["goes on in the installer that it has booted", booted, again, { do: "resume", from: "disko" }],
    [
      "goes on in no installer that another value has booted",
      { ...booted, bootedBy: [reinstallToken(wanted, "older layout")] },
      again,
      expect.objectContaining({
        do: "refuse",
        next: "restart the machine, so that the installed system is back",
      }),
    ],
    [
      "goes on in no installer when it is wanted no more",
      booted,
      ordered,
      expect.objectContaining({ do: "refuse" }),
    ],
    [
      "does not wipe a volume",
      { ...ours, disks: { ...cloudDisk, disks: [{ ...sda, ids: ["scsi-0HC_Volume_17"] }] } },
      again,
      expect.objectContaining({ do: "refuse" }),
    ],
    [
      "of another stack's host is refused",
      { ...ours, marker: marked({ stack: "dev" }) },
      again,
      expect.objectContaining({ do: "refuse" }),
    ],
    [
      "of a machine that was ordered elsewhere wipes no disk that was not named",
      ours,
      { ...again, ordered: false },
      expect.objectContaining({ do: "refuse" }),
    ],
    [
      "of a machine that was ordered elsewhere wipes the disk that was named",
      ours,
      { ...again, ordered: false, erase: ["1"] },
      { do: "reinstall" },
    ],
  ])("%s", (_, facts, want, expected) => {
    expect(decideInstall(facts, want)).toEqual(expected);
  });
});

describe("a restored snapshot", () => {
  const adopting: Wanted = { ...ordered, adopt: "4710" };
  const restored = { ...installed, marker: marked({ server: "4710" }) };

  test.each<[string, TargetFacts, Wanted, InstallDecision]>([
    ["of the server that `adopt` names is taken over", restored, adopting, { do: "adopt", rewrite: true }],
    [
      "of another one is refused",
      { ...restored, marker: marked({ server: "4709" }) },
      adopting,
      expect.objectContaining({ do: "refuse" }),
    ],
    [
      "of another host is refused, whatever its server",
      { ...restored, marker: marked({ server: "4710", host: "web2" }) },
      adopting,
      expect.objectContaining({ do: "refuse" }),
    ],
    ["that has been taken over is there", installed, adopting, { do: "adopt", rewrite: false }],
    [
      "that is not there yet is not installed over",
      fresh,
      adopting,
      {
        do: "refuse",
        because: "berth:hosts.web1.adopt says that it is the restored snapshot of server 4710, and it is not",
        next: "rebuild the server from that snapshot, or remove berth:hosts.web1.adopt to install it anew, and run pulumi up again",
      },
    ],
  ])("%s", (_, facts, want, expected) => {
    expect(decideInstall(facts, want)).toEqual(expected);
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
const one: Disks = { disks: [root], layout: [{ device: "/dev/sda", disk: "sda" }], volumes: [] };
const two: Disks = {
  disks: [root, spare],
  layout: [{ device: byId("ata-WDC_WD40_W1"), disk: "sdb" }],
  volumes: [],
};
const elsewhere = (erase: string[] = []): Wanted => ({
  ...ordered,
  ordered: false,
  erase,
  requires: { disk: null, memory: null },
});
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
      { do: "resume", from: "disko" },
    ],
    [
      "with our marker is adopted without a word",
      { ...installed, disks: null },
      elsewhere(),
      { do: "adopt", rewrite: false },
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
        `if the host is this stack's, write ${JSON.stringify(wanted)} into that file and run pulumi up again; else ${anew}`,
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
      volumes: fc.constant([]),
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
