import type { Labels } from "./labels.ts";
import type { DnsPointer } from "./records.ts";
import type { Collection, Item, Store } from "./store.ts";

export interface BalancerServiceRecord {
  protocol: "tcp" | "http" | "https";
  listen_port: number;
  destination_port: number;
  proxyprotocol: boolean;
  /** Only for http and https. */
  http: {
    cookie_name: string;
    /** Seconds */
    cookie_lifetime: number;
    /** Seconds */
    timeout_idle: number;
    /** Certificate ids; none passes TLS through. */
    certificates: number[];
    redirect_http: boolean;
    sticky_sessions: boolean;
  } | null;
  health_check: {
    protocol: "tcp" | "http";
    port: number;
    /** Seconds */
    interval: number;
    /** Seconds */
    timeout: number;
    retries: number;
    http: {
      domain: string | null;
      path: string;
      response: string;
      status_codes: string[];
      tls: boolean;
    } | null;
  };
}

export type BalancerTargetRecord =
  | {
      type: "server";
      /** `ip` is one of its IPv6 addresses, or null for its IPv4. */
      server: { id: number; ip: string | null };
      use_private_ip: boolean;
    }
  | { type: "label_selector"; label_selector: { selector: string }; use_private_ip: boolean }
  | { type: "ip"; ip: { ip: string } };

export interface LoadBalancerRecord extends Item {
  name: string;
  /** Catalogue name. */
  load_balancer_type: string;
  /** Catalogue name. */
  location: string;
  labels: Labels;
  protection: { delete: boolean };
  algorithm: "round_robin" | "least_connections";
  services: BalancerServiceRecord[];
  targets: BalancerTargetRecord[];
  public_interface: boolean;
  ipv4: string;
  /** A /64 in CIDR form; the balancer answers on `::1` of it. */
  ipv6: string;
  /** Only those that were set. */
  dns_ptr: DnsPointer[];
  mac: string;
}

export const loadBalancerRecords = (store: Store): Collection<LoadBalancerRecord> =>
  store.collection("load_balancers");
