import { expect } from "vitest";
import { fetchPage } from "../../../lab/journey/page.ts";
import type { HostEntry, StackFile, World } from "./world.ts";

/** A row of the documentation, tried. */
export interface Trial {
  /** The row's first cell. */
  change: string;
  /** The host it is tried on; none where it is no host's. */
  of?: string;
  edit: (stack: StackFile) => void;
  /** What must be so at the cloud or on the host when it is done. */
  holds?: (world: World) => Promise<void>;
}

/** Changes that one preview shows and one update makes, each on something of its own. */
export interface Round {
  name: string;
  /** Done to the cloud before, as a person would. */
  before?: (world: World) => Promise<void>;
  trials: Trial[];
}

/** A change that is refused, without a word or altogether. */
export interface Refusal {
  change: string;
  edit: (stack: StackFile) => void;
  /** The place in the configuration that the error names. */
  path: string;
}

export interface RefusedRound {
  name: string;
  refusals: Refusal[];
}

const person = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAILgWWsd2SOCXDrbwOEpRoAtzBRqrj3ZnI9WixwWgdO/i ada";
const server = { type: "cx23", location: "fsn1", image: "debian-13" };
const plainHost = { system: "web", server, healthDeadline: 20 };

const host = (stack: StackFile, name: string): HostEntry => {
  const found = stack.hosts[name];
  if (!found) throw new Error(`the stack file has no host ${name}`);
  return found;
};
const map = (owner: Record<string, unknown>, key: string) => owner[key] as Record<string, unknown>;
const zone = (stack: StackFile) => map(map(stack, "dns"), "example.org");
const edge = (stack: StackFile) => map(map(stack, "loadBalancers"), "edge");
const service = (port: number, targetPort = 80) => ({ protocol: "tcp", port, targetPort });
const record = (name: string, value: string) => ({ name, type: "A", values: [value] });

const typeOf = (name: string, type: string) => async (world: World) => {
  const { servers } = (await world.api("GET", `/servers?name=lab-${name}`)) as {
    servers: { status: string; server_type: { name: string }; primary_disk_size: number }[];
  };
  expect(servers).toEqual([
    expect.objectContaining({
      status: "running",
      server_type: expect.objectContaining({ name: type }),
      primary_disk_size: 40,
    }),
  ]);
};
const answers = (name: string) => async (world: World) => {
  await fetchPage(world.outputs.hosts[name]?.url ?? "");
};

/** What there is before anything is changed. */
export function atFirst(stack: StackFile): void {
  stack.protect = true;
  stack.hosts = {
    web1: structuredClone(plainHost),
    web2: { ...structuredClone(plainHost), volumes: { data: 10 } },
  };
}

/** While everything is protected. */
export const harmless: Round = {
  name: "changes that need no word",
  trials: [
    {
      change: "`server.type`, to a bigger one",
      of: "web1",
      edit: (stack) => Object.assign(host(stack, "web1").server, { type: "cx33" }),
      holds: async (world) => {
        await typeOf("web1", "cx33")(world);
        await answers("web1")(world);
      },
    },
    {
      change: "`server.image`",
      of: "web1",
      edit: (stack) => Object.assign(host(stack, "web1").server, { image: "debian-12" }),
    },
    {
      change: "`server.sshKeys`",
      of: "web1",
      edit: (stack) => Object.assign(host(stack, "web1").server, { sshKeys: [person] }),
    },
    {
      change: "`server.labels`",
      of: "web2",
      edit: (stack) => Object.assign(host(stack, "web2").server, { labels: { team: "blue" } }),
    },
    {
      change: "`server.backups: true`",
      of: "web2",
      edit: (stack) => Object.assign(host(stack, "web2").server, { backups: true }),
    },
    {
      change: "`firewall`, a rule more or less",
      of: "web2",
      edit: (stack) => Object.assign(host(stack, "web2"), { firewall: [{ protocol: "tcp", port: "8080" }] }),
    },
    {
      change: "`volumes`, one more",
      of: "web2",
      edit: (stack) => Object.assign(map(host(stack, "web2"), "volumes"), { logs: 10 }),
    },
    {
      change: "`volumes`, one larger",
      of: "web2",
      edit: (stack) => Object.assign(map(host(stack, "web2"), "volumes"), { data: 20 }),
    },
    {
      change: "`domain`",
      of: "web2",
      edit: (stack) => Object.assign(host(stack, "web2"), { domain: "site.lab" }),
    },
    {
      change: "`health`, `healthDeadline`",
      of: "web2",
      edit: (stack) => Object.assign(host(stack, "web2"), { healthDeadline: 21 }),
    },
    {
      change: "`access.from`",
      edit: (stack) => Object.assign(stack, { access: { from: ["10.0.0.0/8", "fd00::/8"] } }),
    },
    {
      change: "`access.people`",
      edit: (stack) => Object.assign(map(stack, "access"), { people: { ada: [person] } }),
    },
    {
      change: "`hosts`, one more",
      of: "web3",
      edit: (stack) => Object.assign(stack.hosts, { web3: structuredClone(plainHost) }),
      holds: answers("web3"),
    },
    {
      change: "`network`, where there was none",
      edit: (stack) => Object.assign(stack, { network: { range: "10.20.0.0/16", subnet: "10.20.1.0/24" } }),
    },
    {
      change: "`dns`, a zone more",
      edit: (stack) => Object.assign(stack, { dns: { "example.org": {} } }),
    },
    {
      change: "`loadBalancers`, one more",
      edit: (stack) =>
        Object.assign(stack, {
          loadBalancers: {
            edge: { type: "lb11", location: "fsn1", targets: ["web2"], services: [service(80)] },
          },
        }),
    },
  ],
};

