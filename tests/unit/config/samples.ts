import type { HostManifest } from "../../../config/manifest.ts";

const path = (letter: string, name: string) => `/nix/store/${letter.repeat(32)}-${name}`;

/** What a flake says of a small web host. */
export const webManifest: HostManifest = {
  system: "x86_64-linux",
  hostName: "web",
  toplevel: { drvPath: path("a", "nixos-system-web.drv"), out: path("b", "nixos-system-web") },
  diskoScript: { drvPath: path("c", "disko.drv"), out: path("d", "disko") },
  kexecTarball: { drvPath: path("f", "kexec.drv"), out: path("g", "kexec.tar.gz") },
  ports: { tcp: [80, 443], udp: [443] },
  virtualHosts: [{ name: "site.lab", tls: false }],
  disks: { main: { device: "/dev/sda" } },
  requires: { disk: null, memory: null },
  credentials: {},
  health: [{ http: "http://example.org/healthz", status: 200 }],
};

/** A host as people write it, with nothing that has a default. */
export const plainHost = { system: "web", server: { type: "cx23", location: "fsn1" } };

export const adasKey = `ssh-ed25519 ${"AAAAC3NzaC1lZDI1NTE5AAAAI"}${"A".repeat(43)} ada@example.org`;
