import {
  appendFileSync,
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { basename, delimiter, join } from "node:path";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import {
  knownAs,
  type Root,
  rootNext,
  rootRelease,
  rootTrial,
  spareRoots,
} from "../../../../deployer/nix/roots.ts";

const at = (time: number, release: string): Root => ({ name: `at-${time}`, path: `/s/${release}`, at: time });

describe("what keeps releases", () => {
  test.each<[string, Root[], number, { free: string[]; surplus: string[] }]>([
    ["none is spare where all are kept", [at(1, "a"), at(2, "b")], 2, { free: [], surplus: [] }],
    ["the oldest is, where one more is kept", [at(2, "b"), at(1, "a")], 1, { free: [], surplus: ["at-1"] }],
    [
      "a release counts once, by the newest",
      [at(1, "a"), at(2, "b"), at(3, "a")],
      2,
      { free: ["at-1"], surplus: [] },
    ],
    [
      "the oldest are told first",
      [at(1, "a"), at(2, "b"), at(3, "b"), at(4, "b"), at(5, "c"), at(6, "d")],
      3,
      { free: ["at-2", "at-3"], surplus: ["at-1"] },
    ],
  ])("%s", (_, roots, keep, spare) => {
    const { free, surplus } = spareRoots(roots, keep);
    expect({ free: free.map(({ name }) => name), surplus: surplus.map(({ name }) => name) }).toEqual(spare);
  });

  test("a root is known to Nix by a hash of its name", () => {
    // As Nix 2.26 calls it.
    expect(knownAs("/tmp/rt/release-2")).toBe("4h8q9h4zb8bcvxf23k7nc54zg632xhc6");
  });
});

describe("roots in a folder", () => {
  let folder: string;
  let roots: string;
  let store: string;
  let asked: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "berth-roots-"));
    roots = join(folder, "prod", "web1");
    store = join(folder, "store");
    asked = join(folder, "asked");
    const auto = join(folder, "state", "gcroots", "auto");
    for (const one of [store, auto]) mkdirSync(one, { recursive: true });
    vi.stubEnv("PATH", `${folder}${delimiter}${process.env.PATH}`);
    vi.stubEnv("NIX_STATE_DIR", join(folder, "state"));
    // As `nix-store --realise PATH... --add-root LINK` does it, but that what it would do to gcroots/auto is done by `tell`.
    nixStore(`
      shift; for link; do :; done
      n=0
      while [ "$1" != --add-root ]; do
        [ -e "$1" ] || { echo "error: path '$1' is not valid" >&2; exit 1; }
        n=$((n + 1)); name=$link; [ $n = 1 ] || name=$link-$n
        ln -sfn "$1" "$name"; echo "$name" >>${asked}; shift
      done`);
  });
  afterEach(() => {
    vi.unstubAllEnvs();
    rmSync(folder, { recursive: true });
  });
  function nixStore(script: string): void {
    writeFileSync(join(folder, "nix-store"), `#!/bin/sh\n${script}\n`);
    chmodSync(join(folder, "nix-store"), 0o755);
  }
  /** Which roots Nix was told of since it was last asked for; from now on it knows them. */
  function told(): string[] {
    if (!existsSync(asked)) return [];
    const links = readFileSync(asked, "utf8").trimEnd().split("\n");
    rmSync(asked);
    for (const link of links) {
      const known = join(folder, "state", "gcroots", "auto", knownAs(link));
      rmSync(known, { force: true });
      symlinkSync(link, known);
    }
    return links.map((link) => basename(link));
  }
  function built(name: string): string {
    appendFileSync(join(store, name), "");
    return join(store, name);
  }
  const held = () =>
    [...new Set(readdirSync(roots).map((name) => basename(readlinkSync(join(roots, name)))))].sort();

  test("hold the last releases, whatever is deployed in whatever order, and Nix is asked no more once it knows them all", async () => {
    const release = fc.constantFrom("a", "b", "c", "d", "e");
    const step = fc.record({ release, isKept: fc.boolean() });
    await fc.assert(
      fc.asyncProperty(
        fc.array(step, { minLength: 1 }),
        fc.integer({ min: 1, max: 4 }),
        async (steps, keep) => {
          rmSync(roots, { recursive: true, force: true });
          told();
          const kept: string[] = [];
          let isTold = false;
          for (const { release: name, isKept } of steps) {
            const before = existsSync(roots) ? held() : [];
            const takeBack = await rootTrial(roots, built(name), keep);
            expect(held()).toEqual([...new Set([...before, name])].sort());
            expect(told().length).toBe(isTold ? 0 : keep + 1);
            if (isKept) {
              await rootRelease(roots, built(name), keep);
              kept.unshift(name);
            } else {
              await takeBack();
            }
            expect(held()).toEqual([...new Set(kept)].slice(0, keep).sort());
            expect(told()).toEqual([]);
            isTold = kept.length > 0;
          }
        },
      ),
      { numRuns: 40 },
    );
  });

  test("become more where more is kept, and hold no more than is kept where that is less", async () => {
    for (const [name, keep] of [
      ["a", 1],
      ["b", 1],
      ["c", 3],
      ["d", 3],
      ["e", Number.POSITIVE_INFINITY],
    ] as const) {
      await rootRelease(roots, built(name), keep);
      told();
    }
    expect(held()).toEqual(["b", "c", "d", "e"]);
    await rootRelease(roots, built("e"), 2);
    expect(held()).toEqual(["d", "e"]);
  });

  test("for what is on its way are one, which is told to Nix once, and again where Nix has forgotten it", async () => {
    await rootNext(roots, built("one"));
    expect(told()).toEqual(["next"]);
    await rootNext(roots, built("two"));
    expect([held(), told()]).toEqual([["two"], []]);
    rmSync(join(folder, "state", "gcroots", "auto"), { recursive: true });
    mkdirSync(join(folder, "state", "gcroots", "auto"));
    await rootNext(roots, built("three"));
    expect([held(), told()]).toEqual([["three"], ["next"]]);
  });

  test("are Nix's to make where the path is going away, and none is taken away where it cannot", async () => {
    await rootRelease(roots, built("one"), 1);
    told();
    await expect(rootRelease(roots, join(store, "gone"), 1)).rejects.toThrow(
      new RegExp(
        `keep ${store}/gone from being collected, by ${roots}/release-?2?: error: path .* is not valid. Next: `,
      ),
    );
    expect(held()).toEqual(["one"]);
  });

  test("that Nix has forgotten are told to it again with the next release, though that is not new", async () => {
    for (const name of ["one", "two", "two"]) {
      await rootRelease(roots, built(name), 2);
      told();
    }
    const auto = join(folder, "state", "gcroots", "auto");
    rmSync(auto, { recursive: true });
    mkdirSync(auto);
    await rootRelease(roots, built("two"), 2);
    expect([held(), told().sort()]).toEqual([
      ["one", "two"],
      ["release", "release-2", "release-3"],
    ]);
    await rootRelease(roots, built("two"), 2);
    expect(told()).toEqual([]);
  });

  test("in a folder that cannot be made say where and what to do", async () => {
    writeFileSync(join(folder, "prod"), "in the way");
    for (const rooting of [rootNext(roots, built("one")), rootRelease(roots, built("one"), 2)])
      await expect(rooting).rejects.toThrow(
        /^keep \S+\/one from being collected, by \S+: ENOTDIR.* Next: see that/,
      );
  });

  test("leave files alone that are none", async () => {
    mkdirSync(roots, { recursive: true });
    symlinkSync("/nix/store/mine", join(roots, "mine"));
    await rootRelease(roots, built("one"), 1);
    expect(held()).toEqual(["mine", "one"]);
  });
});
