import type { CheckFailure, Properties, Value } from "../../../provider/framework/types.ts";
import { contains, parseAddress, parseCidr } from "../../cloud/ip.ts";
import { join, leave, networkMeant, type PrivateNet, parseSubnetId } from "./membership.ts";
import { canonicalIp } from "./network.ts";
import type { Work } from "./resource.ts";
import type { Server } from "./server-lookups.ts";
import { within } from "./server-steps.ts";

/** The networks a server joins by its own property, rather than by resources beside it. */

/** The blocks of a list of blocks. */
export function blocksOf(value: Value): Properties[] {
  return Array.isArray(value) ? (value as Properties[]) : [];
}

/** Joins one of the networks. */
export async function joinInline(id: number | string, block: Properties, work: Work): Promise<void> {
  await within("hcloud/inlineAttachServerToNetwork", async () => {
    const { network } = networkMeant(block);
    if (!network) throw new Error("either subnet_id or network_id must be set");
    await within("attach server to network", () =>
      join(`/servers/${id}`, block, "server_already_attached", work),
    );
  });
}

/** Brings the networks a server is in to those it shall be in. */
export async function changeNetworks(found: Server, work: Work): Promise<void> {
  await within("hcloud/updateServerInlineNetworkAttachments", async () => {
    const wanted = new Map(
      blocksOf(work.wanted.networks).map((block) => [networkMeant(block).network, block]),
    );
    for (const net of found.private_net) {
      const block = wanted.get(net.network);
      wanted.delete(net.network);
      await changeNetwork(found.id, net, block, work);
    }
    for (const block of wanted.values()) await joinInline(found.id, block, work);
  });
}

async function changeNetwork(
  id: number,
  net: PrivateNet,
  block: Properties | undefined,
  work: Work,
): Promise<void> {
  const { api, signal } = work;
  const path = `/servers/${id}`;
  if (!block || (block.ip ?? "") !== net.ip) {
    await within("hcloud/detachServerFromNetwork", () => leave(path, net.network, api, signal));
    if (block) await joinInline(id, block, work);
    return;
  }
  const [has, wants] = [net.alias_ips ?? [], (block.aliasIps as string[] | undefined) ?? []];
  if (has.length === wants.length && wants.every((ip) => has.includes(ip))) return;
  const body = { network: net.network, alias_ips: wants.map(canonicalIp) };
  await within("hcloud/updateServerAliasIPs", () =>
    api.act(`${path}/actions/change_alias_ips`, body, signal),
  );
}

/** The state's side of the networks: each is named the way the program named it. Undefined where it named none. */
export function networksState(found: Server, old: Properties): Properties[] | undefined {
  const olds = blocksOf(old.networks);
  if (olds.length === 0) return undefined;
  return found.private_net.map((net) => {
    const block = olds.find((one) => networkMeant(one).network === net.network);
    return {
      aliasIps: net.alias_ips ?? [],
      ip: net.ip,
      macAddress: net.mac_address ?? "",
      networkId: block ? net.network : 0,
      subnetId: block?.subnetId ?? "",
    };
  });
}

/** What is wrong with the networks of a server. */
export function networkFailures(inputs: Properties): CheckFailure[] {
  const blocks = blocksOf(inputs.networks).filter((block) => block !== undefined);
  const seen = new Set<number>();
  for (const block of blocks) {
    const words = networkFault(block, seen);
    if (words) return [{ property: "networks", reason: words }];
  }
  return [];
}

function networkFault(block: Properties, seen: Set<number>): string | undefined {
  const named = (name: string) => Object.hasOwn(block, name) && block[name] !== null;
  if (!named("networkId") && !named("subnetId")) return "must specify either network_id or subnet_id";
  let network = Number(block.networkId ?? 0);
  if (typeof block.subnetId === "string") {
    const subnet = parseSubnetId(block.subnetId);
    if (network && subnet.network !== network)
      return `subnet_id (${block.subnetId}) does not belong to the specified network_id (${network})`;
    const range = parseCidr(subnet.range);
    const ip = typeof block.ip === "string" ? parseAddress(block.ip) : undefined;
    if (range && ip && !contains(range, ip))
      return `server IP (${block.ip}) is outside subnet IP range (${subnet.range})`;
    network = subnet.network;
  }
  if (!network) return undefined;
  if (seen.has(network)) return `server is only allowed to be attached to each network once: ${network}`;
  seen.add(network);
  return undefined;
}
