import { existing, type Raw, server } from "../samples.ts";
import { balancer, https, testRefusals, vhosts, zone } from "./refused.ts";

const edge = "berth:loadBalancers.edge";
const service = (changes: Raw = {}) => ({
  services: [{ protocol: "tcp", port: 25, targetPort: 80, ...changes }],
});

testRefusals("a load balancer", [
  [
    "of no type",
    balancer({ type: "lb99" }),
    [[`${edge}.type`, '"lb99" is not a type of load balancer; there are lb11, lb21, lb31']],
  ],
  ["nowhere", balancer({ location: "mars" }), [[`${edge}.location`, '"mars" is not a location']]],
  [
    "with more services than its type has",
    balancer({
      services: Array.from({ length: 6 }, (_, n) => ({ protocol: "tcp", port: 1000 + n, targetPort: 80 })),
    }),
    [[`${edge}.services`, "6 services; lb11 has 5 at most, lb21 has enough"]],
  ],
  [
    "to nobody of this stack",
    balancer({ targets: ["web9"] }),
    [[`${edge}.targets.0`, '"web9" is not a host of this stack; it has web1']],
  ],
  [
    "to a built-in property",
    balancer({ targets: ["constructor"] }),
    [[`${edge}.targets.0`, '"constructor" is not a host of this stack']],
  ],
  [
    "to a host twice",
    balancer({ targets: ["web1", "web1"] }),
    [[`${edge}.targets`, "web1 is named more than once"]],
  ],
  [
    "to an existing machine",
    {
      ...balancer({ targets: ["web1", "metal"] }),
      hosts: { web1: { system: "web", ...server() }, metal: existing },
    },
    [
      [
        `${edge}.targets.1`,
        "metal is an existing machine, and a load balancer leads to servers that this stack orders: web1",
      ],
    ],
  ],
  [
    "in another network zone",
    balancer({ location: "ash" }),
    [
      [
        `${edge}.targets.0`,
        "web1 is in fsn1 (eu-central), and the load balancer in ash (us-east): both have to be in one network zone",
      ],
    ],
  ],
  [
    "to a host without IPv4",
    { ...balancer(), hosts: { web1: { system: "web", ...server({ ipv4: false }) } } },
    [
      [
        `${edge}.targets.0`,
        "web1 has no IPv4 address (berth:hosts.web1.server.ipv4), and a load balancer speaks IPv4 to its targets; give it one, or a private network",
      ],
    ],
  ],
  [
    "to a port that is shut",
    balancer(service({ targetPort: 3000 })),
    [
      [
        `${edge}.services.0.targetPort`,
        "port 3000 of web1 is in neither the flake's berth.hosts.web.ports.tcp (80, 443) nor berth:hosts.web1.firewall",
      ],
    ],
  ],
  [
    "with a port twice",
    balancer({
      services: [
        { protocol: "tcp", port: 25, targetPort: 80 },
        { protocol: "tcp", port: 25, targetPort: 443 },
      ],
    }),
    [
      [
        `${edge}.services.1.port`,
        "port 25 is berth:loadBalancers.edge.services.0.port's already; a port has one service",
      ],
    ],
  ],
  [
    "with a redirect from a port that is taken",
    balancer(
      {
        services: [
          { protocol: "http", port: 80, targetPort: 80 },
          { ...https, redirect: true },
        ],
        domains: ["www.example.org"],
      },
      zone([]),
    ),
    [
      [
        `${edge}.services.1.redirect`,
        "port 80, where visitors come before they are sent on, is berth:loadBalancers.edge.services.0.port's already; a port has one service",
      ],
    ],
    vhosts("www.example.org"),
  ],
  [
    "with what tcp has not",
    balancer(service({ redirect: true, sticky: true, health: { path: "/" } })),
    [
      [`${edge}.services.0.redirect`, "sends visitors on to https, and this service is tcp"],
      [`${edge}.services.0.sticky`, "needs a cookie, so http or https; this service is tcp"],
      [
        `${edge}.services.0.health`,
        "asks over http, and this service is tcp; leave it out, and a connection is tried",
      ],
    ],
  ],
  [
    "with a certificate for nobody",
    balancer({ services: [https] }),
    [[`${edge}.domains`, "an https service gets its certificate for these names; name at least one"]],
  ],
  [
    "with a certificate that cannot be proven",
    balancer({ services: [https], domains: ["www.example.org"] }, { dns: { "example.net": {} } }),
    [
      [
        `${edge}.domains.0`,
        "www.example.org lies in none of berth:dns (example.net), and Hetzner's certificate is proven there",
      ],
    ],
    vhosts("www.example.org"),
  ],
  [
    "with a certificate that the zone forbids",
    balancer(
      { services: [https], domains: ["www.example.org"] },
      zone([], { certificateAuthorities: ["buypass.com"] }),
    ),
    [
      [
        "berth:dns.example.org.certificateAuthorities",
        "buypass.com: the certificate of berth:loadBalancers.edge.domains.0 comes from letsencrypt.org, which this forbids",
      ],
    ],
    vhosts("www.example.org"),
  ],
  [
    "for a name that no host answers to",
    balancer({ domains: ["www.example.org"] }),
    [
      [
        `${edge}.domains.0`,
        "www.example.org is not among the flake's berth.hosts.web.virtualHosts (site.lab), which web1 answers to",
      ],
    ],
  ],
]);
