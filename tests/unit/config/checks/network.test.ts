import { server, withHost, withHosts } from "../samples.ts";
import { host, testRefusals } from "./refused.ts";

testRefusals("a private network", [
  [
    "that is public",
    withHost({}, { network: { range: "8.8.8.0/24" } }),
    [
      [
        "berth:network.range",
        "8.8.8.0/24 is not private; it has to lie in 10.0.0.0/8, 172.16.0.0/12, 192.168.0.0/16",
      ],
    ],
  ],
  [
    "that is larger than a private range",
    withHost({}, { network: { range: "172.0.0.0/8" } }),
    [["berth:network.range", "172.0.0.0/8 is not private"]],
  ],
  [
    "named by an address inside it",
    withHost({}, { network: { range: "10.0.0.5/16" } }),
    [
      [
        "berth:network.range",
        "10.0.0.5/16 is an address inside a network; the network is named by its first one",
      ],
    ],
  ],
  [
    "too small",
    withHost({}, { network: { range: "10.0.0.0/25" } }),
    [["berth:network.range", "10.0.0.0/25 is too small; Hetzner takes /24 and larger"]],
  ],
  [
    "with a subnet elsewhere",
    withHost({}, { network: { range: "10.0.0.0/16", subnet: "10.1.0.0/24" } }),
    [["berth:network.subnet", "10.1.0.0/24 does not lie in berth:network.range, 10.0.0.0/16"]],
  ],
  [
    "with too small a subnet",
    withHost({}, { network: { range: "10.0.0.0/16", subnet: "10.0.1.0/31" } }),
    [["berth:network.subnet", "10.0.1.0/31 is too small; Hetzner takes /30 and larger"]],
  ],
  [
    "with more members than addresses",
    withHosts({ a: {}, b: {}, c: {} }, { network: { subnet: "10.0.1.0/30" } }),
    [["berth:network.subnet", "10.0.1.0/30 has 2 addresses for 3 servers and load balancers"]],
  ],
  [
    "over two network zones",
    withHosts({ a: {}, b: server({ type: "ccx13", location: "ash" }) }, { network: {} }),
    [
      [
        "berth:hosts.b.server.location",
        "ash is in us-east, and the private network is in eu-central with fsn1 (berth:hosts.a.server.location): all have to be in one network zone; eu-central has fsn1, nbg1, hel1",
      ],
    ],
  ],
  [
    "that is not there for an address",
    withHost({ privateAddress: "10.0.0.2" }),
    [[`${host}.privateAddress`, "10.0.0.2: the stack has no berth:network for it"]],
  ],
  [
    "that an address is not in",
    withHost({ privateAddress: "10.1.0.2" }, { network: {} }),
    [[`${host}.privateAddress`, "10.1.0.2 does not lie in the subnet 10.0.0.0/16"]],
  ],
  [
    "whose gateway is asked for",
    withHost({ privateAddress: "10.0.0.1" }, { network: {} }),
    [
      [
        `${host}.privateAddress`,
        "10.0.0.1 is one of Hetzner's own: the first and the last address of 10.0.0.0/16, the gateway 10.0.0.1 and 172.31.1.1",
      ],
    ],
  ],
  [
    "whose first address is asked for",
    withHost({ privateAddress: "10.0.1.0" }, { network: { subnet: "10.0.1.0/24" } }),
    [[`${host}.privateAddress`, "10.0.1.0 is one of Hetzner's own"]],
  ],
  [
    "whose last address is asked for",
    withHost({ privateAddress: "10.0.1.255" }, { network: { subnet: "10.0.1.0/24" } }),
    [[`${host}.privateAddress`, "10.0.1.255 is one of Hetzner's own"]],
  ],
  [
    "where Hetzner's public gateway is asked for",
    withHost({ privateAddress: "172.31.1.1" }, { network: { range: "172.16.0.0/12" } }),
    [[`${host}.privateAddress`, "172.31.1.1 is one of Hetzner's own"]],
  ],
  [
    "with an address twice",
    withHosts({ a: { privateAddress: "10.0.0.2" }, b: { privateAddress: "10.0.0.2" } }, { network: {} }),
    [["berth:hosts.b.privateAddress", "10.0.0.2 is berth:hosts.a's already"]],
  ],
]);
