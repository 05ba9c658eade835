import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { planKeys, readKey, type Wanted } from "../../../../deployer/people/keys.ts";

const own = "ssh-ed25519 AAAAown berth prod";
const ada = "ssh-ed25519 AAAAada ada@example.org";
const bob = "ssh-ed25519 AAAAbob bob@example.org";
const eve = "ssh-ed25519 AAAAeve eve@elsewhere";
const begin = "# berth: people of stack prod, written by berth people --sync";
const end = "# berth: end of people";
const wanted: Wanted = { stack: "prod", loginKey: own, people: { ada: [ada] }, installed: [own, ada] };
const lines = (...all: string[]) => `${all.join("\n")}\n`;

describe("a line of authorized_keys", () => {
  test.each([
    [ada, { key: "ssh-ed25519 AAAAada", comment: "ada@example.org", options: "" }],
    ["ssh-rsa AAAA==", { key: "ssh-rsa AAAA==", comment: "", options: "" }],
    [
      'from="198.51.100.0/24",no-pty sk-ssh-ed25519@openssh.com AAAAsk my key',
      {
        key: "sk-ssh-ed25519@openssh.com AAAAsk",
        comment: "my key",
        options: 'from="198.51.100.0/24",no-pty',
      },
    ],
    [
      'command="echo ssh-ed25519 is" ssh-rsa AAAA',
      { key: "ssh-rsa AAAA", comment: "", options: 'command="echo ssh-ed25519 is"' },
    ],
    ["# ssh-ed25519 AAAAada", undefined],
    ["", undefined],
    ["hello", undefined],
  ])("%s", (text, expected) => {
    expect(readKey(text)).toEqual(expected);
  });
});

describe("root's keys", () => {
  test.each<[string, string, Partial<Wanted>, object]>([
    ["as they were installed are as they should be", lines(own, ada), {}, { added: [], removed: [] }],
    [
      "get a new person",
      lines(own, ada),
      { people: { ada: [ada], bob: [bob] } },
      { text: lines(own, begin, ada, bob, end), added: [bob], removed: [] },
    ],
    [
      "lose who was installed and is no person any more",
      lines(own, ada),
      { people: { bob: [bob] } },
      { text: lines(own, begin, bob, end), added: [bob], removed: ["ssh-ed25519 AAAAada"] },
    ],
    [
      "lose who was brought by an earlier sync",
      lines(own, begin, ada, bob, end),
      { installed: [own] },
      { text: lines(own, begin, ada, end), added: [], removed: ["ssh-ed25519 AAAAbob"] },
    ],
    [
      "lose everybody but the stack itself",
      lines(own, ada),
      { people: {} },
      { text: lines(own), added: [], removed: ["ssh-ed25519 AAAAada"] },
    ],
    [
      "keep what is somebody else's, with its comments",
      lines(own, "# mine", eve, ada),
      { people: {} },
      { text: lines(own, "# mine", eve), removed: ["ssh-ed25519 AAAAada"] },
    ],
    [
      "keep a person's key that was narrowed by hand, as it is",
      lines(own, `from="198.51.100.1" ${ada}`),
      {},
      { text: lines(own, `from="198.51.100.1" ${ada}`), added: [], removed: [] },
    ],
    [
      "keep what follows half a section",
      lines(own, begin, ada, eve),
      { people: { ada: [ada] } },
      { text: lines(own, eve, begin, ada, end), removed: [] },
    ],
    [
      "have the key of a person who has the stack's own key once",
      lines(own),
      { people: { ci: [own] } },
      { text: lines(own), added: [], removed: [] },
    ],
  ])("%s", (_, text, changes, expected) => {
    expect(planKeys(text, { ...wanted, ...changes })).toMatchObject(expected);
  });

  test.each([
    ["lack the stack's own key", lines(ada), wanted],
    ["are of a stack without a login key", lines(own, ada), { ...wanted, loginKey: "" }],
  ])("are left alone where they %s", (_, text, meant) => {
    expect(planKeys(text, meant)).toEqual({ refused: expect.stringContaining("login key") });
  });

  const key = fc.constantFrom("A", "B", "C", "D", "E").map((name) => `ssh-ed25519 AAAA${name} ${name}`);
  const foreign = fc.constantFrom("X", "Y").map((name) => `ssh-ed25519 AAAA${name} ${name}`);

  test("always have the stack's own and all foreign keys, every person once, and nobody who has left; a second time nothing changes", () => {
    const some = fc.uniqueArray(key);
    fc.assert(
      fc.property(some, some, some, fc.uniqueArray(foreign), (before, installed, now, others) => {
        const meant = { ...wanted, people: { all: now }, installed: [...installed, ...before] };
        const first = planKeys(lines(own, ...before, ...others), meant);
        if ("refused" in first) throw new Error(first.refused);
        const after = first.text.split("\n").filter((line) => readKey(line));
        expect(after.toSorted()).toEqual([own, ...others, ...now].toSorted());
        expect(planKeys(first.text, { ...meant, installed })).toMatchObject({ added: [], removed: [] });
      }),
    );
  });
});
