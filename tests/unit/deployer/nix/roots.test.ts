import { chmodSync, mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { planRoots, type Root, rootNext, rootRelease } from "../../../../deployer/nix/roots.ts";

const at = (number: number, release: string): Root => ({
  name: `${number}-${release}`,
  path: `/s/${release}`,
});

describe("what keeps releases", () => {
  test.each<[string, Root[], string, number, ReturnType<typeof planRoots>]>([
    ["the first is rooted", [], "/s/a", 5, { add: "1-a", remove: [] }],
    ["the one there is already stays as it is", [at(3, "a")], "/s/a", 5, { add: undefined, remove: [] }],
    ["the oldest makes room", [at(1, "a"), at(2, "b")], "/s/c", 2, { add: "3-c", remove: ["1-a"] }],
    ["numbers are numbers", [at(10, "b"), at(9, "a")], "/s/c", 2, { add: "11-c", remove: ["9-a"] }],
    [
      "one that is returned to counts once",
      [at(1, "a"), at(2, "b")],
      "/s/a",
      2,
      { add: "3-a", remove: ["1-a"] },
    ],
    ["fewer are wanted", [at(1, "a"), at(2, "b")], "/s/b", 1, { add: undefined, remove: ["1-a"] }],
    [
      "what is not ours is left",
      [
        { name: "next", path: "/s/x" },
        { name: "mine", path: "/s/y" },
      ],
      "/s/a",
      1,
      { add: "1-a", remove: [] },
    ],
  ])("%s", (_, roots, path, keep, plan) => expect(planRoots(roots, path, keep)).toEqual(plan));

  test("after any number of releases the last ones are rooted, each once", () => {
    const release = fc.constantFrom("a", "b", "c", "d");
    fc.assert(
      fc.property(fc.array(release, { minLength: 1 }), fc.integer({ min: 1, max: 5 }), (releases, keep) => {
        let roots: Root[] = [];
        for (const name of releases) {
          const { add, remove } = planRoots(roots, `/s/${name}`, keep);
          roots = [...roots, ...(add ? [{ name: add, path: `/s/${name}` }] : [])].filter(
            (root) => !remove.includes(root.name),
          );
        }
        const lastOnes = [...new Set(releases.toReversed())].slice(0, keep).map((name) => `/s/${name}`);
        expect(roots.map(({ path }) => path).sort()).toEqual(lastOnes.sort());
      }),
    );
  });
});

describe("roots in a folder", () => {
  let folder: string;
  let roots: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "berth-roots-"));
    roots = join(folder, "prod", "web1");
    vi.stubEnv("PATH", `${folder}${delimiter}${process.env.PATH}`);
    nixStore('ln -sfn "$2" "$4"');
  });
  afterEach(() => {
    vi.unstubAllEnvs();
    rmSync(folder, { recursive: true });
  });
  function nixStore(script: string): void {
    writeFileSync(join(folder, "nix-store"), `#!/bin/sh\n${script}\n`);
    chmodSync(join(folder, "nix-store"), 0o755);
  }

  test("are made by Nix, one for what is on its way and one for each release that is kept", async () => {
    for (const name of ["one", "two", "three"]) {
      await rootNext(roots, `/nix/store/${name}`);
      await rootRelease(roots, `/nix/store/${name}`, 2);
    }
    expect(readdirSync(roots).sort()).toEqual(["2-two", "3-three", "next"]);
  });

  test("that cannot be made take none away, and say so", async () => {
    mkdirSync(roots, { recursive: true });
    symlinkSync("/nix/store/one", join(roots, "1-one"));
    nixStore("echo 'error: path is not valid' >&2; exit 1");
    await expect(rootRelease(roots, "/nix/store/two", 1)).rejects.toThrow(
      `keep /nix/store/two from being collected, by ${roots}/2-two: error: path is not valid. Next: `,
    );
    expect(readdirSync(roots)).toEqual(["1-one"]);
  });
});
