import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { decideInstall } from "../../../../deployer/install/decide.ts";
import type { InstallDecision, TargetFacts, Wanted } from "../../../../deployer/install/facts.ts";
import type { Disks } from "../../../../deployer/remote/scripts.ts";
import { fresh, installed, marked, ordered, wanted } from "./decide-samples.ts";

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
    "boot the machine into a base image or the NixOS installer, and set its hostKey in the configuration to the one that it then shows (berth trust)";
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
        "name the disk in the flake's disko layout by its /dev/disk/by-id",
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
