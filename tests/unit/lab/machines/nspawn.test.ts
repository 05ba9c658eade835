import { expect, test } from "vitest";
import type { MachineSpec } from "../../../../lab/cloud/driver.ts";
import { trackingRoots } from "../../../../lab/machines/cgroups.ts";
import { nspawnArguments, type RealBoot, rootLayers } from "../../../../lab/machines/nspawn.ts";
import type { Plugged } from "../../../../lab/machines/plugged.ts";
import { mountsBelow } from "../../../../lab/machines/recovery.ts";

const spec: MachineSpec = {
  id: 7,
  name: "web1",
  image: "debian-13",
  ipv4: "10.87.12.10",
  ipv6: null,
  mac: "96:00:00:00:00:07",
  sshKeys: [],
  userData: null,
};
const init = "/nix/store/00000000000000000000000000000000-web/init";
const installed: RealBoot = {
  boot: "installed",
  entry: "nixos-generation-1.conf",
  init,
  oneshot: false,
  panic: null,
};
const nothing: Plugged = { cards: [], volumes: [] };
const folder = "/lab/machines/7";
const work = `${folder}/work`;
const networks = `--bind=${work}/networks:/run/systemd/network`;
const disk = `--bind=${folder}/disk:/run/lab/disk`;
const noCloud = `--bind-ro=${work}/no-cloud-init:/etc/cloud/cloud-init.disabled`;

test.each<[string, RealBoot, string[], string | null, string[]]>([
  [
    "Debian runs on its own layer, with cloud-init",
    { boot: "debian", docker: false },
    ["work/base"],
    "disk/debian",
    [networks, "--boot"],
  ],
  [
    "Debian with Docker has a layer more, and Docker's files in a folder that is no overlay",
    { boot: "debian", docker: true },
    ["work/docker", "work/base"],
    "disk/debian",
    [networks, `--bind=${folder}/disk/docker:/var/lib/docker`, "--boot"],
  ],
  [
    "the installer forgets what it writes and has the disk at /run/lab/disk",
    { boot: "installer" },
    ["work/handover/root", "work/installer", "work/base"],
    null,
    [networks, noCloud, disk, "--boot"],
  ],
  [
    "the rescue system forgets what it writes, has the disk there too, and is no cloud-init's business",
    { boot: "rescue" },
    ["work/rescue", "work/base"],
    null,
    [networks, noCloud, disk, "--boot"],
  ],
  [
    "an installed system has its ESP at /boot, and its init is PID 1",
    installed,
    ["work/base"],
    "disk/root",
    [networks, noCloud, `--bind=${folder}/disk/esp:/boot`, "--kill-signal=SIGRTMIN+3", "--", init],
  ],
])("%s", (_, boot, lower, upper, last) => {
  expect(rootLayers(boot)).toEqual({ lower, upper });
  const all = nspawnArguments("berth-1a2b-7", folder, spec, boot, nothing);
  const firmware = all.indexOf(`--bind=${folder}/firmware:/run/lab/firmware`);
  expect(all.slice(firmware + 1)).toEqual(last);
  expect(all).toContain("--keep-unit");
  expect(all).toContain(`--hostname=${boot.boot === "rescue" ? "rescue" : "web1"}`);
});

test("a machine id is the same for every boot of a machine, and another for another machine", () => {
  const uuid = (name: string) =>
    nspawnArguments(name, "/lab", spec, { boot: "debian", docker: false }, nothing).find((word) =>
      word.startsWith("--uuid="),
    );
  expect(uuid("berth-1a2b-7")).toBe(uuid("berth-1a2b-7"));
  expect(uuid("berth-1a2b-7")).not.toBe(uuid("berth-1a2b-8"));
});

test("private cards and volumes are there from the first moment", () => {
  const card = {
    server: 7,
    network: 3,
    mac: "86:00:00:00:00:07",
    address: "10.0.1.2",
    aliases: [],
    range: "10.0.0.0/16",
  };
  const plugged = { cards: [{ card, name: "eth1" }], volumes: [{ id: 12, device: "/dev/loop3" }] };
  const all = nspawnArguments("berth-1a2b-7", folder, spec, { boot: "debian", docker: false }, plugged);
  expect(all).toContain("--network-interface=eth1");
  expect(all).toContain("--bind=/dev/loop3:/dev/disk/by-id/scsi-0HC_Volume_12");
});

test("a colon in the lab's path does not end a mount's source", () => {
  expect(nspawnArguments("m", "/a:b", spec, { boot: "debian", docker: false }, nothing)).toContain(
    "--bind=/a\\:b/firmware:/run/lab/firmware",
  );
});

const version1 = `31 23 0:28 / /sys/fs/cgroup rw - tmpfs tmpfs rw
35 31 0:32 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory
40 31 0:37 / /sys/fs/cgroup/systemd rw - cgroup cgroup rw,name=systemd
41 31 0:38 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw`;

test.each([
  ["version 2", "30 23 0:26 / /sys/fs/cgroup rw shared:4 - cgroup2 cgroup2 rw", ["/sys/fs/cgroup"]],
  ["version 1", version1, ["/sys/fs/cgroup/systemd", "/sys/fs/cgroup/unified"]],
  ["none", "25 1 0:5 / /proc rw - proc proc rw", []],
])("machines are tracked in the right hierarchies: cgroup %s", (_, mountinfo, expected) => {
  expect(trackingRoots(mountinfo)).toEqual(expected);
});

test("mounts below a folder are found deepest first, and a neighbour's are not", () => {
  const line = (target: string) => `36 35 98:0 / ${target} rw - ext4 /dev/root rw`;
  const mountinfo = ["/", "/a b/machines/1", "/a b/machines/1/x", "/a b/machines-2"]
    .map((path) => line(path.replaceAll(" ", "\\040")))
    .join("\n");
  expect(mountsBelow(mountinfo, "/a b/machines")).toEqual(["/a b/machines/1/x", "/a b/machines/1"]);
});
