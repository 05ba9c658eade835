import { createHash } from "node:crypto";
import { join } from "node:path";
import type { MachineSpec } from "../cloud/driver.ts";
import type { BootChoice } from "./boot-choice.ts";
import type { Plugged } from "./plugged.ts";

/** A boot that leads somewhere. */
export type RealBoot = Exclude<BootChoice, { boot: "nothing" }>;

/** Layers of a machine's root, relative to its folder. */
export interface RootLayers {
  /** Read-only layers, top first. */
  lower: string[];
  /** Where writes go; null throws them away. */
  upper: string | null;
}

/** What the root of a boot is made of. `work/base` is a link to the image, `work/docker` one to what the image with Docker has over it. */
export function rootLayers(choice: RealBoot): RootLayers {
  switch (choice.boot) {
    case "installer":
      return { lower: ["work/handover/root", "work/installer", "work/base"], upper: null };
    case "rescue":
      return { lower: ["work/rescue", "work/base"], upper: null };
    case "installed":
      return { lower: ["work/base"], upper: "disk/root" };
    case "debian":
      return { lower: [...(choice.docker ? ["work/docker"] : []), "work/base"], upper: "disk/debian" };
  }
}

/** Where a machine finds a volume. */
export function volumePath(id: number): string {
  return `/dev/disk/by-id/scsi-0HC_Volume_${id}`;
}

/** A path as systemd-nspawn's mount arguments want it. */
function escaped(path: string): string {
  return path.replaceAll("\\", "\\\\").replaceAll(":", "\\:");
}

function bind(source: string, target: string, mode: "bind" | "bind-ro" = "bind"): string {
  return `--${mode}=${escaped(source)}:${target}`;
}

/** A machine id that stays the same for every boot of a machine. */
function uuid(name: string): string {
  return createHash("sha256").update(name).digest("hex").slice(0, 32);
}

/**
 * Arguments of systemd-nspawn for one boot.
 * @param name the machine's name on this machine, e.g. "berth-1a2b-7"
 * @param folder the machine's folder
 * @param plugged what the machine finds beside its disk and its public network card
 */
export function nspawnArguments(
  name: string,
  folder: string,
  spec: MachineSpec,
  choice: RealBoot,
  plugged: Plugged,
): string[] {
  const common = [
    "--quiet",
    `--directory=${join(folder, "work/root")}`,
    `--machine=${name}`,
    `--hostname=${choice.boot === "rescue" ? "rescue" : spec.name}`,
    `--uuid=${uuid(name)}`,
    "--network-interface=eth0",
    ...plugged.cards.map(({ name }) => `--network-interface=${name}`),
    "--capability=all",
    // By it systemd keeps a service to its addresses and devices.
    "--system-call-filter=bpf",
    // A container engine gives each container a keyring of its own.
    "--system-call-filter=add_key keyctl",
    // No systemd is needed outside; and with --keep-unit a reboot ends in exit 133, so that the boot is chosen anew.
    "--keep-unit",
    "--register=no",
    "--resolv-conf=off",
    "--timezone=off",
    "--link-journal=no",
    "--console=read-only",
    ...plugged.volumes.map(({ id, device }) => bind(device, volumePath(id))),
    bind(join(folder, "firmware"), "/run/lab/firmware"),
    // A folder, because files come and go in it while the machine runs.
    bind(join(folder, "work/networks"), "/run/systemd/network"),
  ];
  // Only Debian is set up by cloud-init; the image has it, and it would wait for a seed.
  const noCloud = bind(join(folder, "work/no-cloud-init"), "/etc/cloud/cloud-init.disabled", "bind-ro");
  const disk = bind(join(folder, "disk"), "/run/lab/disk");
  switch (choice.boot) {
    case "installer":
    case "rescue":
      return [...common, noCloud, disk, "--boot"];
    case "installed":
      return [
        ...common,
        noCloud,
        bind(join(folder, "disk/esp"), "/boot"),
        "--kill-signal=SIGRTMIN+3",
        "--",
        choice.init,
      ];
    case "debian":
      return [
        ...common,
        // The root is an overlay, over which Docker's own overlays cannot be laid.
        ...(choice.docker ? [bind(join(folder, "disk/docker"), "/var/lib/docker")] : []),
        "--boot",
      ];
  }
}
