import { describe, expect, test } from "vitest";
import { comparePeople, differs, otherWays } from "../../../../cli/people/compare.ts";
import { installedKeys } from "../../../../cli/people/installed.ts";
import { peopleTable } from "../../../../cli/people/people.ts";

const file = "/root/.ssh/authorized_keys";
const line = (name: string) => `ssh-ed25519 AAAA${name} ${name}@example.org`;
const seen = {
  keys: [line("own"), line("ada"), line("bob"), line("eve"), "nonsense"].map((one) => ({
    user: "root",
    file,
    line: one,
  })),
  passwords: "no",
  command: "none",
  authorities: "none",
  root: { text: "", digest: "", because: "" },
};
const meant = {
  loginKey: "ssh-ed25519 AAAAown berth prod",
  people: { ada: [line("ada")], cat: [line("cat")] },
  installed: [line("own"), line("ada"), line("bob")],
};

describe("who can log in to a host", () => {
  test("is told by key, with where it is from, and who is missing", () => {
    const items = comparePeople("web1", seen, meant);
    expect(
      items.map(({ who, from, there }) => [who, from, there, differs({ ...items[0], from, there } as never)]),
    ).toEqual([
      ["own@example.org", "the stack itself", true, false],
      ["ada", "access.people", true, false],
      ["bob@example.org", "the installation, and no longer in access.people", true, true],
      ["eve@example.org", "not the stack", true, true],
      ["cat", "access.people", false, true],
    ]);
    expect(items[0]?.fingerprint).toMatch(/^SHA256:/);
  });

  test.each([
    ["/etc/ssh/authorized_keys.d/root", line("flake"), "the system in the flake"],
    [file, "ssh-ed25519 AAAAown berth-reinstall-0a1b", "a reinstall"],
  ])("by %s: %s is %s", (path, one, from) => {
    const keys = [{ user: "root", file: path, line: one }];
    expect(comparePeople("web1", { ...seen, keys }, { ...meant, people: {} })).toMatchObject([{ from }]);
  });

  test("is also whoever knows a password, or whom a command or an authority names", () => {
    expect(otherWays(seen)).toEqual([]);
    expect(otherWays({ ...seen, passwords: "", command: "", authorities: "" })).toEqual([]);
    expect(
      otherWays({ ...seen, passwords: "yes", command: "/run/keys", authorities: "/etc/ssh/ca" }),
    ).toEqual([
      "passwords are accepted",
      "keys come from a command, too: /run/keys",
      "certificates signed by /etc/ssh/ca are accepted",
    ]);
  });

  test("is a table for people", () => {
    const [own] = comparePeople("web1", seen, meant);
    if (!own) throw new Error("no key was seen");
    const unknown = {
      ...own,
      user: "",
      who: "",
      fingerprint: "",
      from: "not reached" as const,
      there: false,
    };
    expect(
      peopleTable([
        { ...own, fingerprint: "SHA256:abc" },
        { ...unknown, host: "web2" },
      ]),
    ).toBe(
      [
        "host  account  who              key         from              there",
        "web1  root     own@example.org  SHA256:abc  the stack itself  yes",
        "web2  -        -                -           not reached       ?",
        "",
      ].join("\n"),
    );
  });
});

describe("what a host was installed with", () => {
  const document = JSON.stringify({
    target: { host: "web1" },
    authorizedKeys: [line("ada")],
    lastingHostKey: {},
  });
  const state = (stdin: unknown, type = "command:local:Command") =>
    JSON.stringify({
      deployment: {
        resources: [{ type: "other" }, { type: "other", inputs: { a: 1 } }, { type, inputs: { stdin } }],
      },
    });

  test.each([
    ["a secret of the state", state({ plaintext: JSON.stringify(document) }), { web1: [line("ada")] }],
    ["a plain value", state(document), { web1: [line("ada")] }],
    ["something else's", state(document, "command:remote:Command"), {}],
    ["a secret that is not shown", state({ ciphertext: "v1:" }), {}],
    ["no state", "", {}],
  ])("is read from %s", (_, text, expected) => {
    expect(installedKeys(text)).toEqual(expected);
  });
});
