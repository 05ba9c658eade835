import { setTimeout as sleep } from "node:timers/promises";
import type { Properties, Value } from "../../../provider/framework/types.ts";
import { parseCidr } from "../../cloud/ip.ts";
import { type Api, actionsOf, type Json } from "./api.ts";
import { lookUp } from "./entity.ts";
import { Diagnostic, frameworkWords } from "./errors.ts";
import { exactlyOne, ipFailures, ipListFailures } from "./framework-check.ts";
import { asWritten, bareNetwork, canonicalIp } from "./network.ts";
import type { CloudResource, Work } from "./resource.ts";
import { against, persist, TRIES, tolerating } from "./retry.ts";
import { isSet, same } from "./schema.ts";

/** What a server or a load balancer says of one of its networks. */
export interface PrivateNet {
  network: number;
  ip: string;
  alias_ips?: string[];
  mac_address?: string;
}

/** Codes against which joining a network is tried again. */
const JOIN_AGAIN = ["conflict", "locked", "service_error", "no_subnet_available"];
/** Codes against which leaving one is. */
const LEAVE_AGAIN = ["conflict", "locked", "service_error"];

/** An id that is none of a subnet's. */
class SubnetIdFault extends Error {}

/** The network and the CIDR that a subnet's id, "<network>-<CIDR>", names. */
export function parseSubnetId(id: string): { network: number; range: string } {
  const [, network, range] = /^(\d+)-(.+)$/.exec(id) ?? [];
  if (!network || !range || !parseCidr(range))
    throw new SubnetIdFault(`unexpected subnet id '${id}', expected '$NETWORK_ID-$SUBNET_IP_RANGE'`);
  return { network: Number(network), range: bareNetwork(range) };
}

/** The network a program means, by its id or by that of a subnet. */
export function networkMeant({ networkId, subnetId }: Properties): { network: Value; range?: string } {
  return subnetId ? parseSubnetId(String(subnetId)) : { network: networkId };
}

/** Joins a network; it is no error to be in it already. Returns what has to be waited for. */
export async function join(path: string, wanted: Properties, taken: string, { api, signal }: Work) {
  const { network, range } = networkMeant(wanted);
  const aliasIps = Array.isArray(wanted.aliasIps) ? (wanted.aliasIps as string[]) : [];
  const body: Json = {
    network,
    ...(wanted.ip ? { ip: canonicalIp(String(wanted.ip)) } : {}),
    ...(aliasIps.length > 0 ? { alias_ips: aliasIps.map(canonicalIp).toSorted() } : {}),
    ...(range ? { ip_range: range } : {}),
  };
  let answer: Json = {};
  await tolerating([taken], async () => {
    answer = await persist(api, signal, { tries: TRIES, again: against(...JOIN_AGAIN) }, () =>
      api.post(`${path}/actions/attach_to_network`, body, signal),
    );
  });
  await api.settle(actionsOf(answer), signal);
}

/** Leaves a network; it is no error to be gone. */
export async function leave(path: string, network: Value, api: Api, signal: AbortSignal): Promise<void> {
  await tolerating(["not_found"], async () => {
    const answer = await persist(api, signal, { tries: TRIES, again: against(...LEAVE_AGAIN) }, () =>
      api.post(`${path}/actions/detach_from_network`, { network }, signal),
    );
    await api.settle(actionsOf(answer), signal);
  });
}

interface Member {
  id: number;
  private_net: PrivateNet[];
}

/** The same in the words of the newer half. */
function meant(inputs: Properties): { network: Value } {
  try {
    return networkMeant(inputs);
  } catch (error) {
    if (!(error instanceof SubnetIdFault)) throw error;
    const words = error.message.charAt(0).toUpperCase() + error.message.slice(1);
    throw new Diagnostic('[AttributeName("subnet_id")] Invalid Subnet ID', words);
  }
}

function vanished(thing: string, member: string | number, network: Value): Error {
  const words = `Attachment of ${thing.replace("_", " ")} (${member}) to network (${network}) vanished`;
  return new Diagnostic("Resource vanished", words);
}

/** The two ids in "<member>-<network>". */
function parts(id: string): { member: string; network: number } {
  const [, member, network] = /^(\d+)-(\d+)$/.exec(id) ?? [];
  if (!member || !network) throw new Error(`unexpected id '${id}', expected '<id>-<id of the network>'`);
  return { member, network: Number(network) };
}

/** A member of a network, as a resource of its own, of the newer half. */
interface Membership<Found extends Member> {
  collection: string;
  thing: string;
  /** The property with the member's id. */
  property: string;
  more: CloudResource["attributes"];
  validate?: CloudResource["validate"];
  /** The code that means it is in a network already. */
  taken: string;
  state(found: Found, net: PrivateNet): Properties;
  /** What is done once it is in, and at every change; may alter what was found. */
  adjust(found: Found, work: Work, old: Properties | undefined): Promise<void>;
  /** Whether a look comes before a change; otherwise it comes after. */
  looksFirst: boolean;
  /** Whether the real provider looks whether it has left. */
  waitsForLeave: boolean;
}

