import { type Catalogue, datedCatalogue } from "../../../config/catalogue.ts";
import type { HostManifest, Manifest } from "../../../config/manifest.ts";
import type { StackPlan } from "../../../config/plan.ts";
import { type PlanInput, planStack } from "../../../config/plan-stack.ts";
import { ConfigurationError, type Problem } from "../../../config/problems.ts";
import type { Running, RunningServer } from "../../../config/running.ts";
import { parseStackConfig } from "../../../config/stack.ts";

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

/** What a flake says of an encrypted disk. */
export const encryption = {
  keyFile: "/tmp/disk.key",
  unlock: {
    port: 2222,
    hostKeyFile: "/etc/ssh/unlock_host_ed25519_key",
    authorizedKeysFile: "/root/.ssh/authorized_keys",
  },
};

/** A host as people write it, with nothing that has a default. */
export const plainHost = { system: "web", server: { type: "cx23", location: "fsn1" } };

export const adasKey = `ssh-ed25519 ${"AAAAC3NzaC1lZDI1NTE5AAAAI"}${"A".repeat(43)} ada@example.org`;

/** A day on which the dated catalogue was true. */
export const now = new Date("2026-10-01T12:00:00Z");

/** The flake's systems: web, its like for ARM, and changes of web by name. */
export const flake = (changes: Partial<HostManifest> = {}): Manifest => ({
  web: { ...webManifest, ...changes },
  pi: { ...webManifest, system: "aarch64-linux", ...changes },
});

export type Raw = Record<string, unknown>;
/** A stack of one host, web1, with changes of the host. */
export const withHost = (changes: Raw = {}, more: Raw = {}): Raw => ({
  hosts: { web1: { ...plainHost, ...changes } },
  ...more,
});
/** A stack of one host with changes of its server. */
export const withServer = (changes: Raw = {}, more: Raw = {}): Raw =>
  withHost({ server: { ...plainHost.server, ...changes } }, more);
/** A stack of these hosts, each with changes. */
export const withHosts = (hosts: Record<string, Raw>, more: Raw = {}): Raw => ({
  hosts: Object.fromEntries(
    Object.entries(hosts).map(([name, changes]) => [name, { ...plainHost, ...changes }]),
  ),
  ...more,
});
export const server = (changes: Raw = {}) => ({ server: { ...plainHost.server, ...changes } });
export const existing = {
  system: "web",
  server: undefined,
  existing: { address: "198.51.100.7", hostKey: adasKey },
};

/** The plan of a stack against the dated catalogue, where nothing runs and nobody could ask. */
export function plan(raw: Raw, input: Partial<PlanInput> = {}): StackPlan {
  const stack = input.stack ?? "prod";
  return planStack({
    stack,
    ...parseStackConfig(stack, raw),
    manifest: flake(),
    catalogue: datedCatalogue,
    running: null,
    sshKeys: null,
    now,
    ...input,
  });
}

/** What a plan is refused for. */
export const refusals = (raw: Raw, input: Partial<PlanInput> = {}): readonly Problem[] =>
  problemsOf(() => plan(raw, input));

export function problemsOf(work: () => unknown): readonly Problem[] {
  try {
    work();
  } catch (error) {
    if (error instanceof ConfigurationError) return error.problems;
    throw error;
  }
  throw new Error("it was accepted");
}

/** A server that runs as the plain host asks. */
export const runningServer = (changes: Partial<RunningServer> = {}): RunningServer => ({
  name: "prod-web1",
  host: "web1",
  type: "cx23",
  architecture: "x86_64-linux",
  disk: 40,
  location: "fsn1",
  backups: false,
  status: "running",
  placement: null,
  ipv4: true,
  ipv6: true,
  protected: true,
  ...changes,
});
export const running = (servers: RunningServer[] = [], more: Partial<Running> = {}): Running => ({
  servers,
  primaryIps: [],
  volumes: [],
  loadBalancers: [],
  networks: [],
  zones: [],
  ...more,
});

/** The dated catalogue with other offers of a type: `{ fsn1: { available: false } }`. */
export function withOffers(
  type: string,
  offers: Record<string, Partial<Catalogue["serverTypes"][number]["locations"][string]>>,
): Catalogue {
  return {
    ...datedCatalogue,
    serverTypes: datedCatalogue.serverTypes.map((one) =>
      one.name === type
        ? {
            ...one,
            locations: {
              ...one.locations,
              ...Object.fromEntries(
                Object.entries(offers).map(([location, offer]) => [
                  location,
                  { available: true, ...one.locations[location], ...offer },
                ]),
              ),
            },
          }
        : one,
    ),
  };
}
