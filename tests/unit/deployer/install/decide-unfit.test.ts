import { describe, expect, test } from "vitest";
import { decideInstall } from "../../../../deployer/install/decide.ts";
import type { TargetFacts, Wanted } from "../../../../deployer/install/facts.ts";
import type { Disks } from "../../../../deployer/remote/scripts.ts";
import { cloudDisk, fresh, installer, ordered, sda } from "./decide-samples.ts";

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
