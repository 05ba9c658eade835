import { flake, server, withHost } from "../samples.ts";
import { host, testRefusals } from "./refused.ts";

testRefusals("firewall rules", [
  [
    "without a port",
    withHost({ firewall: [{ protocol: "tcp" }, { protocol: "udp" }] }),
    [
      [`${host}.firewall.0.port`, "is missing; a rule for tcp needs one"],
      [`${host}.firewall.1.port`, "is missing; a rule for udp needs one"],
    ],
  ],
  [
    "with a port where there is none",
    withHost({ firewall: [{ protocol: "icmp", port: "80" }] }),
    [[`${host}.firewall.0.port`, '"80": icmp has no ports; leave it out']],
  ],
  [
    "with a range upside down",
    withHost({ firewall: [{ protocol: "tcp", port: "90-80" }] }),
    [[`${host}.firewall.0.port`, '"90-80": a range begins with its smaller port']],
  ],
  [
    "beyond the last port",
    withHost({ firewall: [{ protocol: "tcp", port: "65530-65536" }] }),
    [[`${host}.firewall.0.port`, '"65530-65536": a port is 65535 at most']],
  ],
  [
    "more than a firewall has",
    withHost({
      firewall: Array.from({ length: 47 }, (_, n) => ({ protocol: "tcp", port: String(1000 + n) })),
    }),
    [
      [
        `${host}.firewall`,
        "47 rules here, 3 ports of the flake's berth.hosts.web.ports and ping are 51 rules, and Hetzner's firewall has 50 at most",
      ],
    ],
  ],
  [
    "with more networks than a rule has",
    withHost({
      firewall: [{ protocol: "icmp", networks: Array.from({ length: 101 }, (_, n) => `10.0.${n}.0/24`) }],
    }),
    [[`${host}.firewall.0.networks`, "101 networks; a rule has 100 at most: split it"]],
  ],
  [
    "for ssh from more networks than a rule has",
    withHost({}, { access: { from: Array.from({ length: 101 }, (_, n) => `10.0.${n}.0/24`) } }),
    [["berth:access.from", "101 networks; a rule of Hetzner's firewall has 100 at most: name larger ones"]],
  ],
]);

testRefusals("health checks", [
  [
    "of the stack at a port that is shut",
    withHost({ health: [{ http: "http://a.org:8080/" }] }),
    [
      [
        `${host}.health.0`,
        "http://a.org:8080/ asks port 8080, which is in neither the flake's berth.hosts.web.ports.tcp (80, 443) nor berth:hosts.web1.firewall",
      ],
    ],
  ],
  [
    "of the flake at a port that is shut",
    withHost(),
    [
      [
        `${host}.firewall`,
        "the flake's berth.hosts.web.health.0 asks https://a.org:8443/, and port 8443 is in neither the flake's berth.hosts.web.ports.tcp (80, 443) nor berth:hosts.web1.firewall",
      ],
    ],
    { manifest: flake({ health: [{ https: "https://a.org:8443/", status: 200 }] }) },
  ],
  [
    "at a port opened for udp or outwards alone",
    withHost({
      firewall: [
        { protocol: "udp", port: "8080" },
        { direction: "out", protocol: "tcp", port: "8080" },
      ],
      health: [{ http: "http://a.org:8080/" }],
    }),
    [[`${host}.health.0`, "asks port 8080"]],
  ],
  [
    "over a family the server has not",
    withHost({ ...server({ ipv6: false }), health: [{ http: "http://[2001:db8::1]/" }] }),
    [[`${host}.health.0`, "http://[2001:db8::1]/ is IPv6, and berth:hosts.web1.server.ipv6 is false"]],
  ],
]);
