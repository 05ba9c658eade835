import { answers, edge, host, map, person, plainHost, service, typeOf, zone } from "./edits.ts";
import type { RefusedRound, Round } from "./round.ts";
import type { StackFile } from "./world.ts";

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
      change: "`health`, `healthDeadline`, `healthyFor`, `reboot`",
      of: "web2",
      edit: (stack) => Object.assign(host(stack, "web2"), { healthDeadline: 61, healthyFor: 1 }),
    },
    {
      change: "`release`, `drift`",
      of: "web2",
      edit: (stack) => Object.assign(host(stack, "web2"), { release: { before: "true" }, drift: "report" }),
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
