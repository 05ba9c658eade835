import { z } from "zod";
import { jsonOrUndefined } from "../json.ts";
import type { Disks } from "../remote/scripts.ts";
import { keepDisks } from "./erase.ts";

/** What tells an installed host apart: written at the install, read by every later one. */
export const marker = z.object({
  stack: z.string(),
  host: z.string(),
  /** The hardware's id: a Hetzner server id. */
  server: z.string(),
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
  /** What a machine that was ordered elsewhere has; nobody looks at the disks of one that this stack has ordered. */
  disks: Disks | null;
}

/** What a host shall be, and what may be done to make it so. */
export interface Wanted {
  marker: Marker;
  /** Whether this stack has ordered the machine. */
  ordered: boolean;
  /** Disks of another machine that may be wiped: by-id names or serial numbers. */
  erase: readonly string[];
}

export type InstallDecision =
  | { do: "install" }
  /** The disk was already wiped by an install that did not end: go on in the installer. */
  | { do: "resume" }
  | { do: "adopt" }
  | { do: "refuse"; because: string; next: string };

/** Operating systems that Hetzner's base images bring; anything else was put there by someone. */
const baseSystems = new Set(["debian", "ubuntu", "fedora", "rocky", "almalinux", "centos", "opensuse-leap"]);

/**
 * May the target's disk be wiped? Every answer that wipes needs the bootstrap key, which exists on servers this stack has just ordered; on
 * a machine that was ordered elsewhere, whose own key stands in its place, every disk to be wiped must have been named.
 */
export function decideInstall(facts: TargetFacts, wanted: Wanted): InstallDecision {
  const { marker: ours, ordered, erase } = wanted;
  if (facts.marker !== null) return decideByMarker(facts.marker, ours);
  if (facts.identity === "lasting") {
    return {
      do: "refuse",
      because: `the host answers with the installed system's key but has no /etc/berth/install.json`,
      next: `put the marker back if the host is this stack's, or ${ordered ? "replace the server" : anew}`,
    };
  }
  const installer = facts.os === "nixos" && facts.variant === "installer";
  if (facts.os === "nixos" && !installer) {
    return {
      do: "refuse",
      because: "the host runs a NixOS that this stack did not install",
      next: ordered ? "replace the server to install anew" : `to install anew, ${anew}`,
    };
  }
  if (!installer && !baseSystems.has(facts.os)) {
    return {
      do: "refuse",
      because: `the host runs "${facts.os}", not a base image`,
      next: ordered ? "order the server with a base image such as debian-13" : anew,
    };
  }
  const kept = ordered ? undefined : keepDisks(facts.disks ?? { disks: [], layout: [] }, erase, ours.host);
  if (kept) return { do: "refuse", ...kept };
  return { do: installer ? "resume" : "install" };
}

const anew =
  "boot the machine into a base image or the NixOS installer, with the host key of the configuration";

function decideByMarker(text: string, wanted: Marker): InstallDecision {
  const found = marker.safeParse(jsonOrUndefined(text));
  const next = "a host belongs to one stack: replace the server, or destroy it in the other stack first";
  if (!found.success)
    return { do: "refuse", because: "its /etc/berth/install.json is not one of ours", next };
  const { stack, host, server } = found.data;
  if (stack === wanted.stack && host === wanted.host && server === wanted.server) return { do: "adopt" };
  return {
    do: "refuse",
    because: `it was installed as ${host} of stack ${stack} (server ${server}), wanted is ${wanted.host} of stack ${wanted.stack} (server ${wanted.server})`,
    next,
  };
}
