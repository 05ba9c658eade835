import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { BalancerService, BalancerSpec } from "../../../../lab/cloud/driver.ts";
import {
  balancerFiles,
  statusPattern,
  word,
} from "../../../../lab/machines/services/balancer-configuration.ts";
import {
  balancerHealth,
  type Health,
  healthKey,
  healthOf,
  serverStates,
} from "../../../../lab/machines/services/balancer-health.ts";
import {
  knotConfiguration,
  rootZone,
  zoneProblem,
} from "../../../../lab/machines/services/knot-configuration.ts";
import { serviceAddresses } from "../../../../lab/machines/services/service-addresses.ts";

const web: BalancerService = {
  listenPort: 80,
  destinationPort: 8080,
  protocol: "http",
  proxyProtocol: false,
  http: { cookie: null, redirectHttp: false, idleTimeout: 45, certificates: [] },
  healthCheck: {
    protocol: "http",
    port: 8081,
    interval: 15,
    timeout: 10,
    retries: 3,
    http: {
      domain: "example.org",
      path: "/healthz",
      response: null,
      statusCodes: ["2??", "304"],
      tls: false,
    },
  },
};
const tls: BalancerService = {
  ...web,
  listenPort: 443,
  protocol: "https",
  http: {
    cookie: null,
    redirectHttp: true,
    idleTimeout: 60,
    certificates: [
      { chain: "chain one\n", key: "key one" },
      { chain: "chain two", key: "key two\n" },
    ],
  },
};
const tcp: BalancerService = { ...web, protocol: "tcp", http: null };
const tcpChecked: BalancerService = {
  ...tcp,
  healthCheck: { ...web.healthCheck, protocol: "tcp", http: null },
};

const spec: BalancerSpec = {
  id: 1,
  name: "lb",
  ipv4: "10.87.12.200",
  ipv6: null,
  mac: "96:00:00:00:00:01",
  privateInterfaces: [],
  algorithm: "round_robin",
  services: [web],
  targets: [
    { key: "one", address: "10.87.12.10" },
    { key: "two", address: "fd00::1" },
  ],
};

const files = (more: Partial<BalancerSpec>) => balancerFiles({ ...spec, ...more }, "/run/lab/generation-1");
const httpCheck = (more: object): BalancerService => ({
  ...web,
  healthCheck: { ...web.healthCheck, http: web.healthCheck.http && { ...web.healthCheck.http, ...more } },
});
const http = (more: object): BalancerService => ({ ...web, http: web.http && { ...web.http, ...more } });

