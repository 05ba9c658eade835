import { afterAll, beforeAll, expect, type TestContext, test } from "vitest";
import { z } from "zod";
import { type Evaluation, openFlake } from "./nix.ts";

// Every disk layout through a small host that uses it (disks/hosts.nix). Evaluated, neither built nor booted.
let flake: Evaluation;
const told: Record<string, Promise<unknown>> = {};

beforeAll(async () => {
  flake = await openFlake();
});
afterAll(() => flake[Symbol.asyncDispose]());

const strings = z.array(z.string());
const facts = z.object({
  toplevel: z.string(),
  refused: strings,
  warnings: strings,
  disko: z.string(),
  disks: z.record(z.string(), z.string()),
  fileSystems: z.record(z.string(), z.object({ device: z.string(), fsType: z.string(), options: strings })),
  grub: z.object({
    enable: z.boolean(),
    devices: strings,
    efiSupport: z.boolean(),
    efiInstallAsRemovable: z.boolean(),
    mirroredBoots: z.array(z.object({ path: z.string(), devices: strings, efiSysMountPoint: z.string() })),
  }),
  systemdBoot: z.boolean(),
  touchesEfiVariables: z.boolean(),
  networks: strings,
  initrd: z.object({
    modules: strings,
    systemd: z.boolean(),
    luks: z.record(
      z.string(),
      z.object({
        ...{ device: z.string(), keyFile: z.string().nullable(), allowDiscards: z.boolean() },
        crypttabExtraOpts: strings,
      }),
    ),
    secrets: z.record(z.string(), z.string()),
    ssh: z.object({ enable: z.boolean(), port: z.int(), hostKeys: strings }),
    networks: z.record(
      z.string(),
      z.object({ networkConfig: z.record(z.string(), z.unknown()), address: strings, gateways: strings }),
    ),
    commands: strings,
    passwd: z.string(),
    storePaths: strings,
  }),
  snapshots: z.record(
    z.string(),
    z.object({ onCalendar: z.string(), snapshot_preserve: z.string(), snapshot_dir: z.string() }),
  ),
});
type Facts = z.infer<typeof facts>;

const x86 = ["bios-uefi", "bios-uefi-btrfs", "bios-uefi-luks", "mirror", "mirror-luks-btrfs", "uefi"];
const arm = ["mirror", "uefi", "uefi-btrfs", "uefi-luks"];

/** All hosts of an architecture in one evaluation, which takes half a minute. */
async function hosts(ctx: TestContext, system: "x86_64" | "aarch64"): Promise<Record<string, Facts>> {
  told[system] ??= flake.evaluate(
    ctx,
    `checks.${system}-linux`,
    `checks:
      let prefix = "disk-"; names = builtins.filter (n: builtins.substring 0 5 n == prefix) (builtins.attrNames checks); in
      builtins.listToAttrs (map (n: {
        name = builtins.substring 5 100 n;
        value = import ${flake.folder}/tests/nix/disks/facts.nix checks.\${n}.config;
      }) names)`,
  );
  return z.record(z.string(), facts).parse(await told[system]);
}

async function host(ctx: TestContext, name: string): Promise<Facts> {
  const [system, layout = ""] = name.split(" ");
  const found = (await hosts(ctx, system === "x86_64" ? system : "aarch64"))[layout];
  if (!found) throw new Error(`no host ${name}`);
  return found;
}

/** Partitions as the script makes them: label, type and where each ends. */
const partitions = (script: string) =>
  [
    ...script.matchAll(
      /sgdisk --align-end[^"]*--new=(\d+):\S+:(\S+)[^"]*"[^"]*"[^"]*--change-name="\d+:(\S+?)"\s*\\\s*--typecode=\d+:(\S+)/g,
    ),
  ].map(([, number, end, label, type]) => [number, label, type, end].join(" "));

const names = [...x86.map((layout) => `x86_64 ${layout}`), ...arm.map((layout) => `aarch64 ${layout}`)];
const dead = ["nofail", "x-systemd.device-timeout=10s"];
const esp = (disk: string, ...options: string[]) => ({
  device: `/dev/disk/by-partlabel/disk-${disk}-esp`,
  fsType: "vfat",
  options: ["umask=0077", ...options],
});

test.for([
  ["x86_64", x86],
  ["aarch64", arm],
] as const)("every layout for %s is tried", async ([system, layouts], ctx) => {
  expect(Object.keys(await hosts(ctx, system)).sort()).toEqual(layouts);
});

