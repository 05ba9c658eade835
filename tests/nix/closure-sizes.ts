import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { execa } from "execa";
import { z } from "zod";
import { type ClosureSizes, closurePage, closureSizes } from "./closure-page.ts";
import { evaluated, openFlake, output, repository } from "./nix.ts";

// `npm run closure-sizes`: measures the systems that are built here, and writes the page.

const file = join(repository, "tests/nix/closure-sizes.json");
const page = join(repository, "docs/closure-sizes.md");

type Measured = NonNullable<ClosureSizes[string]["measured"]>;

const sized = z.record(z.string(), z.object({ narSize: z.int(), closureSize: z.int() }));

/** The closure of a path in the store here; null where it is not there. */
async function measure(path: string, nixos: string): Promise<Measured | null> {
  const valid = await execa("nix-store", ["--check-validity", path], { reject: false });
  if (valid.failed) return null;
  const paths = sized.parse(
    JSON.parse(await output("nix", ["path-info", "--json", "--recursive", "--closure-size", path])),
  );
  return {
    bytes: paths[path]?.closureSize ?? 0,
    paths: Object.keys(paths).length,
    nixos,
    date: new Date().toISOString().slice(0, 10),
  };
}

const system = z.object({ path: z.string(), nixos: z.string() });

async function measureAll(known: ClosureSizes): Promise<void> {
  await using flake = await openFlake();
  const { inputs, folder } = flake;
  if ("missing" in inputs) {
    process.stdout.write(`nothing is measured: ${inputs.missing}\n`);
    return;
  }
  for (const [name, entry] of Object.entries(known)) {
    const { path, nixos } = system.parse(
      await evaluated(
        folder,
        inputs.args,
        `nixosConfigurations.${name}.config`,
        `config: {
          path = builtins.unsafeDiscardStringContext config.system.build.toplevel.outPath;
          nixos = config.system.nixos.version;
        }`,
      ),
    );
    const measured = await measure(path, nixos);
    process.stdout.write(
      measured
        ? `${name}: ${(measured.bytes / 1e6).toFixed(0)} MB, limit ${entry.limit} MB\n`
        : `${name}: ${path} is not built here\n`,
    );
    entry.measured = measured ?? entry.measured;
  }
}

const known = closureSizes.parse(JSON.parse(await readFile(file, "utf8")));
await measureAll(known);
const lines = Object.entries(known).map(
  ([name, entry]) => `  ${JSON.stringify(name)}: ${JSON.stringify(entry)}`,
);
await writeFile(file, `{\n${lines.join(",\n")}\n}\n`);
await output("npx", ["biome", "format", "--write", file]);
await writeFile(page, closurePage(known));
