import type { LabNetwork } from "../../cloud/driver.ts";
import { ownAddresses } from "../network-choice.ts";

/** Where Hetzner's resolvers answer its servers; the lab's name server has these addresses inside the lab. */
export const RESOLVERS = {
  ipv4: ["185.12.64.1", "185.12.64.2"],
  ipv6: ["2a01:4ff:ff00::add:1", "2a01:4ff:ff00::add:2"],
} as const;

/** Addresses of the lab's own services, reachable from this machine and from every server. */
export interface ServiceAddresses {
  dns: { ipv4: string; ipv6: string };
  acme: { ipv4: string; ipv6: string };
}

/** .3 and .4, ::13 and ::14 of the lab's networks (::0 to ::3 lie on the link between the machine and the lab). */
export function serviceAddresses(network: LabNetwork): ServiceAddresses {
  const { ipv4, ipv6 } = ownAddresses(network).outside;
  const nth = (n: number) => ({ ipv4: ipv4.replace(/1$/, `${n}`), ipv6: ipv6.replace(/1$/, `1${n}`) });
  return { dns: nth(3), acme: nth(4) };
}