test("every host evaluates whole, is refused nothing and warned of nothing", async (ctx) => {
  for (const name of names) {
    const { toplevel, refused, warnings } = await host(ctx, name);
    expect(toplevel, name).toMatch(/^\/nix\/store\/\w{32}-nixos-system-.*\.drv$/);
    expect({ refused, warnings }, name).toEqual({ refused: [], warnings: [] });
  }
});

test("each script makes the partitions that its firmware boots from, and wipes just the disks that were named", async (ctx) => {
  const tables: Record<string, string[]> = {
    "bios-uefi": ["1 disk-main-bios EF02 +1M", "2 disk-main-esp EF00 +1G", "3 disk-main-root 8300 -0"],
    uefi: ["1 disk-main-esp EF00 +1G", "2 disk-main-root 8300 -0"],
    mirror: ["main", "second"].flatMap((disk) => [
      `1 disk-${disk}-bios EF02 +1M`,
      `2 disk-${disk}-esp EF00 +1G`,
      `3 disk-${disk}-root FD00 -0`,
    ]),
    "aarch64 mirror": ["main", "second"].flatMap((disk) => [
      `1 disk-${disk}-esp EF00 +1G`,
      `2 disk-${disk}-root FD00 -0`,
    ]),
  };
  for (const name of names) {
    const { disko, disks } = await host(ctx, name);
    const layout = name.split(" ")[1] ?? "";
    const table = tables[name] ?? tables[layout.replace(/(-luks|-btrfs)+$/, "")];
    expect(partitions(disko), name).toEqual(table);
    const wiped = /^for dev in (.*);$/m.exec(disko)?.[1]?.split(" ");
    expect(wiped, name).toEqual(Object.values(disks));
  }
});

test("each host has the boot loader of its firmware, which leaves the firmware's memory alone", async (ctx) => {
  for (const name of names) {
    const { grub, systemdBoot, touchesEfiVariables } = await host(ctx, name);
    expect([grub.enable, systemdBoot], name).toEqual(name.includes(" uefi") ? [false, true] : [true, false]);
    expect(touchesEfiVariables, name).toBe(false);
    if (grub.enable) expect([grub.efiSupport, grub.efiInstallAsRemovable], name).toEqual([true, true]);
  }
  expect((await host(ctx, "x86_64 bios-uefi")).grub.mirroredBoots).toEqual([
    { path: "/boot", devices: ["/dev/sda"], efiSysMountPoint: "/boot" },
  ]);
});

