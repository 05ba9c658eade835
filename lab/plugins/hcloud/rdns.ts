import type { Properties, Value } from "../../../provider/framework/types.ts";
import { lookUp } from "./entity.ts";
import { Diagnostic, frameworkWords } from "./errors.ts";
import { exactlyOne, ipFailures } from "./framework-check.ts";
import { asWritten, canonicalIp } from "./network.ts";
import type { CloudResource } from "./resource.ts";
import { tolerating } from "./retry.ts";
import { isSet } from "./schema.ts";

interface Pointer {
  ip: string;
  dns_ptr: string | null;
}

/** What a thing of the cloud says of its reverse names; servers and load balancers keep them within `public_net`. */
interface Holder {
  dns_ptr?: Pointer[];
  public_net?: {
    ipv4: Pointer | null;
    ipv6: { ip: string; dns_ptr: Pointer[] | string | null } | null;
  };
}

interface Kind {
  prefix: string;
  property: string;
  collection: string;
  thing: string;
  words: string;
}

const KINDS: Kind[] = [
  { prefix: "s", property: "serverId", collection: "servers", thing: "server", words: "server" },
  {
    prefix: "p",
    property: "primaryIpId",
    collection: "primary_ips",
    thing: "primary_ip",
    words: "primary ip",
  },
  {
    prefix: "f",
    property: "floatingIpId",
    collection: "floating_ips",
    thing: "floating_ip",
    words: "floating ip",
  },
  {
    prefix: "l",
    property: "loadBalancerId",
    collection: "load_balancers",
    thing: "load_balancer",
    words: "load balancer",
  },
];
const PROPERTIES = KINDS.map(({ property }) => property);

/** `hcloud:index/rdns:Rdns`, known by "<s|p|f|l>-<id>-<address>". */
export const rdns: CloudResource = {
  half: "framework",
  words: frameworkWords,
  attributes: {
    ...Object.fromEntries(PROPERTIES.map((name) => [name, { kind: "number", replaces: true }])),
    ipAddress: { kind: "text", required: true, replaces: true },
    dnsPtr: { kind: "text", required: true },
  },
  validate: (inputs, call) => [
    ...exactlyOne(inputs, PROPERTIES, call.name),
    ...ipFailures(inputs, "ipAddress", call.name),
  ],

  async create({ api, inputs, wanted, signal }, exists) {
    const kind = KINDS.find(({ property }) => isSet(inputs, property));
    if (!kind) throw new Error("nothing is named that the address belongs to");
    const owner = Number(wanted[kind.property]);
    const ip = canonicalIp(String(wanted.ipAddress));
    if (!(await lookUp<Holder>(kind.collection, kind.thing, owner, api, signal)))
      throw new Diagnostic("Resource not found", `Resource (${kind.words}) was not found: id=${owner}`);
    const path = `/${kind.collection}/${owner}/actions/change_dns_ptr`;
    await api.act(path, { ip, dns_ptr: wanted.dnsPtr }, signal);
    exists(`${kind.prefix}-${owner}-${ip}`);
    return stateOf(kind, owner, ip, wanted, wanted.dnsPtr);
  },

  async read(id, old, { api, signal }) {
    const { kind, owner, ip } = parts(id);
    const holder = await lookUp<Holder>(kind.collection, kind.thing, owner, api, signal);
    const name = holder && nameOf(holder, ip);
    return name === undefined ? undefined : stateOf(kind, owner, ip, old, name);
  },

  async update(id, old, { api, wanted, signal }) {
    const { kind, owner, ip } = parts(id);
    const path = `/${kind.collection}/${owner}/actions/change_dns_ptr`;
    if (old.dnsPtr !== wanted.dnsPtr) await api.act(path, { ip, dns_ptr: wanted.dnsPtr }, signal);
    return stateOf(kind, owner, ip, old, wanted.dnsPtr);
  },

  async delete(id, _old, { api, signal }) {
    const { kind, owner, ip } = parts(id);
    const path = `/${kind.collection}/${owner}/actions/change_dns_ptr`;
    await tolerating(["not_found"], () => api.act(path, { ip, dns_ptr: null }, signal));
  },
};

function parts(id: string): { kind: Kind; owner: number; ip: string } {
  const [, prefix, owner, ip] = /^([spfl])-(\d+)-(.+)$/.exec(id) ?? [];
  const kind = KINDS.find((one) => one.prefix === prefix);
  if (!kind || !owner || !ip)
    throw new Error(`unexpected id '${id}', expected '$RESOURCE_PREFIX-$RESOURCE_ID-$IP_ADDRESS'`);
  return { kind, owner: Number(owner), ip: canonicalIp(ip) };
}

/** The address stays as the program writes it, which `old` knows. */
function stateOf(kind: Kind, owner: number, ip: string, old: Properties, name: Value): Properties {
  return {
    ...Object.fromEntries(PROPERTIES.map((property) => [property, null])),
    [kind.property]: owner,
    ipAddress: asWritten(old.ipAddress, ip),
    dnsPtr: name,
  };
}

/** The name of an address, undefined where there is none: an IPv6 address is found only as it is usually written. */
function nameOf({ dns_ptr, public_net }: Holder, ip: string): string | undefined {
  const pointers = [
    ...(dns_ptr ?? []),
    ...(public_net?.ipv4 ? [public_net.ipv4] : []),
    ...(Array.isArray(public_net?.ipv6?.dns_ptr) ? public_net.ipv6.dns_ptr : []),
    ...(typeof public_net?.ipv6?.dns_ptr === "string"
      ? [{ ip: public_net.ipv6.ip, dns_ptr: public_net.ipv6.dns_ptr }]
      : []),
  ];
  const found = pointers.find((pointer) => pointer.ip === ip);
  return found && (found.dns_ptr ?? "");
}
