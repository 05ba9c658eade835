import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { serverTypes } from "../../../config/catalogue.ts";
import { matchManifest } from "../../../config/checks.ts";
import type { Manifest } from "../../../config/manifest.ts";
import { ConfigurationError, type Problem } from "../../../config/problems.ts";
import { parseStackConfig, type StackConfig } from "../../../config/stack.ts";
import { adasKey, plainHost, webManifest } from "./samples.ts";

function problemsOf(work: () => unknown): readonly Problem[] {
  try {
    work();
  } catch (error) {
    if (error instanceof ConfigurationError) return error.problems;
    throw error;
  }
  throw new Error("it was accepted");
}

const refused = (raw: Record<string, unknown>) => problemsOf(() => parseStackConfig("dev", raw));
const withHost = (changes: Record<string, unknown>) => ({ hosts: { web1: { ...plainHost, ...changes } } });
const withServer = (changes: Record<string, unknown>) =>
  withHost({ server: { ...plainHost.server, ...changes } });
const withAccess = (access: unknown) => ({ ...withHost({}), access });

describe("a stack's configuration", () => {
  test("needs little: everything else has a default", () => {
    expect(parseStackConfig("dev", withHost({}))).toEqual({
      flake: ".",
      access: { people: {}, from: [] },
      hosts: {
        web1: {
          system: "web",
          server: { type: "cx23", location: "fsn1", image: "debian-13" },
          health: [],
          healthDeadline: 60,
        },
      },
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
          server: { type: "cax11", location: "hel1", image: "ubuntu-24.04" },
          domain: "www.example.org",
          health: [{ https: "https://www.example.org/healthz", status: 204, body: "ok" }],
          healthDeadline: 3600,
        },
      },
      protect: false,
    };
    expect(parseStackConfig("prod", all)).toEqual(all);
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
      { path: "berth:acces", message: "there is no such key; there are flake, access, hosts, protect" },
    ],
    [
      "an unknown key of a host",
      withHost({ volumes: { data: 20 } }),
      {
        path: "berth:hosts.web1.volumes",
        message: "there is no such key; there are system, server, domain, health, healthDeadline",
      },
    ],
    [
      "an unknown key of a server",
      withServer({ size: 3 }),
      {
        path: "berth:hosts.web1.server.size",
        message: "there is no such key; there are type, location, image",
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
      { path: "berth:hosts.web1.server", message: "is missing; a map is needed" },
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
      "an unknown server type",
      withServer({ type: "cx99" }),
      {
        path: "berth:hosts.web1.server.type",
        message: expect.stringMatching(/^"cx99" is not a server type on sale .*; there are cx23, cx33, /),
        example: "cx23",
      },
    ],
    [
      "an unknown location",
      withServer({ location: "mars" }),
      {
        path: "berth:hosts.web1.server.location",
        message: "one of fsn1, nbg1, hel1, ash, hil, sin",
        example: "fsn1",
      },
    ],
    [
      "no location",
      { hosts: { web1: { system: "web", server: { type: "cx23" } } } },
      {
        path: "berth:hosts.web1.server.location",
        message: "is missing; one of fsn1, nbg1, hel1, ash, hil, sin",
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
  ])("with %s is refused with the path, what is allowed and an example", (_, raw, problem) => {
    expect(refused(raw)).toEqual([problem]);
  });

  test.each(["volumes", "secrets", "reboot", "release"])("does not know %s of a host", (key) => {
    expect(refused(withHost({ [key]: {} })).map(({ path }) => path)).toEqual([`berth:hosts.web1.${key}`]);
  });

  test("with several mistakes is refused once, with all of them", () => {
    const raw = {
      protect: "no",
      secret: 1,
      hosts: {
        web1: { system: "web", server: { type: "cx1", location: "fsn1" }, domain: "A" },
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
      expect.stringMatching(/^ {2}berth:hosts\.web1\.server\.type: "cx1" is not a server type on sale/),
      "      for example: cx23",
      "  berth:hosts.web1.domain: a domain in lower case, without scheme or path",
      "      for example: example.org",
      "  berth:hosts.Web_2: a host is named by 1 to 32 letters a-z, digits and inner hyphens",
      "      for example: web1",
      "  berth:protect: true or false is needed, this is a text",
      "      for example: false",
      "  berth:secret: there is no such key; there are flake, access, hosts, protect",
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
          expect(parseStackConfig("dev", raw as Record<string, unknown>).hosts).toBeTypeOf("object");
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

describe("the stack and the flake", () => {
  const config = (changes: Record<string, unknown> = {}): StackConfig =>
    parseStackConfig("dev", withHost(changes));
  const flake: Manifest = { web: webManifest, pi: { ...webManifest, system: "aarch64-linux" } };

  test("agree: every host gets the system it names", () => {
    expect(matchManifest("dev", config(), flake)).toEqual([
      { name: "web1", settings: config().hosts.web1, manifest: webManifest },
    ]);
  });

  test.each<[string, Record<string, unknown>, Manifest, Problem[]]>([
    [
      "a system that the flake lacks",
      { system: "wob" },
      flake,
      [
        {
          path: "berth:hosts.web1.system",
          message: "the flake . has no berth.hosts.wob; it has web, pi",
          example: "web",
        },
      ],
    ],
    [
      "a system named like a built-in property",
      { system: "constructor" },
      flake,
      [
        {
          path: "berth:hosts.web1.system",
          message: "the flake . has no berth.hosts.constructor; it has web, pi",
          example: "web",
        },
      ],
    ],
    [
      "a flake without hosts",
      {},
      {},
      [{ path: "berth:hosts.web1.system", message: "the flake . has no berth.hosts.web; it has none" }],
    ],
    [
      "a server type of another architecture",
      { system: "pi" },
      flake,
      [
        {
          path: "berth:hosts.web1.server.type",
          message: "cx23 is x86_64-linux, but the flake's berth.hosts.pi is for aarch64-linux",
          example: "cax11",
        },
      ],
    ],
    [
      "a location where the type is not sold",
      { server: { type: "cx23", location: "ash" } },
      flake,
      [
        {
          path: "berth:hosts.web1.server.location",
          message: "cx23 is not sold in ash; it is in fsn1, nbg1, hel1",
        },
      ],
    ],
    [
      "both of these at once",
      { system: "pi", server: { type: "cx23", location: "ash" } },
      flake,
      [
        expect.objectContaining({ path: "berth:hosts.web1.server.type" }),
        expect.objectContaining({ path: "berth:hosts.web1.server.location" }),
      ],
    ],
  ])("disagree on %s", (_, host, manifest, problems) => {
    expect(problemsOf(() => matchManifest("dev", config(host), manifest))).toEqual(problems);
  });

  test("are told of the mistakes of every host at once", () => {
    const two = parseStackConfig("dev", {
      hosts: { web1: { ...plainHost, system: "a" }, web2: { ...plainHost, system: "b" } },
    });
    expect(problemsOf(() => matchManifest("dev", two, flake)).map(({ path }) => path)).toEqual([
      "berth:hosts.web1.system",
      "berth:hosts.web2.system",
    ]);
  });

  test("agree for every type where it is sold, and nowhere else", () => {
    for (const { name, architecture, locations } of serverTypes) {
      for (const location of ["fsn1", "nbg1", "hel1", "ash", "hil", "sin"]) {
        const host = {
          system: architecture === "x86_64-linux" ? "web" : "pi",
          server: { type: name, location },
        };
        const match = () => matchManifest("dev", config(host), flake);
        if (locations.includes(location)) expect(match()).toHaveLength(1);
        else expect(match).toThrow(`${name} is not sold in ${location}`);
      }
    }
  });
});
