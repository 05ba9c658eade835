import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { ConfigurationError } from "../../../config/problems.ts";
import { parseStackConfig } from "../../../config/stack.ts";
import { parsed, refused } from "./read-stack.ts";
import { adasKey, plainHost, withHost } from "./samples.ts";

describe("a stack's configuration", () => {
  test("needs little: everything else has a default", () => {
    expect(parsed(withHost()).config).toEqual({
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
          drift: "repair",
          reboot: { when: "told" },
          release: { beforeDeadline: 600, rollback: "auto" },
          healthyFor: 0,
          healthDeadline: 60,
        },
      },
      secrets: {},
      dns: {},
      loadBalancers: {},
      containers: {},
      fly: {},
      builds: { on: "deployer", builders: {}, caches: [], keep: 5 },
      rollout: { order: [], maxUnavailable: "50%" },
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
          drift: "report",
          reboot: { when: "window", window: "Sun 03:00", hours: 3 },
          release: { before: "$BERTH_NEW/sw/bin/migrate", beforeDeadline: 60, rollback: "never" },
          healthyFor: 20,
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
          drift: "repair",
          reboot: { when: "told" },
          release: { beforeDeadline: 600, rollback: "auto" },
          healthyFor: 0,
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
      builds: {
        on: "arm",
        builders: {
          arm: {
            address: "198.51.100.9",
            port: 2222,
            user: "builder",
            hostKey: adasKey,
            systems: ["aarch64-linux"],
          },
        },
        caches: [
          {
            url: "https://cache.example.org",
            publicKey: `cache.example.org-1:${"A".repeat(43)}=`,
            push: "cache-key",
            pushTo: "s3://cache?region=eu-central-1",
          },
        ],
        keep: 10,
      },
      rollout: { order: ["web1"], maxUnavailable: 1 },
      protect: false,
    };
    expect(parsed(all)).toEqual({ config: { ...all, containers: {}, fly: {} }, problems: [] });
  });

  test.each(["restart", "deploy"])("does not know %s of a host", (key) => {
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
      "  berth:secret: there is no such key; there are flake, access, hosts, secrets, network, dns, loadBalancers, containers, fly, flyToken, builds, rollout, protect, shortLived",
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
