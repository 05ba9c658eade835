import { answers, edge, host, map, record, service, typeOf, zone } from "./edits.ts";
import type { Round } from "./round.ts";

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
