import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { ConfigurationError } from "../../../../config/problems.ts";
import { credentialName, credentialNames, secretName, serviceName } from "../../../../config/secrets.ts";
import { flake, plan, problemsOf, type Raw, refusals, withHost } from "../samples.ts";

/** A host that gives these credentials, in a stack with these secrets. */
const stack = (given: Raw, values: Raw) => withHost({ secrets: given }, { secrets: values });
/** A flake whose systems expect these. */
const expecting = (credentials: Record<string, string[]>) => ({ manifest: flake({ credentials }) });
const at = "berth:hosts.web1.secrets";

describe("a host's secrets", () => {
  test("are accepted when every service gets exactly what its system expects", () => {
    const given = { site: { DATABASE_URL: "db-url", KEY: "key" }, worker: { KEY: "key" } };
    const { hosts, notes } = plan(
      stack(given, { "db-url": "postgres://…", key: "k" }),
      expecting({ site: ["KEY", "DATABASE_URL"], worker: ["KEY"], idle: [] }),
    );
    expect(hosts[0]?.settings.secrets).toEqual(given);
    expect(notes).toEqual([]);
  });

  test.each<[string, Raw, Raw, Record<string, string[]>, [string, string][]]>([
    [
      "names a secret that there is not",
      { site: { DATABASE_URL: "db-url" } },
      { key: "k", other: "o" },
      { site: ["DATABASE_URL"] },
      [[`${at}.site.DATABASE_URL`, 'there is no secret "db-url" under berth:secrets; there are key, other']],
    ],
    [
      "lacks what a service expects",
      { site: { KEY: "key" } },
      { key: "k" },
      { site: ["KEY", "DATABASE_URL"], worker: ["TOKEN"] },
      [
        [
          `${at}.site.DATABASE_URL`,
          "is missing; the flake's berth.hosts.web.credentials.site expects DATABASE_URL, and site.service would not start without it: name the secret here",
        ],
        [
          `${at}.worker.TOKEN`,
          "is missing; the flake's berth.hosts.web.credentials.worker expects TOKEN, and worker.service would not start without it: name the secret here",
        ],
      ],
    ],
    [
      "gives what no service reads",
      { site: { KEY: "key", TYPO: "key" }, ghost: { KEY: "key" } },
      { key: "k" },
      { site: ["KEY"] },
      [
        [
          `${at}.site.TYPO`,
          "the flake's berth.hosts.web.credentials.site does not expect it (it expects KEY), and nothing would read it; add it to berth.credentials there, or take it out here",
        ],
        [
          `${at}.ghost.KEY`,
          "the flake's berth.hosts.web.credentials.ghost does not expect it (it expects none), and nothing would read it; add it to berth.credentials there, or take it out here",
        ],
      ],
    ],
    [
      "gives a service more than systemd hands over",
      { site: { A: "big", B: "big" } },
      { big: "é".repeat(300_000) },
      { site: ["A", "B"] },
      [[`${at}.site`, "its secrets are 1200000 bytes together, and systemd hands a service 1048576 at most"]],
    ],
  ])("are refused when the host %s", (_, given, values, expected, problems) => {
    expect(
      refusals(stack(given, values), expecting(expected)).map(({ path, message }) => [path, message]),
    ).toEqual(problems);
  });

  test("that are missing come with the command that sets them", () => {
    const [problem] = refusals(stack({ site: { KEY: "api-key" } }, {}), expecting({ site: ["KEY"] }));
    expect(problem?.example).toBe("pulumi config set --secret --path 'berth:secrets.api-key'");
  });

  test("that no host uses are noted, with the command that removes them", () => {
    expect(plan(stack({}, { old: "o" })).notes).toEqual([
      "berth:secrets.old: nothing uses it; pulumi config rm --path 'berth:secrets.old' removes it",
    ]);
  });

  test.each<[string, Raw, string]>([
    ["a number", { pin: 1234 }, "a text is needed; put quotes round a number"],
    ["nothing", { pin: "" }, "it is empty"],
    ["a map", { pin: { a: "b" } }, "a text is needed; put quotes round a number"],
  ])("may not be %s", (_, values, message) => {
    expect(problemsOf(() => plan(stack({}, values)))).toEqual([
      expect.objectContaining({ path: "berth:secrets.pin", message }),
    ]);
  });
});

describe("whatever is wrong", () => {
  const names = fc.uniqueArray(fc.constantFrom("A", "B", "C", "D"), { maxLength: 4 });
  const value = fc.stringMatching(/^[a-z0-9]{20,30}$/);

  test("a host is accepted only with exactly the expected credentials, and no message holds a value", () => {
    fc.assert(
      fc.property(names, names, names, value, (expected, given, there, secret) => {
        const raw = stack(
          { site: Object.fromEntries(given.map((name) => [name, `secret-${name}`])) },
          Object.fromEntries(there.map((name) => [`secret-${name}`, secret])),
        );
        const fits =
          [...expected].sort().join() === [...given].sort().join() &&
          given.every((name) => there.includes(name));
        try {
          const { notes } = plan(raw, expecting({ site: expected }));
          expect(fits).toBe(true);
          expect(notes.join("\n")).not.toContain(secret);
        } catch (error) {
          if (!(error instanceof ConfigurationError)) throw error;
          expect(fits).toBe(false);
          expect(error.message).not.toContain(secret);
        }
      }),
      { numRuns: 200 },
    );
  });

  test("a value in the place of a secret's name is not repeated, unless it could be one", () => {
    const [problem] = problemsOf(() =>
      plan(stack({ site: { URL: "postgres://ada:hunter2@db/site" } }, {}), expecting({ site: ["URL"] })),
    );
    expect(problem).toMatchObject({
      path: `${at}.site.URL`,
      message: expect.stringMatching(/^a secret is named by/),
    });
    expect(JSON.stringify(problem)).not.toContain("hunter2");
  });
});

describe("names", () => {
  // What becomes a path on the host, a line of a document and a word of a unit file.
  const safe = (name: string) =>
    !/[\s/\\'"$`;|&<>(){}*?~#%\0]/.test(name) && name !== "." && name !== ".." && !name.startsWith("-");

  test.each([
    ["service", serviceName],
    ["credential", credentialName],
    ["secret", secretName],
  ] as const)("of a %s are safe in paths, documents and units, or refused", (_, schema) => {
    const wild = fc.oneof(fc.string({ unit: "binary" }), fc.stringMatching(/^[A-Za-z0-9._:@/%-]{1,12}$/));
    fc.assert(
      fc.property(wild, (name) => {
        if (schema.safeParse(name).success) expect(safe(name), JSON.stringify(name)).toBe(true);
      }),
      { numRuns: 500 },
    );
  });

  test.each([
    ["site", true],
    ["getty@tty1", true],
    ["my-app.worker", true],
    ["site.service", false],
    ["../etc", false],
    [".hidden", false],
    ["-x", false],
    ["two words", false],
    ["", false],
  ])("of services: %j is one: %s", (name, allowed) => {
    expect(serviceName.safeParse(name).success).toBe(allowed);
  });

  test("of credentials are listed by service in one order, without services that have none", () => {
    expect(credentialNames({ b: { Z: "s", A: "s" }, a: { K: "s" }, none: {} })).toEqual({
      a: ["K"],
      b: ["A", "Z"],
    });
  });
});
