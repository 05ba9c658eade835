import { existing, server, withHost, withHosts, withServer } from "../samples.ts";
import { host, testRefusals } from "./refused.ts";

testRefusals("what hangs on a server", [
  [
    "no address at all",
    withServer({ ipv4: false, ipv6: false }),
    [
      [
        `${host}.server`,
        "ipv4 and ipv6 are both false, and then nobody reaches the server to install it; keep one of them",
      ],
    ],
  ],
  [
    "more volumes than it has places",
    withHost({ volumes: Object.fromEntries(Array.from({ length: 17 }, (_, n) => [`v${n}`, 10])) }),
    [[`${host}.volumes`, "17 volumes; a server has 16 at most: make fewer and larger ones"]],
  ],
  [
    "the same of a machine ordered elsewhere",
    withHost(
      {
        ...existing,
        volumes: { data: 10 },
        firewall: [{ protocol: "icmp" }],
        reverseDns: "a.org",
        privateAddress: "10.0.0.2",
      },
      { network: {} },
    ),
    [
      [`${host}.firewall`, "berth:hosts.web1 is an existing machine: the cloud's firewall stands before"],
      [`${host}.volumes`, "volumes are attached to servers that this stack orders"],
      [`${host}.privateAddress`, "the private network joins"],
      [`${host}.reverseDns`, "set it where the machine was ordered"],
      ["berth:network", "a private network joins servers of this stack, and it has none"],
    ],
  ],
  [
    "a group with too many",
    withHosts(
      Object.fromEntries(Array.from({ length: 11 }, (_, n) => [`h${n}`, server({ placement: "web" })])),
    ),
    [
      [
        "berth:hosts.h10.server.placement",
        "web would have 11 servers, and a placement group has 10 at most; use a second one",
      ],
    ],
  ],
]);
