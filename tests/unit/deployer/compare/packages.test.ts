import fc from "fast-check";
import { expect, test } from "vitest";
import { compareClosures, packageOf } from "../../../../deployer/compare/packages.ts";

const hash = "a".repeat(32);
const path = (name: string, salt = "a") => `/nix/store/${hash.slice(1)}${salt}-${name}`;
const one = (name: string, bytes: number, salt?: string) => ({ path: path(name, salt), bytes });

test.each([
  ["openssl-3.0.14", "openssl", "3.0.14"],
  ["openssl-3.0.14-bin", "openssl", "3.0.14"],
  ["glibc-2.40-36-getent", "glibc", "2.40-36"],
  ["perl5.42.0-IO-HTML-1.004", "perl5.42.0-IO-HTML", "1.004"],
  ["linux-6.12.30", "linux", "6.12.30"],
  ["nixos-system-web-26.05pre-git", "nixos-system-web", "26.05pre"],
  ["unit-site.service", "unit-site.service", ""],
  ["etc", "etc", ""],
  ["lib-with-trailing-", "lib-with-trailing-", ""],
])("%s is %s %s", (base, name, version) => {
  expect(packageOf(path(base))).toEqual({ name, version });
});

test("what came, what went and what is another version is told with what it weighs", () => {
  const before = [one("a-1.9", 100), one("a-1.9-bin", 10), one("b-2", 50), one("same-1", 7)];
  const after = [one("a-1.10", 130), one("a-1.10-bin", 10), one("c", 5), one("same-1", 7)];
  expect(compareClosures(before, after)).toEqual({
    added: [{ name: "c", before: [], after: [""], bytes: 5 }],
    removed: [{ name: "b", before: ["2"], after: [], bytes: -50 }],
    changed: [{ name: "a", before: ["1.9"], after: ["1.10"], bytes: 30 }],
    bytesBefore: 167,
    bytesAfter: 152,
  });
});

test("the same version built otherwise is a change", () => {
  const { changed } = compareClosures([one("site-1.0", 10)], [one("site-1.0", 12, "b")]);
  expect(changed).toEqual([{ name: "site", before: ["1.0"], after: ["1.0"], bytes: 2 }]);
});

const closure = fc.uniqueArray(
  fc.record({
    path: fc
      .tuple(
        fc.constantFrom("a", "b", "c-d"),
        fc.constantFrom("", "-1", "-1.10", "-2-bin"),
        fc.constantFrom("x", "y"),
      )
      .map(([name, version, salt]) => path(`${name}${version}`, salt)),
    bytes: fc.nat(1000),
  }),
  { selector: (entry) => entry.path },
);

test("what each package weighs more adds up to what the closure does", () => {
  fc.assert(
    fc.property(closure, closure, (before, after) => {
      const change = compareClosures(before, after);
      // A path that is in both has one size.
      const sizes = new Map(before.map((entry) => [entry.path, entry.bytes]));
      fc.pre(after.every((entry) => (sizes.get(entry.path) ?? entry.bytes) === entry.bytes));
      const all = [...change.added, ...change.removed, ...change.changed];
      const total = all.reduce((sum, { bytes }) => sum + bytes, 0);
      expect(total).toBe(change.bytesAfter - change.bytesBefore);
    }),
  );
});

test("a closure does not differ from itself, and differences are the other way round seen from the other side", () => {
  fc.assert(
    fc.property(closure, closure, (before, after) => {
      const same = compareClosures(before, before);
      expect([same.added, same.removed, same.changed]).toEqual([[], [], []]);
      const [there, back] = [compareClosures(before, after), compareClosures(after, before)];
      expect(back.added.map(({ name }) => name)).toEqual(there.removed.map(({ name }) => name));
      expect(back.changed.map(({ name }) => name)).toEqual(there.changed.map(({ name }) => name));
    }),
  );
});
