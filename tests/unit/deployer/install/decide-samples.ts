import type { Marker, TargetFacts, Wanted } from "../../../../deployer/install/facts.ts";
import type { Disks } from "../../../../deployer/remote/scripts.ts";

export const wanted: Marker = { stack: "prod", host: "web1", server: "4711" };
export const ordered: Wanted = {
  marker: wanted,
  ordered: true,
  erase: [],
  reinstall: null,
  adopt: null,
  system: "x86_64-linux",
  requires: { disk: 20, memory: 2 },
};
export const sda = {
  name: "sda",
  size: 40e9,
  ids: ["scsi-0QEMU_QEMU_HARDDISK_1"],
  serial: "1",
  holds: "ext4",
};
export const cloudDisk: Disks = { disks: [sda], layout: [{ device: "/dev/sda", disk: "sda" }], volumes: [] };
export const fresh: TargetFacts = {
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
export const installed: TargetFacts = {
  ...fresh,
  identity: "lasting",
  os: "nixos",
  marker: JSON.stringify(wanted),
  disks: null,
};
export const installer: TargetFacts = { ...fresh, os: "nixos", variant: "installer" };
export const marked = (changes: object) => JSON.stringify({ ...wanted, ...changes });
