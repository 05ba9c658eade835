import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { ConfigurationError, type Problem } from "../../../config/problems.ts";
import { parseStackConfig } from "../../../config/stack.ts";
import { adasKey, plainHost, problemsOf } from "./samples.ts";

const parsed = (raw: Record<string, unknown>) => parseStackConfig("dev", raw);
/** What is wrong, whether the rest can be used or not. */
const refused = (raw: Record<string, unknown>): readonly Problem[] =>
  problemsOf(() => {
    const { problems } = parsed(raw);
    if (problems.length > 0) throw new ConfigurationError("dev", problems);
  });
const withHost = (changes: Record<string, unknown>) => ({ hosts: { web1: { ...plainHost, ...changes } } });
const withServer = (changes: Record<string, unknown>) =>
  withHost({ server: { ...plainHost.server, ...changes } });
const withAccess = (access: unknown) => ({ ...withHost({}), access });

describe("a stack's configuration", () => {
  test("needs little: everything else has a default", () => {
    expect(parsed(withHost({})).config).toEqual({
      flake: ".",
      access: { people: {}, from: [] },
      hosts: {
        web1: {
          system: "web",
          server: {
            type: "cx23",
            location: "fsn1",
            image: "debian-13",
            ipv4: true,
            ipv6: true,
            backups: false,
            deleteBackups: false,
            labels: {},
            sshKeys: [],
          },
          identity: {},
          firewall: [],
          volumes: {},
          secrets: {},
          health: [],
          healthDeadline: 60,
        },
      },
      secrets: {},
      dns: {},
      loadBalancers: {},
      protect: true,
    });
  });

  test("may say all there is to say", () => {
    const all = {
      flake: "github:ada/site",
      access: { people: { ada: [adasKey] }, from: ["203.0.113.0/24", "2001:db8::/32"] },
      hosts: {
        web1: {
          system: "web",
          server: {
            type: "cax11",
            location: "hel1",
            image: "ubuntu-24.04",
            ipv4: false,
            ipv6: true,
            backups: true,
            deleteBackups: false,
            placement: "web",
            labels: { team: "shop", "example.org/tier": "" },
            sshKeys: ["ada-laptop", adasKey],
          },
          identity: { rotate: "2026-11" },
          firewall: [
            {
              direction: "in",
              protocol: "tcp",
              port: "8000-8010",
              networks: ["10.0.0.0/8"],
              description: "own",
            },
            { direction: "out", protocol: "icmp", networks: [] },
          ],
          volumes: { data: 20 },
          privateAddress: "10.0.1.5",
          reverseDns: "www.example.org",
          secrets: { site: { DATABASE_URL: "db-url", KEY: "API_key" } },
          domain: "www.example.org",
          health: [{ https: "https://www.example.org/healthz", status: 204, body: "ok" }],
          healthDeadline: 3600,
        },
        metal: {
          system: "web",
          existing: {
            address: "198.51.100.7",
            port: 2222,
            hostKey: adasKey,
            ipv6: "2001:db8::7",
            erase: ["ata-Samsung_SSD_870_S62ANJ0R1234"],
            user: "root",
            offline: false,
          },
          identity: {},
          firewall: [],
          volumes: {},
          reverseDns: false,
          secrets: {},
          health: [],
          healthDeadline: 60,
        },
      },
      secrets: { "db-url": "postgres://…", API_key: "k" },
      network: { range: "10.0.0.0/16", subnet: "10.0.1.0/24" },
      dns: {
        "example.org": {
          create: false,
          ttl: 600,
          certificateAuthorities: [],
          records: [{ name: "@", type: "MX", values: ["10 mail.example.com."], ttl: 60 }],
        },
      },
      loadBalancers: {
        edge: {
          type: "lb21",
          location: "hel1",
          targets: ["web1"],
          services: [
            {
              protocol: "https",
              port: 443,
              targetPort: 80,
              redirect: true,
              sticky: true,
              health: { path: "/healthz", domain: "www.example.org", status: ["200"] },
            },
          ],
          domains: ["www.example.org"],
          algorithm: "least_connections",
        },
      },
      protect: false,
    };
    expect(parsed(all)).toEqual({ config: all, problems: [] });
  });

  test.each<[string, Record<string, unknown>, Problem]>([
    [
      "no hosts",
      {},
      {
        path: "berth:hosts",
        message: "is missing; a map is needed",
        example: "{ web1: { system: web, server: { type: cx23, location: fsn1 } } }",
      },
    ],
    [
      "an empty map of hosts",
      { hosts: {} },
      { path: "berth:hosts", message: "at least one host", example: expect.stringContaining("web1:") },
    ],
    [
      "hosts as text",
      { hosts: "web1" },
      {
        path: "berth:hosts",
        message: "a map is needed, this is a text",
        example: expect.stringContaining("web1:"),
      },
    ],
    [
      "an unknown key at the top",
      { ...withHost({}), acces: {} },
      {
        path: "berth:acces",
        message:
          "there is no such key; there are flake, access, hosts, secrets, network, dns, loadBalancers, protect",
      },
    ],
    [
      "an unknown key of a host",
      withHost({ disks: { data: 20 } }),
      {
        path: "berth:hosts.web1.disks",
        message:
          "there is no such key; there are system, server, existing, identity, reinstall, adopt, firewall, volumes, privateAddress, reverseDns, domain, secrets, health, healthDeadline",
      },
    ],
    [
      "an unknown key of a server",
      withServer({ size: 3 }),
      {
        path: "berth:hosts.web1.server.size",
        message:
          "there is no such key; there are type, location, image, ipv4, ipv6, backups, deleteBackups, placement, labels, sshKeys",
      },
    ],
    [
      "an unknown key of a health check",
      withHost({ health: [{ http: "http://a.org/", code: 3 }] }),
      {
        path: "berth:hosts.web1.health.0.code",
        message: "there is no such key; there are http, https, status, body",
      },
    ],
    [
      "a number as flake",
      { ...withHost({}), flake: 3 },
      { path: "berth:flake", message: "a text is needed, this is a number", example: "." },
    ],
    [
      "a text as protect",
      { ...withHost({}), protect: "yes" },
      { path: "berth:protect", message: "true or false is needed, this is a text", example: "false" },
    ],
    [
      "nothing as protect",
      { ...withHost({}), protect: null },
      { path: "berth:protect", message: "true or false is needed, this is empty", example: "false" },
    ],
    [
      "a host without a system",
      { hosts: { web1: { server: plainHost.server } } },
      { path: "berth:hosts.web1.system", message: "is missing; a text is needed", example: "web" },
    ],
    [
      "a host without a server",
      { hosts: { web1: { system: "web" } } },
      { path: "berth:hosts.web1", message: "exactly one of server and existing" },
    ],
    [
      "a host name that is no host name",
      { hosts: { Web_1: plainHost } },
      {
        path: "berth:hosts.Web_1",
        message: "a host is named by 1 to 32 letters a-z, digits and inner hyphens",
        example: "web1",
      },
    ],
    [
      "no location",
      { hosts: { web1: { system: "web", server: { type: "cx23" } } } },
      {
        path: "berth:hosts.web1.server.location",
        message: "is missing; a text is needed",
        example: "fsn1",
      },
    ],
    [
      "an image by number",
      withServer({ image: 3 }),
      {
        path: "berth:hosts.web1.server.image",
        message: "a text is needed, this is a number",
        example: "debian-13",
      },
    ],
    [
      "an image by no name",
      withServer({ image: "Debian 13" }),
      {
        path: "berth:hosts.web1.server.image",
        message: "the name of a system image",
        example: "debian-13",
      },
    ],
    ...(
      [
        "https://example.org",
        "example.org/shop",
        "EXAMPLE.org",
        "localhost",
        "203.0.113.7",
        "-a.org",
        "a..org",
      ] as const
    ).map((domain): [string, Record<string, unknown>, Problem] => [
      `the domain ${domain}`,
      withHost({ domain }),
      {
        path: "berth:hosts.web1.domain",
        message: "a domain in lower case, without scheme or path",
        example: "example.org",
      },
    ]),
    [
      "a domain that is too long",
      withHost({ domain: `${"a.".repeat(140)}org` }),
      { path: "berth:hosts.web1.domain", message: expect.stringContaining("253"), example: "example.org" },
    ],
    [
      "a network that is none",
      withAccess({ from: ["203.0.113.0/40"] }),
      {
        path: "berth:access.from.0",
        message: "a network such as 203.0.113.0/24 or 2001:db8::/32",
        example: "203.0.113.0/24",
      },
    ],
    [
      "an address without its network",
      withAccess({ from: ["203.0.113.7"] }),
      {
        path: "berth:access.from.0",
        message: "a network such as 203.0.113.0/24 or 2001:db8::/32",
        example: "203.0.113.0/24",
      },
    ],
    [
      "a person without a key",
      withAccess({ people: { ada: [] } }),
      { path: "berth:access.people.ada", message: "at least one public key" },
    ],
    [
      "a private key among the public ones",
      withAccess({ people: { ada: ["-----BEGIN OPENSSH PRIVATE KEY-----"] } }),
      {
        path: "berth:access.people.ada.0",
        message: "a public key in OpenSSH's one-line form",
        example: "ssh-ed25519 AAAA… ada@example.org",
      },
    ],
    [
      "a key with a second line",
      withAccess({ people: { ada: [`${adasKey}\nssh-ed25519 AAAA mallory`] } }),
      {
        path: "berth:access.people.ada.0",
        message: "a public key in OpenSSH's one-line form",
        example: "ssh-ed25519 AAAA… ada@example.org",
      },
    ],
    [
      "a health check over http to https",
      withHost({ health: [{ http: "https://example.org/" }] }),
      {
        path: "berth:hosts.web1.health.0.http",
        message: "a URL that begins with http://",
        example: "http://example.org/healthz",
      },
    ],
    [
      "a status that is none",
      withHost({ health: [{ http: "http://example.org/", status: 700 }] }),
      {
        path: "berth:hosts.web1.health.0.status",
        message: "an HTTP status from 100 to 599",
        example: "200",
      },
    ],
    [
      "a health check of nothing",
      withHost({ health: [{}] }),
      { path: "berth:hosts.web1.health.0", message: "exactly one of http and https" },
    ],
    ...([0, 3601, 1.5, "60"] as const).map((healthDeadline): [string, Record<string, unknown>, Problem] => [
      `${JSON.stringify(healthDeadline)} as the time to become healthy`,
      withHost({ healthDeadline }),
      {
        path: "berth:hosts.web1.healthDeadline",
        message: "a whole number of seconds from 1 to 3600",
        example: "60",
      },
    ]),
    ...(
      [
        [
          "both a server and an existing machine",
          { existing: { address: "198.51.100.7", hostKey: adasKey } },
          "",
          "exactly one of server and existing",
        ],
        [
          "a volume that is too small",
          { volumes: { data: 9 } },
          ".volumes.data",
          "a whole number of GB from 10 to 10240",
        ],
        [
          "a volume that is too large",
          { volumes: { data: 10_241 } },
          ".volumes.data",
          "a whole number of GB from 10 to 10240",
        ],
        [
          "a volume of half a GB",
          { volumes: { data: 10.5 } },
          ".volumes.data",
          "a whole number of GB from 10 to 10240",
        ],
        [
          "a rule of no protocol",
          { firewall: [{ protocol: "sctp" }] },
          ".firewall.0.protocol",
          "one of tcp, udp, icmp, esp, gre",
        ],
        [
          "a label of Hetzner's own",
          { server: { ...plainHost.server, labels: { "hetzner.cloud/a": "b" } } },
          ".server.labels.hetzner.cloud/a",
          expect.stringContaining("does not begin with hetzner.cloud/"),
        ],
        [
          "a label's value with a space",
          { server: { ...plainHost.server, labels: { team: "a b" } } },
          ".server.labels.team",
          expect.stringContaining("a label's value has up to 63"),
        ],
      ] as const
    ).map(([what, changes, at, message]): [string, Record<string, unknown>, Problem] => [
      what,
      withHost(changes),
      expect.objectContaining({ path: `berth:hosts.web1${at}`, message }),
    ]),
    ...(
      [
        [
          "a network that is none",
          { network: { range: "10.0.0.0" } },
          "network.range",
          "a network such as 10.0.0.0/16",
        ],
        [
          "a zone that is no domain",
          { dns: { Example: {} } },
          "dns.Example",
          expect.stringContaining("a domain in lower case"),
        ],
        [
          "a record of an unknown type",
          { dns: { "a.org": { records: [{ name: "@", type: "SPF", values: ["x"] }] } } },
          "dns.a.org.records.0.type",
          expect.stringContaining("one of A, AAAA, "),
        ],
        [
          "a record without values",
          { dns: { "a.org": { records: [{ name: "@", type: "A", values: [] }] } } },
          "dns.a.org.records.0.values",
          "at least one value",
        ],
        [
          "a record whose name is a URL",
          { dns: { "a.org": { records: [{ name: "http://x", type: "A", values: ["1.2.3.4"] }] } } },
          "dns.a.org.records.0.name",
          "a name below the zone, @ or *",
        ],
        [
          "a load balancer without services",
          { loadBalancers: { edge: { location: "fsn1", targets: ["web1"], services: [] } } },
          "loadBalancers.edge.services",
          "at least one service",
        ],
      ] as const
    ).map(([what, more, at, message]): [string, Record<string, unknown>, Problem] => [
      what,
      { ...withHost({}), ...more },
      expect.objectContaining({ path: `berth:${at}`, message }),
    ]),
  ])("with %s is refused with the path, what is allowed and an example", (_, raw, problem) => {
    expect(refused(raw)).toEqual([problem]);
  });

  test.each(["reboot", "release"])("does not know %s of a host", (key) => {
    expect(refused(withHost({ [key]: {} })).map(({ path }) => path)).toEqual([`berth:hosts.web1.${key}`]);
  });

  test("is taken without the keys that there are not, wherever they are, and these are told", () => {
    const odd = {
      hosts: {
        web1: {
          ...plainHost,
          colour: "red",
          server: { ...plainHost.server, size: 3 },
          health: [{ http: "http://a.org/" }, { http: "http://b.org/", code: 3 }],
        },
      },
      acces: {},
    };
    const { config, problems } = parsed(odd);
    const plain = withHost({ health: [{ http: "http://a.org/" }, { http: "http://b.org/" }] });
    expect(config).toEqual(parsed(plain).config);
    expect(problems.map(({ path }) => path).sort()).toEqual([
      "berth:acces",
      "berth:hosts.web1.colour",
      "berth:hosts.web1.health.1.code",
      "berth:hosts.web1.server.size",
    ]);
  });

  test("is looked at as a whole beside a key that there is not", () => {
    const paths = refused({ hosts: { web1: { system: "web", colour: "red" } } }).map(({ path }) => path);
    expect(paths).toEqual(["berth:hosts.web1", "berth:hosts.web1.colour"]);
  });

  test("with several mistakes is refused once, with all of them", () => {
    const raw = {
      protect: "no",
      secret: 1,
      hosts: {
        web1: { system: "web", server: { type: "", location: "fsn1" }, domain: "A" },
        Web_2: plainHost,
      },
    };
    const message = (() => {
      try {
        return String(parseStackConfig("prod", raw));
      } catch (error) {
        return error instanceof Error ? error.message : "";
      }
    })();
    expect(message.split("\n")).toEqual([
      "Stack prod: these 5 things are wrong in Pulumi.prod.yaml:",
      "  berth:hosts.web1.server.type: a name is needed",
      "      for example: cx23",
      "  berth:hosts.web1.domain: a domain in lower case, without scheme or path",
      "      for example: example.org",
      "  berth:hosts.Web_2: a host is named by 1 to 32 letters a-z, digits and inner hyphens",
      "      for example: web1",
      "  berth:protect: true or false is needed, this is a text",
      "      for example: false",
      "  berth:secret: there is no such key; there are flake, access, hosts, secrets, network, dns, loadBalancers, protect",
      "Nothing was created or changed.",
    ]);
  });

  test("is either taken or refused with the stack's name and a path for every problem, whatever it is", () => {
    const anything = fc.oneof(
      fc.jsonValue(),
      fc.dictionary(
        fc.constantFrom("flake", "access", "hosts", "protect", "toString", "__proto__"),
        fc.oneof(
          fc.jsonValue(),
          fc.dictionary(
            fc.constantFrom("web1", "people", "from", "constructor"),
            fc.oneof(
              fc.jsonValue(),
              fc.dictionary(
                fc.constantFrom("system", "server", "domain", "health", "valueOf"),
                fc.jsonValue(),
              ),
            ),
          ),
        ),
      ),
    );
    fc.assert(
      fc.property(anything, (raw) => {
        try {
          expect(parsed(raw as Record<string, unknown>).config.hosts).toBeTypeOf("object");
        } catch (error) {
          if (!(error instanceof ConfigurationError)) throw error;
          expect(error.message).toContain("Stack dev: ");
          expect(error.problems.length).toBeGreaterThan(0);
          for (const { path, message } of error.problems) {
            expect(path).toMatch(/^berth(:|$)/);
            expect(message).not.toBe("");
          }
        }
      }),
      { numRuns: 300 },
    );
  });
});
