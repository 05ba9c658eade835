import type { DnsZonePlan } from "./dns.ts";
import type { FirewallRuleConfig, HostConfig } from "./host.ts";
import type { ImagePlan } from "./images.ts";
import type { HostManifest } from "./manifest.ts";
import type { RolloutPlan } from "./rollout.ts";

/** One thing that costs, e.g. "server cx23" at 5.49. */
export interface PriceItem {
  what: string;
  /** Net a month to the cent, in the catalogue's currency; null where the catalogue does not know it. */
  monthly: number | null;
}

/** A key that base images trust: one that Hetzner has already, by its id, or one that this stack registers. */
export type LoginKeyPlan = { id: number } | { name: string; publicKey: string };

/** A host of the stack with its system in the flake, checked against the catalogue. */
export interface HostPlan {
  name: string;
  settings: HostConfig;
  manifest: HostManifest;
  /** Fingerprints of the keys that its base image trusts beside the stack's own; into `StackPlan.loginKeys`. */
  loginKeys: string[];
  /** What the firewall lets in for the host's containers. */
  published: FirewallRuleConfig[];
  /** Empty for a machine that was ordered elsewhere. */
  price: PriceItem[];
}

/** Everything a stack orders, decided before anything is ordered. */
export interface StackPlan {
  hosts: HostPlan[];
  rollout: RolloutPlan;
  /** By MD5 fingerprint, which Hetzner allows once a project. */
  loginKeys: Record<string, LoginKeyPlan>;
  /** Hetzner's network zone of the private network, e.g. "eu-central"; null without one. */
  networkZone: string | null;
  /** By the zone's name: the records of the configuration and those that follow from the hosts. */
  dns: Record<string, DnsZonePlan>;
  /** Images by the place in the configuration that names them, e.g. "berth:containers.site.image". */
  images: Record<string, ImagePlan>;
  /** What costs beside the hosts. */
  price: PriceItem[];
  /** Net a month of everything whose price is known, in the catalogue's currency. */
  monthly: number;
  /** Of the prices, e.g. "EUR". */
  currency: string;
  /** Where prices and offers are from, as people read it. */
  pricesFrom: string;
  /** What a person should know though nothing is wrong: one line each. */
  notes: string[];
}