test("the file systems are complete, and found by what stays when letters change", async (ctx) => {
  const ext4 = { fsType: "ext4", options: ["x-initrd.mount", "defaults"] };
  const root = "/dev/disk/by-partlabel/disk-main-root";
  const { fileSystems } = await host(ctx, "x86_64 bios-uefi");
  expect(fileSystems).toEqual({ "/": { device: root, ...ext4 }, "/boot": esp("main") });
  expect((await host(ctx, "aarch64 uefi")).fileSystems).toEqual(fileSystems);
  expect((await host(ctx, "x86_64 bios-uefi-luks")).fileSystems["/"]).toEqual({
    device: "/dev/mapper/root",
    ...ext4,
  });
  for (const name of names) {
    const devices = Object.values((await host(ctx, name)).fileSystems).map(({ device }) => device);
    for (const device of devices) expect(device, name).toMatch(/^\/dev\/(disk\/by-partlabel|mapper|md)\//);
  }
});

test("btrfs keeps /nix and the logs out of its snapshots, and takes one a day", async (ctx) => {
  for (const name of ["x86_64 bios-uefi-btrfs", "aarch64 uefi-btrfs"]) {
    const { fileSystems, snapshots, disko } = await host(ctx, name);
    const subvolumes = Object.entries(fileSystems).flatMap(([path, { options }]) =>
      options.filter((option) => option.startsWith("subvol=")).map((option) => `${path} ${option}`),
    );
    expect(subvolumes.sort(), name).toEqual([
      "/ subvol=/root",
      "/nix subvol=/nix",
      "/snapshots subvol=/snapshots",
      "/var/log subvol=/log",
    ]);
    expect(snapshots, name).toEqual({
      root: { onCalendar: "daily", snapshot_preserve: "14d", snapshot_dir: "/snapshots" },
    });
    expect(disko, name).toMatch(/mkfs\.btrfs/);
  }
});

test("an encrypted host asks for its passphrase over ssh, with a host key of its own and nothing secret in the store", async (ctx) => {
  for (const name of ["x86_64 bios-uefi-luks", "aarch64 uefi-luks", "x86_64 mirror-luks-btrfs"]) {
    const { initrd, disko } = await host(ctx, name);
    // With a key file here the initrd would look for one that only the installer had.
    expect(initrd.luks.root, name).toMatchObject({ keyFile: null, allowDiscards: true });
    // After three wrong passphrases, systemd's own limit, nobody could unlock it from afar before a reset.
    expect(initrd.luks.root?.crypttabExtraOpts, name).toEqual(["tries=0"]);
    expect(disko, name).toContain('"$(cat /tmp/disk.key)"');
    expect(disko.indexOf("[ ! -s /tmp/disk.key ]"), name).toBeLessThan(disko.indexOf("luksFormat"));
    expect(initrd.ssh, name).toEqual({
      enable: true,
      port: 2222,
      hostKeys: ["/etc/ssh/unlock_host_ed25519_key"],
    });
    expect(initrd.secrets, name).toEqual({
      "/etc/ssh/unlock_host_ed25519_key": "/etc/ssh/unlock_host_ed25519_key",
      "/var/empty/.ssh/authorized_keys": "/root/.ssh/authorized_keys",
    });
    // The folder above is root's home only as long as this holds.
    expect(initrd.passwd, name).toMatch(/^root:x:0:0::\/var\/empty:\/bin\/bash$/m);
    expect(initrd.commands, name).toEqual(
      expect.arrayContaining(["systemd-cryptsetup", "systemd-reply-password", "unlock"]),
    );
    // A cloud's gives addresses; a machine's own are the running system's.
    expect(initrd.networks["10-uplink"], name).toEqual(
      name.includes("mirror")
        ? {
            networkConfig: { DHCP: "no", IPv6AcceptRA: true },
            address: ["203.0.113.7/26"],
            gateways: ["203.0.113.1"],
          }
        : { networkConfig: { DHCP: "ipv4" }, address: [], gateways: [] },
    );
    expect(initrd.modules, name).toEqual(expect.arrayContaining(["virtio_net", "igb", "dm_crypt"]));
  }
  expect((await host(ctx, "x86_64 mirror-luks-btrfs")).initrd.luks.root?.device).toBe("/dev/md/root");
});

test("a mirror boots from either disk: kernels and GRUB on both, neither of which a boot waits for", async (ctx) => {
  const ids = ["nvme-FIRST_S675NX0T000001", "nvme-SECOND_S675NX0T000002"].map(
    (id) => `/dev/disk/by-id/${id}`,
  );
  for (const [name, devices] of [
    ["x86_64 mirror", ids],
    ["aarch64 mirror", ["nodev", "nodev"]],
  ] as const) {
    const { grub, fileSystems, initrd, disko, disks } = await host(ctx, name);
    expect(Object.values(disks), name).toEqual(ids);
    expect(grub.mirroredBoots, name).toEqual([
      { path: "/boot", devices: [devices[0]], efiSysMountPoint: "/boot" },
      { path: "/boot-second", devices: [devices[1]], efiSysMountPoint: "/boot-second" },
    ]);
    expect(fileSystems["/boot"], name).toEqual(esp("main", ...dead));
    expect(fileSystems["/boot-second"], name).toEqual(esp("second", ...dead));
    expect(fileSystems["/"]?.device, name).toBe("/dev/md/root");
    expect(disko, name).toMatch(/mdadm --create "\/dev\/md\/root" \\\s+--level=1 /);
    expect(disko, name).toContain("--bitmap=internal");
    // mdadm's unit starts an array that lacks a disk, and names its program by this path.
    expect(initrd.systemd, name).toBe(true);
    expect(initrd.storePaths, name).toContainEqual(expect.stringMatching(/-mdadm-[^/]*\/sbin\/mdadm$/));
    expect(initrd.modules, name).toContain("raid1");
  }
});

/** A sound host, what is done to it, and what it is then refused for. */
const broken: [what: string, layout: string, module: string, reason: string][] = [
  [
    "takes a disk of metal by its letter",
    "mirror",
    'berth.disks.main.device = lib.mkForce "/dev/sda";',
    "berth.disks.main.device is /dev/sda: a letter may mean another disk",
  ],
  [
    "takes the second disk by its number",
    "mirror",
    'berth.disks.second.device = lib.mkForce "/dev/nvme1n1";',
    "berth.disks.second.device is /dev/nvme1n1: a letter may mean another disk",
  ],
  [
    "mirrors a disk with itself",
    "mirror",
    "berth.disks.second.device = lib.mkForce config.berth.disks.main.device;",
    "a mirror takes two disks",
  ],
  [
    "would be installed on a volume",
    "bios-uefi",
    'berth.disks.main.device = "/dev/disk/by-id/scsi-0HC_Volume_12";',
    "disko.devices.disk.main is /dev/disk/by-id/scsi-0HC_Volume_12, a volume",
  ],
  [
    "formats a volume beside its disk",
    "uefi",
    'disko.devices.disk.data = { type = "disk"; device = "/dev/disk/by-id/scsi-0HC_Volume_12"; content = null; };',
    "disko.devices.disk.data is /dev/disk/by-id/scsi-0HC_Volume_12, a volume",
  ],
  [
    "has a root file system and no partition for it",
    "bios-uefi-btrfs",
    "berth.layout.table = lib.mkForce null;",
    "The layout btrfs fills a root partition and makes none",
  ],
  [
    "would give its lasting host key to the boot partition",
    "bios-uefi-luks",
    'berth.encryption.unlock.hostKeyFile = "/etc/ssh/ssh_host_ed25519_key";',
    "berth.encryption.unlock.hostKeyFile is the host's lasting key",
  ],
  [
    "has two host keys behind one port",
    "bios-uefi-luks",
    "berth.encryption.unlock.port = 22;",
    "berth.encryption.unlock.port is the running system's port of ssh",
  ],
  [
    "looks at boot for a key that only its installer had",
    "bios-uefi-luks",
    'boot.initrd.luks.devices.root.keyFile = "/tmp/secret.key";',
    "boot.initrd.luks.devices.root has its key in a folder that is gone at boot",
  ],
  [
    "has lost its boot loader to a profile",
    "uefi",
    "boot.loader.systemd-boot.enable = lib.mkForce false; boot.loader.grub.enable = lib.mkForce false;",
    "There is no boot loader",
  ],
  [
    "leaves its network to a cloud-init that is off",
    "uefi",
    "systemd.network.networks = lib.mkForce { }; services.cloud-init = { enable = false; network.enable = true; };",
    "No network is configured",
  ],
  [
    "has a firewall under which services reach the metadata",
    "uefi",
    'networking.firewall.backend = "firewalld"; services.firewalld.enable = true; networking.nftables.enable = lib.mkForce false; services.firewalld.settings.FirewallBackend = "iptables";',
    "networking.firewall.backend is firewalld and networking.nftables.enable is false",
  ],
];
let refusals: Promise<unknown> | undefined;

test.for(broken.map(([what], row) => [what, row] as const))(
  "a host that %s is refused with the reason",
  async ([, row], ctx) => {
    const rows = broken.map(
      ([, layout, module]) => `(reasons checks.disk-${layout} ({ lib, config, ... }: { ${module} }))`,
    );
    // All rows in one evaluation.
    refusals ??= flake.evaluate(
      ctx,
      "checks.x86_64-linux",
      `checks: let
        reasons = host: module: map (a: a.message) (builtins.filter (a: !a.assertion)
          (host.extendModules { modules = [ module ]; }).config.assertions);
      in [ ${rows.join("\n")} ]`,
    );
    const reasons = z.array(strings).parse(await refusals)[row];
    expect(reasons).toEqual([expect.stringContaining(broken[row]?.[3] ?? "")]);
  },
);

test.for([
  ["boots ARM from a BIOS", 'nixpkgs.hostPlatform = lib.mkForce "aarch64-linux";', "is for x86"],
  ["has two partition tables", "imports = [ nixos.disk-uefi ];", "is defined multiple times"],
] as const)("a host that %s is refused with the reason", async ([, module, reason], ctx) => {
  const asked = flake
    .evaluate(
      ctx,
      "nixosConfigurations.web",
      `host: map (a: a.message) (builtins.filter (a: !a.assertion) (host.extendModules {
        modules = [ ({ lib, ... }: let nixos = import ${flake.folder}/nixos; in { ${module} }) ];
      }).config.assertions)`,
    )
    .then((said) => strings.parse(said).join("\n"));
  expect(await asked.catch((error: Error) => error.message)).toContain(reason);
});
