import packageJson from "@pulumi/hcloud/package.json" with { type: "json" };
import type { ProviderDefinition } from "../../../provider/framework/types.ts";
import { standInNotice, standInRefusal } from "../notice.ts";
import { Api } from "./api.ts";
import { floatingIpAssignment, volumeAttachment } from "./attachments.ts";
import { managedCertificate, uploadedCertificate } from "./certificates.ts";
import { configuration, configurationFault, TOKEN_MISSING } from "./configuration.ts";
import { firewall } from "./firewall.ts";
import { firewallAttachment } from "./firewall-attachment.ts";
import { floatingIp } from "./floating-ip.ts";
import { loadBalancer } from "./load-balancer.ts";
import { loadBalancerService } from "./load-balancer-service.ts";
import { loadBalancerTarget } from "./load-balancer-target.ts";
import { loadBalancerNetwork, serverNetwork } from "./membership.ts";
import { network } from "./network.ts";
import { networkRoute, networkSubnet } from "./network-parts.ts";
import { placementGroup } from "./placement-group.ts";
import { primaryIp } from "./primary-ip.ts";
import { rdns } from "./rdns.ts";
import { type CloudResource, handler } from "./resource.ts";
import { server } from "./server.ts";
import { snapshot } from "./snapshot.ts";
import { sshKey } from "./ssh-key.ts";
import { volume } from "./volume.ts";
import { zone } from "./zone.ts";
import { zoneRrset } from "./zone-rrset.ts";

/** Every resource type the stand-in has, by its name. */
const RESOURCES: Record<string, CloudResource> = {
  Firewall: firewall,
  FirewallAttachment: firewallAttachment,
  FloatingIp: floatingIp,
  FloatingIpAssignment: floatingIpAssignment,
  LoadBalancer: loadBalancer,
  LoadBalancerNetwork: loadBalancerNetwork,
  LoadBalancerService: loadBalancerService,
  LoadBalancerTarget: loadBalancerTarget,
  ManagedCertificate: managedCertificate,
  Network: network,
  NetworkRoute: networkRoute,
  NetworkSubnet: networkSubnet,
  PlacementGroup: placementGroup,
  PrimaryIp: primaryIp,
  Rdns: rdns,
  Server: server,
  ServerNetwork: serverNetwork,
  Snapshot: snapshot,
  SshKey: sshKey,
  UploadedCertificate: uploadedCertificate,
  Volume: volume,
  VolumeAttachment: volumeAttachment,
  Zone: zone,
  ZoneRrset: zoneRrset,
};

/** The token of a type: "hcloud:index/sshKey:SshKey". */
export function tokenOf(type: string): string {
  return `hcloud:index/${type.charAt(0).toLowerCase()}${type.slice(1)}:${type}`;
}

const { version } = packageJson;

/** The stand-in for the provider plugin hcloud. `retryBase` shortens the pauses between repeats for tests. */
export function hcloudStandIn(environment: NodeJS.ProcessEnv, retryBase?: number): ProviderDefinition {
  let api: Api | undefined;
  const configured = () => {
    if (!api) throw new Error("the provider hcloud was used before it was configured");
    return api;
  };
  return {
    name: "hcloud",
    version,
    resources: Object.fromEntries(
      Object.entries(RESOURCES).map(([type, resource]) => [tokenOf(type), handler(resource, configured)]),
    ),
    async checkConfig(config) {
      const reason = configurationFault(config, environment);
      return reason ? [{ property: "", reason }] : [];
    },
    async configure(config, call) {
      const options = configuration(config, environment);
      if (options.token === "") throw new Error(TOKEN_MISSING);
      api = new Api({ ...options, userAgent: `berth-lab-stand-in/${version}`, retryBase });
      call.log("info", standInNotice("hcloud", version));
    },
    unknownToken: (token) => standInRefusal("hcloud", token),
  };
}
