import { isIPv6 } from "node:net";
import * as pulumi from "@pulumi/pulumi";
import type { HostPlan } from "../config/plan.ts";
import { sumPrices } from "../config/prices.ts";
import type { JumpHost } from "../deployer/ssh/config.ts";
import type { Deployment } from "./deployment.ts";
import type { Hardware } from "./hardware.ts";
import type { PrivateAddress } from "./private-network.ts";
import type { Volume } from "./volume.ts";

/** What a stack tells about a host. */
export interface HostOutputs {
  /** Where people find it. */
  url: pulumi.Output<string>;
  /** What everything connects to. */
  address: pulumi.Output<string>;
  /** Empty where there is none. */
  ipv6Address: pulumi.Output<string>;
  /** Port of ssh. */
  port: number;
  /** The machine that connections go through, where there is one. */
  jump?: JumpHost;
  /** Hetzner's name of the server type; "existing" for a machine that was ordered elsewhere. */
  type: string;
  /** Hetzner's id of the server; empty for a machine that was ordered elsewhere. */
  serverId: pulumi.Output<string>;
  /** In the stack's private network; empty where there is none. */
  privateAddress: pulumi.Output<string>;
  /** Device paths of its volumes by name. */
  volumes: Record<string, pulumi.Output<string>>;
  /** The toplevel that runs; words in its place where the update did not deploy it. */
  release: pulumi.Output<string>;
  /** Public host key. */
  hostKey: pulumi.Output<string>;
  /** Where its encrypted disk asks to be unlocked, and under which host key; the name of the secret that does. */
  unlock?: { port: number; hostKey: pulumi.Output<string>; passphrase: string };
  /** What files for this host are encrypted for, "age1…". */
  ageRecipient: pulumi.Output<string>;
  /** Net a month, in the catalogue's currency: the sum of what has a known price. */
  pricePerMonth: number;
}

/** In place of a release: its deployment failed, or the update did not come to it. Which of them the program is not told. */
const notDeployed = "not deployed by the last update";

interface Parts {
  hardware: Hardware;
  hostKey: pulumi.Output<string>;
  unlockKey: pulumi.Output<string> | undefined;
  ageRecipient: pulumi.Output<string>;
  privateAddress: PrivateAddress | undefined;
  volumes: Record<string, Volume>;
  deployment: Deployment;
}

export function describeHost(
  { settings, manifest, price }: HostPlan,
  { hardware, hostKey, unlockKey, ageRecipient, privateAddress, volumes, deployment }: Parts,
): HostOutputs {
  const scheme = manifest.ports.tcp.includes(443) ? "https" : "http";
  return {
    url: hardware.address.apply((address) => `${scheme}://${settings.domain ?? inUrl(address)}/`),
    address: hardware.address,
    ipv6Address: hardware.ipv6Address,
    port: hardware.port,
    ...(settings.existing?.jump && { jump: settings.existing.jump }),
    type: settings.server?.type ?? "existing",
    serverId: hardware.server?.id ?? pulumi.output(""),
    privateAddress: privateAddress?.ip ?? pulumi.output(""),
    volumes: Object.fromEntries(Object.entries(volumes).map(([name, { path }]) => [name, path])),
    // With --continue-on-error the program goes on without this deployment; the stack's outputs must not fall with it.
    release: pulumi.recover(deployment.release, () => notDeployed),
    hostKey,
    ...(manifest.encryption &&
      settings.disk &&
      unlockKey && {
        unlock: {
          port: manifest.encryption.unlock.port,
          hostKey: unlockKey,
          passphrase: settings.disk.passphrase,
        },
      }),
    ageRecipient,
    pricePerMonth: sumPrices(price).monthly,
  };
}

const inUrl = (address: string): string => (isIPv6(address) ? `[${address}]` : address);