/** Of what is protected. */
export const refusedWhileProtected: RefusedRound[] = [
  {
    name: "what loses something while everything is protected",
    refusals: [
      {
        change: "`server.type`, of another architecture",
        edit: (stack) => Object.assign(host(stack, "web1").server, { type: "cax11" }),
        path: "berth:hosts.web1.server.type",
      },
      {
        change: "`server.ipv4: false`",
        edit: (stack) => Object.assign(host(stack, "web1").server, { ipv4: false }),
        path: "berth:hosts.web1.server.ipv4",
      },
      {
        change: "`server.ipv6: false`",
        edit: (stack) => Object.assign(host(stack, "web2").server, { ipv6: false }),
        path: "berth:hosts.web2.server.ipv6",
      },
      {
        change: "`server.backups: false`",
        edit: (stack) => Object.assign(host(stack, "web2").server, { backups: false }),
        path: "berth:hosts.web2.server.backups",
      },
      {
        change: "`server.placement`, into or out of a group, of a server that runs",
        edit: (stack) => Object.assign(host(stack, "web2").server, { placement: "web" }),
        path: "berth:hosts.web2.server.placement",
      },
      {
        change: "`volumes`, one smaller",
        edit: (stack) => Object.assign(map(host(stack, "web2"), "volumes"), { data: 10 }),
        path: "berth:hosts.web2.volumes.data",
      },
      {
        change: "`volumes`, one less",
        edit: (stack) => delete map(host(stack, "web2"), "volumes").logs,
        path: "berth:hosts.web2.volumes",
      },
      {
        change: "`server.location`",
        edit: (stack) => Object.assign(host(stack, "web3").server, { location: "nbg1" }),
        path: "berth:hosts.web3.server.location",
      },
      {
        change: "`network.range`",
        edit: (stack) => Object.assign(map(stack, "network"), { range: "10.20.0.0/17" }),
        path: "berth:network.range",
      },
      {
        change: "`dns.create: false`, of a zone that the stack has made",
        edit: (stack) => Object.assign(zone(stack), { create: false }),
        path: "berth:dns.example.org.create",
      },
      {
        change: "`loadBalancers.location`",
        edit: (stack) => Object.assign(edge(stack), { location: "nbg1" }),
        path: "berth:loadBalancers.edge.location",
      },
    ],
  },
  {
    name: "what goes while everything is protected",
    refusals: [
      {
        change: "`hosts`, one less",
        edit: (stack) => delete stack.hosts.web1,
        path: "berth:hosts.web1",
      },
      {
        change: "`hosts`, one renamed",
        edit: (stack) => {
          stack.hosts.web9 = host(stack, "web3");
          delete stack.hosts.web3;
        },
        path: "berth:hosts.web3",
      },
      {
        change: "`volumes`, one renamed",
        edit: (stack) => Object.assign(host(stack, "web2"), { volumes: { files: 20, logs: 10 } }),
        path: "berth:hosts.web2.volumes",
      },
      {
        change: "`network`, taken away",
        edit: (stack) => delete stack.network,
        path: "berth:network",
      },
      { change: "`dns`, a zone less", edit: (stack) => delete stack.dns, path: "berth:dns" },
      {
        change: "`loadBalancers`, one less",
        edit: (stack) => delete stack.loadBalancers,
        path: "berth:loadBalancers",
      },
    ],
  },
];