describe("a balancer's configuration", () => {
  test.each<[string, Partial<BalancerSpec>, string[]]>([
    ["it listens on every address of both families", {}, ["bind 0.0.0.0:80", "bind :::80 v6only"]],
    [
      "targets get connections at the destination port and checks at the check's",
      {},
      [
        "server 10.87.12.10 10.87.12.10:8080 check port 8081",
        "server fd00::1 [fd00::1]:8080 check port 8081",
      ],
    ],
    ["round robin", {}, ["balance roundrobin"]],
    ["least connections", { algorithm: "least_connections" }, ["balance leastconn"]],
    ["a check's times", {}, ["inter 15s fall 3 rise 1", "timeout check 10s"]],
    ["idle time of http", {}, ["timeout client 45s", "timeout http-keep-alive 45s", "timeout server 45s"]],
    [
      "a check's request and statuses",
      {},
      [
        "http-check send meth GET uri /healthz ver HTTP/1.1 hdr Host example.org",
        "http-check expect rstatus ^(2..|304)\\x24",
      ],
    ],
    [
      "a check's text",
      { services: [httpCheck({ response: 'it\'s "ok"' })] },
      ["http-check expect string it\\x27s\\x20\\x22ok\\x22"],
    ],
    [
      "a check without a domain names the target",
      { services: [httpCheck({ domain: null })] },
      ["%[srv_name,"],
    ],
    [
      "a check over TLS trusts any certificate",
      { services: [httpCheck({ tls: true })] },
      ["check-ssl verify none check-alpn http/1.1 check-sni example.org"],
    ],
    ["the client's address and protocol", {}, ["option forwardfor", "set-header X-Forwarded-Proto http"]],
    [
      "sticky sessions",
      { services: [http({ cookie: { name: "HCLBSTICKY", lifetime: 300 } })] },
      ['cookie HCLBSTICKY insert indirect nocache httponly attr "Max-Age=300"'],
    ],
    [
      "tcp",
      { services: [tcp] },
      ["mode tcp", "http-check send meth GET", "timeout client 3600s", "timeout server 3600s"],
    ],
    [
      "the PROXY protocol",
      { services: [{ ...tcp, proxyProtocol: true }] },
      ["check-send-proxy", " send-proxy"],
    ],
    [
      "https with its certificates in order",
      { services: [tls] },
      [
        "bind 0.0.0.0:443 ssl crt /run/lab/generation-1/certificate-443-0.pem crt /run/lab/generation-1/certificate-443-1.pem alpn h2,http/1.1",
        "set-header X-Forwarded-Proto https",
      ],
    ],
    [
      "a redirect to https",
      { services: [tls] },
      [
        "bind 0.0.0.0:80",
        "http-request redirect code 301 location https://%[req.hdr(host),field(1,:)]%[capture",
      ],
    ],
    [
      "a redirect to another port",
      { services: [{ ...tls, listenPort: 8443 }] },
      ["location https://%[req.hdr(host),field(1,:)]:8443%[capture"],
    ],
  ])("%s", (_, more, lines) => {
    const { configuration } = files(more);
    for (const line of lines) expect(configuration).toContain(line);
  });

  test.each<[string, Partial<BalancerSpec>, string]>([
    ["a plain check sends no request", { services: [tcpChecked] }, "http-check"],
    ["tcp adds no header", { services: [tcp] }, "X-Forwarded"],
    ["no PROXY protocol unless asked for", {}, "send-proxy"],
    ["no cookie unless asked for", {}, "cookie"],
    ["https without a certificate is not served", { services: [{ ...tls, http: web.http }] }, "443"],
    ["a service on port 80 keeps it", { services: [web, tls] }, "redirect code"],
    [
      "a target's address is not in its cookie",
      { services: [http({ cookie: { name: "C", lifetime: 1 } })] },
      "cookie 10.",
    ],
  ])("%s", (_, more, text) => {
    expect(files(more).configuration).not.toContain(text);
  });

  test("certificates are files of chain and key, and the configuration holds no key", () => {
    const { certificates, configuration } = files({ services: [tls] });
    expect([...certificates]).toEqual([
      ["certificate-443-0.pem", "chain one\nkey one\n"],
      ["certificate-443-1.pem", "chain two\nkey two\n"],
    ]);
    expect(configuration).not.toContain("key one");
  });

  test("two targets with one address are one server", () => {
    const targets = [
      { key: "a", address: "10.87.12.10" },
      { key: "b", address: "10.87.12.10" },
    ];
    expect(files({ targets }).configuration.match(/^ {2}server /gm)).toHaveLength(1);
  });

  test("whatever a text holds, it is one harmless word", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), (text) => {
        expect(word(text)).not.toMatch(/[\s"'#$&<>]|\\(?!x[0-9a-f]{2})/);
        const back = word(text).replace(/\\x(..)|([^\\])/g, (_, hex: string | undefined, plain: string) =>
          hex === undefined ? plain : String.fromCharCode(Number.parseInt(hex, 16)),
        );
        expect(back).toBe(Buffer.from(text).toString("latin1"));
      }),
    );
  });

  test.each([
    [["2??", "3??"], "200", true],
    [["2??"], "302", false],
    [["204"], "204", true],
    [["204"], "2040", false],
  ])("statuses %j and %s: %s", (codes, status, matches) => {
    expect(new RegExp(statusPattern(codes)).test(status)).toBe(matches);
  });
});

