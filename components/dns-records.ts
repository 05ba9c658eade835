import * as hcloud from "@pulumi/hcloud";
import * as pulumi from "@pulumi/pulumi";
import type { AddressOf, DnsRecordPlan } from "../config/dns.ts";
import type { DnsZone } from "./dns-zone.ts";
import { goesWith } from "./goes-with.ts";

/** The public addresses of a host or load balancer, each empty where there is none. */
export interface PublicAddresses {
  /** Public IPv4 address. */
  readonly ipv4Address: pulumi.Output<string>;
  /** Public IPv6 address. */
  readonly ipv6Address: pulumi.Output<string>;
}

export interface DnsRecordsArgs {
  /** The zone they are in. */
  zone: DnsZone;
  /** One entry a name and type. */
  records: readonly DnsRecordPlan[];
  /** The hosts and load balancers that records lead to. */
  addressesOf: (whose: AddressOf) => PublicAddresses;
  /** Whether the zone is kept from being deleted; otherwise its records go with it. @default true */
  protect?: boolean;
  /** Labels at Hetzner. */
  labels?: Record<string, string>;
}

/** The records of a zone. Each set of a name and type is owned whole: what others add to it is taken away. */
export class DnsRecords extends pulumi.ComponentResource {
  /** The resources underneath, by name and type: "www A". */
  readonly nodes: Record<string, hcloud.ZoneRrset>;

  constructor(name: string, args: DnsRecordsArgs, opts?: pulumi.ComponentResourceOptions) {
    super("berth:hetzner:DnsRecords", name, {}, opts);
    const { zone } = args;
    this.nodes = Object.fromEntries(
      args.records.map((record) => [
        `${record.name} ${record.type}`,
        new hcloud.ZoneRrset(
          `${name}-${record.name}-${record.type}`,
          {
            zone: zone.domain,
            name: record.name,
            type: record.type,
            ...(record.ttl === null ? {} : { ttl: record.ttl }),
            records: valuesOf(record, args.addressesOf),
            labels: args.labels,
          },
          { parent: this, deleteBeforeReplace: true, ...goesWith(zone.zone, args.protect) },
        ),
      ]),
    );
    this.registerOutputs({});
  }
}

function valuesOf(
  { type, values, addresses }: DnsRecordPlan,
  addressesOf: DnsRecordsArgs["addressesOf"],
): pulumi.Output<{ value: string }[]> {
  const known = addresses.map((whose) => addressesOf(whose)[type === "AAAA" ? "ipv6Address" : "ipv4Address"]);
  return pulumi
    .all(known)
    .apply((addressed) => [...values, ...new Set(addressed)].map((value) => ({ value })));
}
