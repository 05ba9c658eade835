import type { Architecture } from "./catalogue-data.ts";

/**
 * Disc images a server can be given, a small part of Hetzner's list.
 *
 * Date: September 2025 to May 2026. Sources: the public changelog (Talos with its ids), a public report of the NixOS file name,
 * the API description's example. The other ids were not found and are the lab's own.
 */
export interface IsoData {
  id: number;
  name: string;
  description: string;
  /** Null fits every architecture. */
  architecture: Architecture | null;
  /** Announced and withdrawn so many days ago; null while it is offered. */
  retired: { announcedDaysAgo: number; unavailableDaysAgo: number } | null;
}

const ownId = 910_000_000;

export const isos: readonly IsoData[] = [
  {
    id: ownId + 1,
    name: "nixos-minimal-25.05.803396.8f1b52b04f2c-x86_64-linux.iso",
    description: "NixOS 25.05 (amd64/minimal)",
    architecture: "x86",
    retired: null,
  },
  {
    id: ownId + 2,
    name: "nixos-minimal-25.05.803396.8f1b52b04f2c-aarch64-linux.iso",
    description: "NixOS 25.05 (arm64/minimal)",
    architecture: "arm",
    retired: null,
  },
  {
    id: 122630,
    name: "hcloud-v1-11-2-amd64.iso",
    description: "Talos Linux v1.11.2 (amd64)",
    architecture: "x86",
    retired: null,
  },
  {
    id: 122629,
    name: "hcloud-v1-11-2-arm64.iso",
    description: "Talos Linux v1.11.2 (arm64)",
    architecture: "arm",
    retired: null,
  },
  {
    id: ownId + 3,
    name: "netboot.xyz-multiarch.iso",
    description: "netboot.xyz",
    architecture: null,
    retired: null,
  },
  {
    id: ownId + 4,
    name: "FreeBSD-11.0-RELEASE-amd64-dvd1",
    description: "FreeBSD 11.0 x64",
    architecture: "x86",
    retired: { announcedDaysAgo: 60, unavailableDaysAgo: -30 },
  },
];