describe("health", () => {
  test.each<[string, string, Health, Health]>([
    ["UP", "INI", "unknown", "unknown"],
    ["UP", "INI", "unhealthy", "unhealthy"],
    ["UP", "L7OK", "unknown", "healthy"],
    ["UP", "L7OK", "unhealthy", "healthy"],
    ["UP 1/3", "L4CON", "unknown", "unknown"],
    ["UP 1/3", "L4CON", "healthy", "healthy"],
    ["DOWN", "L4TOUT", "healthy", "unhealthy"],
    ["DOWN 1/2", "L7OK", "unhealthy", "unhealthy"],
    ["no check", "", "unknown", "unknown"],
  ])("%s after a check that ended %s, once %s: %s", (status, check, before, after) => {
    expect(healthOf({ status, check }, before)).toBe(after);
  });

  test("haproxy's table is read by its header", () => {
    const csv =
      "# pxname,svname,qcur,status,check_status,\nport-80,FRONTEND,,OPEN,,\nport-80,10.0.0.1,0,UP,L7OK,\nport-80,BACKEND,0,UP,,\n\n";
    expect(serverStates(csv)).toEqual([
      { backend: "port-80", server: "10.0.0.1", status: "UP", check: "L7OK" },
    ]);
  });

  test("every target of every service has one, by its own key", () => {
    const known = new Map<string, Health>([[healthKey(80, "10.87.12.10"), "healthy"]]);
    expect(balancerHealth(spec, known)).toEqual({
      id: 1,
      targets: [
        { key: "one", listenPort: 80, status: "healthy" },
        { key: "two", listenPort: 80, status: "unknown" },
      ],
    });
  });
});

describe("the name server", () => {
  const network = { ipv4: "10.87.12.0/24", ipv6: "fd7a:31c2:9e00::/48" };

  test("the services' addresses are the driver's own, clear of the link to the machine", () => {
    expect(serviceAddresses(network)).toEqual({
      dns: { ipv4: "10.87.12.3", ipv6: "fd7a:31c2:9e00::13" },
      acme: { ipv4: "10.87.12.4", ipv6: "fd7a:31c2:9e00::14" },
    });
  });

  test("its configuration names every zone's file and every address", () => {
    const zones = new Map([
      [".", "root"],
      ["example.org.", "zone-0"],
    ]);
    const text = knotConfiguration(zones, "/run/lab/generation-1", ["10.87.12.3", "fd00::3"]);
    expect(text).toContain('listen: [ "10.87.12.3@53", "fd00::3@53" ]');
    expect(text).toContain('  - domain: "example.org."\n    file: "zone-0"\n');
    expect(text).toContain("storage: /run/lab/generation-1\n");
  });

  test("the root knows Hetzner's name servers and nobody else", () => {
    const names = rootZone(serviceAddresses(network))
      .trim()
      .split("\n")
      .map((line) => line.split(" ")[0]);
    expect(new Set(names)).toEqual(
      new Set([".", "hydrogen.ns.hetzner.com.", "oxygen.ns.hetzner.com.", "helium.ns.hetzner.de."]),
    );
  });

  test.each([
    [
      "a line that cannot be read",
      [
        "warning: [a.org.] check, node a.org., missing NS at the zone apex",
        "error: [b.org.] zone loader, error in zone, file '/run/lab/generation-1/zone-1', line 3 (invalid IPv4 address)",
        "error: [b.org.] zone loader, failed to load zone, file '/run/lab/generation-1/zone-1', 1 errors",
      ],
      "zone b.org cannot be served: line 3: invalid IPv4 address",
    ],
    [
      "records that exclude each other",
      ["error: [b.org.] check, node www.b.org., another record exists beside CNAME"],
      "zone b.org cannot be served: check, node www.b.org., another record exists beside CNAME",
    ],
    ["anything else", ["exit 1"], "the zones cannot be served: exit 1"],
  ])("says in one line what is wrong with a zone: %s", (_, complaints, line) => {
    expect(zoneProblem(complaints)).toBe(line);
  });
});
