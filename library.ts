/** What a Pulumi program of one's own builds with; `index.ts` is the program that builds all of a stack with it. */
export { AppAtFly, type AppAtFlyArgs } from "./components/app-at-fly.ts";
export { ComposeProject, type ComposeProjectArgs } from "./components/compose-project.ts";
export { Container, type ContainerArgs } from "./components/container.ts";
export { Deployment, type DeploymentArgs } from "./components/deployment.ts";
export { DnsRecords, type DnsRecordsArgs } from "./components/dns-records.ts";
export { DnsZone, type DnsZoneArgs } from "./components/dns-zone.ts";
export { DockerHostService, type DockerHostServiceArgs } from "./components/docker-host-service.ts";
export { ExistingServer, type ExistingServerArgs } from "./components/existing-server.ts";
export { Firewall, type FirewallArgs } from "./components/firewall.ts";
export type { Hardware } from "./components/hardware.ts";
export { HetznerServer, type HetznerServerArgs } from "./components/hetzner-server.ts";
export { HostIdentity, type HostIdentityArgs } from "./components/host-identity.ts";
export { HostKey, type HostKeyArgs } from "./components/host-key.ts";
export { Installation, type InstallationArgs } from "./components/installation.ts";
export { LoadBalancer, type LoadBalancerArgs } from "./components/load-balancer.ts";
export { Login, type LoginArgs } from "./components/login.ts";
export { NixImage, type NixImageArgs } from "./components/nix-image.ts";
export { NixosHost, type NixosHostArgs } from "./components/nixos-host.ts";
export { PlacementGroups, type PlacementGroupsArgs } from "./components/placement-groups.ts";
export {
  PrivateAddress,
  type PrivateAddressArgs,
  PrivateNetwork,
  type PrivateNetworkArgs,
} from "./components/private-network.ts";
export { RegistryPush, type RegistryPushArgs } from "./components/registry-push.ts";
export { ReverseDns, type ReverseDnsArgs } from "./components/reverse-dns.ts";
export { Secrets, type SecretsArgs } from "./components/secrets.ts";
export { ServerPower, type ServerPowerArgs } from "./components/server-power.ts";
export { SshKey, type SshKeyArgs } from "./components/ssh-key.ts";
export { Volume, type VolumeArgs } from "./components/volume.ts";
export { datedCatalogue } from "./config/catalogue.ts";
export type { HostManifest, Manifest } from "./config/manifest.ts";
export type { HostPlan, StackPlan } from "./config/plan.ts";
export { type PlanInput, planStack } from "./config/plan-stack.ts";
export { ConfigurationError, type Problem } from "./config/problems.ts";
export { type ParsedConfig, parseStackConfig, type StackConfig } from "./config/stack.ts";
export { evaluateManifest, evaluateSystems } from "./deployer/nix/evaluate.ts";
