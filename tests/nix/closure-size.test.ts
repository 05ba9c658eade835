import { readFile, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execa } from "execa";
import { expect, test } from "vitest";
import { closurePage, closureSizes } from "./closure-page.ts";
import { repository } from "./nix.ts";

const sizes = async () =>
  closureSizes.parse(JSON.parse(await readFile(join(repository, "tests/nix/closure-sizes.json"), "utf8")));

/** A registration as closureInfo writes it. */
const registration = (paths: Record<string, { size: number; references: string[] }>) =>
  Object.entries(paths)
    .flatMap(([path, { size, references }]) => [
      ...[path, "sha256:0", String(size), ""],
      ...[String(references.length), ...references],
    ])
    .map((line) => `${line}\n`)
    .join("");

async function judge(limit: number): Promise<{ code: number | undefined; said: string }> {
  const file = join(tmpdir(), `berth-registration-${process.pid}`);
  await writeFile(
    file,
    registration({
      "/nix/store/a-system": {
        size: 1000,
        references: ["/nix/store/a-system", "/nix/store/b-app", "/nix/store/d-lib"],
      },
      "/nix/store/b-app": { size: 2_000_000, references: ["/nix/store/c-perl", "/nix/store/d-lib"] },
      "/nix/store/c-perl": { size: 60_000_000, references: ["/nix/store/d-lib"] },
      "/nix/store/d-lib": { size: 30_000_000, references: [] },
    }),
  );
  const script = join(repository, "tests/nix/closure-size.awk");
  const values = ["name=web", "root=/nix/store/a-system", `limit=${limit}`].flatMap((value) => ["-v", value]);
  const judged = await execa("awk", [...values, "-f", script, file], { reject: false });
  return { code: judged.exitCode, said: judged.stdout };
}

test("a closure within its limit is told in a line", async () => {
  expect(await judge(92_001_000)).toEqual({
    code: 0,
    said: "web: 92.0 MB in 4 paths, limit 92.0 MB",
  });
});

test("a closure over its limit fails, with its largest paths and the shortest way to each", async () => {
  const { code, said } = await judge(90_000_000);
  expect(code).toBe(1);
  expect(said).toContain("The closure is 2.0 MB over its limit.");
  const [, list = ""] = said.split("why-depends):\n");
  expect(list.split("\n").slice(0, 7)).toEqual([
    "     60.0 MB  /nix/store/c-perl",
    "      <- /nix/store/b-app",
    "      <- /nix/store/a-system",
    "     30.0 MB  /nix/store/d-lib",
    "      <- /nix/store/a-system",
    "      2.0 MB  /nix/store/b-app",
    "      <- /nix/store/a-system",
  ]);
});

test("the page says what is known of each system, and no number that nobody measured", async () => {
  const known = await sizes();
  expect(await readFile(join(repository, "docs/closure-sizes.md"), "utf8")).toBe(closurePage(known));
  const measured = { bytes: 512_345_678, paths: 321, nixos: "26.05", date: "2026-11-22" };
  const page = closurePage({ a: { limit: 600, measured }, b: { limit: 700, measured: null } });
  expect(page).toContain("| `a` | 600 MB | 512 MB in 321 paths | 26.05, 2026-11-22 |");
  expect(page).toContain("| `b` | 700 MB | unmeasured | |");
  expect(page).toContain("1 of 2 are **unmeasured**");
});