/** The protection is taken away, beside more that needs no word. */
export const unprotecting: Round = {
  name: "the protection taken away, and more that needs no word",
  trials: [
    { change: "`protect: false`", edit: (stack) => Object.assign(stack, { protect: false }) },
    {
      change: "`server.type`, to a smaller one",
      of: "web1",
      edit: (stack) => Object.assign(host(stack, "web1").server, { type: "cx23" }),
      holds: typeOf("web1", "cx23"),
    },
    {
      change: "`network.subnet`",
      edit: (stack) => Object.assign(map(stack, "network"), { subnet: "10.20.2.0/24" }),
    },
    {
      change: "`reverseDns`",
      of: "web2",
      edit: (stack) => Object.assign(host(stack, "web2"), { reverseDns: "mail.example.org" }),
    },
    {
      change: "`system`",
      of: "web3",
      edit: (stack) => Object.assign(host(stack, "web3"), { system: "spare" }),
      holds: answers("web3"),
    },
    {
      change: "`dns.records`, one more",
      edit: (stack) =>
        Object.assign(zone(stack), { records: [record("www", "203.0.113.7"), record("api", "203.0.113.7")] }),
    },
    {
      change: "`dns.certificateAuthorities`",
      edit: (stack) =>
        Object.assign(zone(stack), { certificateAuthorities: ["letsencrypt.org", "sectigo.com"] }),
    },
    { change: "`dns.ttl`", edit: (stack) => Object.assign(zone(stack), { ttl: 300 }) },
    {
      change: "`loadBalancers.type`, `loadBalancers.algorithm`",
      edit: (stack) => Object.assign(edge(stack), { type: "lb21", algorithm: "least_connections" }),
    },
    {
      change: "`loadBalancers.targets`",
      edit: (stack) => Object.assign(edge(stack), { targets: ["web1"] }),
    },
    {
      change: "`loadBalancers.services`, one more",
      edit: (stack) => Object.assign(edge(stack), { services: [service(80), service(81)] }),
    },
    {
      change: "`loadBalancers.domains`",
      edit: (stack) => Object.assign(edge(stack), { domains: ["lb.example.org"] }),
    },
  ],
};

/** Everything that loses something, with its word said before; the second and the third go on from there. */
export const losing: Round[] = [
  {
    name: "what loses something, with the word for it",
    before: (world) => world.switchOff("web2"),
    trials: [
      {
        change: "`server.ipv4: false`",
        of: "web1",
        edit: (stack) => Object.assign(host(stack, "web1").server, { ipv4: false }),
        holds: answers("web1"),
      },
      {
        change: "`server.backups: false`",
        of: "web2",
        edit: (stack) => Object.assign(host(stack, "web2").server, { backups: false, deleteBackups: true }),
      },
      {
        change: "`server.placement`, into or out of a group, of a server that is off",
        of: "web2",
        edit: (stack) => Object.assign(host(stack, "web2").server, { placement: "web" }),
        holds: typeOf("web2", "cx23"),
      },
      {
        change: "`volumes`, one less",
        of: "web2",
        edit: (stack) => delete map(host(stack, "web2"), "volumes").logs,
      },
      {
        change: "`volumes`, one renamed",
        of: "web2",
        edit: (stack) => {
          const volumes = map(host(stack, "web2"), "volumes");
          volumes.files = volumes.data;
          delete volumes.data;
        },
      },
      {
        change: "`hosts`, one renamed",
        of: "web3",
        edit: (stack) => {
          stack.hosts.web5 = host(stack, "web3");
          delete stack.hosts.web3;
        },
        holds: answers("web5"),
      },
      {
        change: "`dns.records`, one changed",
        edit: (stack) =>
          Object.assign(zone(stack), {
            records: [record("www", "203.0.113.8"), record("api", "203.0.113.7")],
          }),
      },
      {
        change: "`dns.records`, one less",
        edit: (stack) => Object.assign(zone(stack), { records: [record("www", "203.0.113.8")] }),
      },
      {
        change: "`loadBalancers.services`, one changed",
        edit: (stack) => Object.assign(edge(stack), { services: [service(80), service(81, 22)] }),
      },
      {
        change: "`privateAddress`",
        of: "web1",
        edit: (stack) => Object.assign(host(stack, "web1"), { privateAddress: "10.20.2.77" }),
      },
    ],
  },
  {
    name: "more that loses something, and what comes back",
    trials: [
      {
        change: "`server.ipv4: true`",
        of: "web1",
        edit: (stack) => Object.assign(host(stack, "web1").server, { ipv4: true }),
        holds: answers("web1"),
      },
      {
        change: "`server.ipv6: false`",
        of: "web2",
        edit: (stack) => Object.assign(host(stack, "web2").server, { ipv6: false }),
      },
      {
        change: "`server.location`",
        of: "web5",
        edit: (stack) => Object.assign(host(stack, "web5").server, { location: "nbg1" }),
        holds: answers("web5"),
      },
      {
        change: "`network.range`",
        edit: (stack) => Object.assign(map(stack, "network"), { range: "10.20.0.0/17" }),
      },
      {
        change: "`loadBalancers.location`",
        edit: (stack) => Object.assign(edge(stack), { location: "nbg1" }),
      },
      { change: "`dns`, a zone less", edit: (stack) => delete stack.dns },
    ],
  },
  {
    name: "the rest of it",
    trials: [
      {
        change: "`server.ipv6: true`",
        of: "web2",
        edit: (stack) => Object.assign(host(stack, "web2").server, { ipv6: true }),
      },
      {
        change: "`hosts`, one less",
        of: "web5",
        edit: (stack) => delete stack.hosts.web5,
      },
      {
        change: "`network`, taken away",
        edit: (stack) => {
          delete stack.network;
          delete host(stack, "web1").privateAddress;
        },
      },
      { change: "`loadBalancers`, one less", edit: (stack) => delete stack.loadBalancers },
    ],
  },
];