const LEAVE_LOOKS = 10;

function membership<Found extends Member>(is: Membership<Found>): CloudResource {
  const find = (member: string | number, api: Api, signal: AbortSignal) =>
    lookUp<Found>(is.collection, is.thing, member, api, signal);
  const netOf = (found: Found | undefined, network: Value) =>
    found?.private_net.find((net) => net.network === network);
  const stateOf = (found: Found, net: PrivateNet, old: Properties): Properties => ({
    id: `${found.id}-${net.network}`,
    [is.property]: found.id,
    networkId: net.network,
    ip: asWritten(old.ip, net.ip),
    ...is.state(found, net),
  });

  return {
    half: "framework",
    words: frameworkWords,
    attributes: {
      [is.property]: { kind: "number", required: true, replaces: true },
      networkId: { kind: "number", computed: true, replaces: true },
      subnetId: { kind: "text", replaces: true },
      ip: { kind: "text", computed: true, replaces: true },
      ...is.more,
    },
    validate: (inputs, call) => [
      ...exactlyOne(inputs, ["networkId", "subnetId"], call.name),
      ...ipFailures(inputs, "ip", call.name),
      ...ipListFailures(inputs, "aliasIps", call.name),
    ],

    async create(work, exists) {
      const { api, inputs, wanted, signal } = work;
      const member = Number(wanted[is.property]);
      const { network } = meant(isSet(inputs, "subnetId") ? inputs : wanted);
      await join(`/${is.collection}/${member}`, wanted, is.taken, work);
      exists(`${member}-${network}`);
      const found = await find(member, api, signal);
      if (found) await is.adjust(found, work, undefined);
      const net = netOf(found, network);
      if (!found || !net) throw vanished(is.thing, member, network);
      return stateOf(found, net, wanted);
    },

    async read(id, old, { api, signal }) {
      const { member, network } = parts(id);
      const found = await find(member, api, signal);
      const net = netOf(found, network);
      return found && net && stateOf(found, net, old);
    },

    async update(id, old, work) {
      const { api, signal } = work;
      const { member, network } = parts(id);
      const before = is.looksFirst ? await find(member, api, signal) : undefined;
      await is.adjust(
        before ?? ({ id: Number(member), private_net: [] as PrivateNet[] } as Found),
        work,
        old,
      );
      const found = before ?? (await find(member, api, signal));
      const net = netOf(found, network);
      if (!found || !net) throw vanished(is.thing, member, network);
      return stateOf(found, net, old);
    },

    async delete(id, _old, { api, signal }) {
      const { member, network } = parts(id);
      await leave(`/${is.collection}/${member}`, network, api, signal);
      if (!is.waitsForLeave) return;
      for (let look = 0; look < LEAVE_LOOKS; look++) {
        if (!netOf(await find(member, api, signal), network)) return;
        await sleep(2 * api.patience, undefined, { signal });
      }
    },
  };
}

/** `hcloud:index/serverNetwork:ServerNetwork`. */
export const serverNetwork = membership({
  collection: "servers",
  thing: "server",
  property: "serverId",
  more: {
    aliasIps: { kind: "texts", unordered: true, default: [] },
    macAddress: { kind: "text", output: true },
  },
  taken: "server_already_attached",
  state: (_found, { alias_ips, mac_address }) => ({
    aliasIps: (alias_ips ?? []).toSorted(),
    macAddress: mac_address ?? "",
  }),
  async adjust({ id }, { api, wanted, signal }, old) {
    if (!old || same({ kind: "texts", unordered: true }, old.aliasIps, wanted.aliasIps)) return;
    const aliasIps = (wanted.aliasIps as string[]).map(canonicalIp).toSorted();
    const body = { network: old.networkId, alias_ips: aliasIps };
    await api.act(`/servers/${id}/actions/change_alias_ips`, body, signal);
  },
  looksFirst: false,
  waitsForLeave: false,
});

/** `hcloud:index/loadBalancerNetwork:LoadBalancerNetwork`. */
export const loadBalancerNetwork = membership<Member & { public_net: { enabled: boolean } }>({
  collection: "load_balancers",
  thing: "load_balancer",
  property: "loadBalancerId",
  more: { enablePublicInterface: { kind: "boolean", default: true } },
  taken: "load_balancer_already_attached",
  state: ({ public_net }) => ({ enablePublicInterface: public_net.enabled }),
  async adjust(found, { api, wanted, signal }) {
    const enabled = wanted.enablePublicInterface === true;
    if (found.public_net.enabled === enabled) return;
    const action = enabled ? "enable_public_interface" : "disable_public_interface";
    await api.act(`/load_balancers/${found.id}/actions/${action}`, undefined, signal);
    found.public_net.enabled = enabled;
  },
  looksFirst: true,
  waitsForLeave: true,
});
