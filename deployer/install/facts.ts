import { createHash } from "node:crypto";
import { z } from "zod";
import type { Disks } from "../remote/scripts.ts";
import type { Phase } from "./phases.ts";

/** What tells an installed host apart: written at the install, read by every later one. */
export const marker = z.object({
  stack: z.string(),
  host: z.string(),
  /** The hardware's id: a Hetzner server id. */
  server: z.string(),
  /** Value of the reinstall that put this system on the disk; that reinstall is done for good. */
  reinstall: z.string().optional(),
});
export type Marker = z.infer<typeof marker>;

/** What a look at the target found. */
export interface TargetFacts {
  /** Which of the two known host keys it answered with. */
  identity: "bootstrap" | "lasting";
  /** `ID` of its os-release. */
  os: string;
  /** `VARIANT_ID` of its os-release. */
  variant: string;
  /** /etc/berth/install.json as found, null when absent. */
  marker: string | null;
  /** `uname -m`, e.g. "x86_64". */
  machine: string;
  /** Bytes. */
  memory: number;
  /** Null where nobody has looked, which is as good as a reason not to wipe them. */
  disks: Disks | null;
  /** In the installer: the phase that comes next, by what is mounted and what was noted there. */
  next: InstallerPhase;
  /** In the installer: which reinstall has booted it (`reinstallToken`). */
  bootedBy: readonly string[];
}

/** A phase that runs in the installer. */
export type InstallerPhase = Exclude<Phase, "kexec">;

/** What a host shall be, and what may be done to make it so. */
export interface Wanted {
  /** Without a reinstall's value. */
  marker: Marker;
  /** Whether this stack has ordered the machine. */
  ordered: boolean;
  /** Disks of another machine that may be wiped: by-id names or serial numbers. */
  erase: readonly string[];
  /** The word that wipes an installed host, for one server and once a value. */
  reinstall: { server: string; value: string } | null;
  /** The word that takes a restored snapshot of another server for this one's. */
  adopt: string | null;
  /** Nix system, e.g. "x86_64-linux". */
  system: string;
  /** GB, or null where the flake does not say. */
  requires: { disk: number | null; memory: number | null };
}

export type InstallDecision =
  | { do: "install" }
  /** The installer runs already: go on there. */
  | { do: "resume"; from: InstallerPhase }
  /** It is installed. `rewrite`: its marker names the server it was restored from. */
  | { do: "adopt"; rewrite: boolean }
  /** It is installed and shall be once more. */
  | { do: "reinstall" }
  | Refusal;

/** Why not, and the exact word or step that would allow it. */
export interface Refusal {
  do: "refuse";
  because: string;
  next: string;
}

/** The value of a reinstall that is wanted for this very server. */
export const reinstallValue = ({ reinstall, marker: { server } }: Pick<Wanted, "marker" | "reinstall">) =>
  reinstall !== null && reinstall.server === server && reinstall.value !== "" ? reinstall.value : undefined;

/**
 * What a reinstall leaves for the installer it boots, which sees neither the marker nor the disk it was on: the comment of a login key,
 * for that is what a kexec carries over.
 */
export function reinstallToken({ stack, host, server }: Marker, value: string): string {
  const digest = createHash("sha256")
    .update(JSON.stringify([stack, host, server, value]))
    .digest("hex");
  return `berth-reinstall-${digest.slice(0, 24)}`;
}
