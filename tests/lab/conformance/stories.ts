import { floatingIps, loadBalancers, networks, primaryIps, zones } from "./network-stories.ts";
import { firewalls, moreOfServers, servers, sshKeys, volumes } from "./server-stories.ts";
import type { Story } from "./story.ts";

/** Every type the components use, and those that hang on them. */
export const stories: Record<string, Story> = {
  "ssh-keys": sshKeys,
  "primary-ips": primaryIps,
  firewalls,
  servers,
  "more-of-servers": moreOfServers,
  networks,
  volumes,
  "floating-ips": floatingIps,
  "load-balancers": loadBalancers,
  zones,
};
