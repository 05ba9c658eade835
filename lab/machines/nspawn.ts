import { createHash } from "node:crypto";
import { join } from "node:path";
import type { MachineSpec } from "../cloud/driver.ts";
import type { BootChoice } from "./boot-choice.ts";

/** A boot that leads somewhere. */
export type RealBoot = Exclude<BootChoice, { boot: "nothing" }>;

/** Layers of a machine's root, relative to its folder. */
export interface RootLayers {
  /** Read-only layers, top first. */
  lower: string[];
  /** Where writes go; null throws them away. */
  upper: string | null;
}

/** What the root of a boot is made of. `work/base` is a link to the image. */
export function rootLayers(choice: RealBoot): RootLayers {
  switch (choice.boot) {
    case "installer":
      return { lower: ["work/handover/root", "work/installer", "work/base"], upper: null };
    case "installed":
      return { lower: ["work/base"], upper: "disk/root" };
    case "debian":
      return { lower: ["work/base"], upper: "disk/debian" };
  }
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
 */
export function nspawnArguments(name: string, folder: string, spec: MachineSpec, choice: RealBoot): string[] {
  const common = [
    "--quiet",
    `--directory=${join(folder, "work/root")}`,
    `--machine=${name}`,
    `--hostname=${spec.name}`,
    `--uuid=${uuid(name)}`,
    "--network-interface=eth0",
    "--capability=all",
    // No systemd is needed outside; and with --keep-unit a reboot ends in exit 133, so that the boot is chosen anew.
    "--keep-unit",
    "--register=no",
    "--resolv-conf=off",
    "--timezone=off",
    "--link-journal=no",
    "--console=read-only",
    bind(join(folder, "firmware"), "/run/lab/firmware"),
  ];
  const uplink = bind(
    join(folder, "work/uplink.network"),
    "/run/systemd/network/10-uplink.network",
    "bind-ro",
  );
  // Only Debian is set up by cloud-init; the image has it, and it would wait for a seed.
  const noCloud = bind(join(folder, "work/no-cloud-init"), "/etc/cloud/cloud-init.disabled", "bind-ro");
  const extras = [...(spec.ipv4 || spec.ipv6 ? [uplink] : []), noCloud];
  switch (choice.boot) {
    case "installer":
      return [...common, ...extras, bind(join(folder, "disk"), "/run/lab/disk"), "--boot"];
    case "installed":
      return [
        ...common,
        ...extras,
        bind(join(folder, "disk/esp"), "/boot"),
        "--kill-signal=SIGRTMIN+3",
        "--",
        choice.init,
      ];
    case "debian":
      return [...common, "--boot"];
  }
}
