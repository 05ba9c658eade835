import * as hcloud from "@pulumi/hcloud";
import * as pulumi from "@pulumi/pulumi";

export interface DnsZoneArgs {
  /**
   * The domain.
   * @example "example.org"
   */
  domain: string;
  /** Make the zone; one that is there already is referred to by its name and stays. @default true */
  create?: boolean;
  /**
   * Seconds that answers may be kept.
   * @example 3600
   */
  ttl: number;
  /** Keep the zone from being deleted or replaced, by Pulumi and at Hetzner. @default true */
  protect?: boolean;
  /** Labels at Hetzner. */
  labels?: Record<string, string>;
}

/** A zone in Hetzner's DNS. */
export class DnsZone extends pulumi.ComponentResource {
  /** The domain. */
  readonly name: string;
  /** The domain, known once the zone is there. */
  readonly domain: pulumi.Output<string>;
  /** Those to be named at the registrar; empty for a zone that is not this stack's. */
  readonly nameservers: pulumi.Output<string[]>;
  /** The zone's resource; none for one that is not this stack's. */
  readonly zone: hcloud.Zone | undefined;

  constructor(name: string, args: DnsZoneArgs, opts?: pulumi.ComponentResourceOptions) {
    super("berth:hetzner:DnsZone", name, {}, opts);
    this.name = args.domain;
    this.zone = (args.create ?? true) ? this.#zone(name, args) : undefined;
    this.domain = this.zone ? this.zone.name : pulumi.output(args.domain);
    this.nameservers = this.zone
      ? this.zone.authoritativeNameservers.apply(({ assigneds }) => assigneds)
      : pulumi.output([]);
    this.registerOutputs({ nameservers: this.nameservers });
  }

  #zone(name: string, args: DnsZoneArgs): hcloud.Zone {
    const protect = args.protect ?? true;
    return new hcloud.Zone(
      `${name}-zone`,
      { name: args.domain, mode: "primary", ttl: args.ttl, deleteProtection: protect, labels: args.labels },
      { parent: this, protect, deleteBeforeReplace: true },
    );
  }
}
