import { cp, glob, mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { execa } from "execa";
import { type FlakeLock, files, flakeInputs, lockOf, type Manifest, packagedManifest } from "./contents.ts";

const checkout = resolve(import.meta.dirname, "..");

/**
 * `npm run package -- [--to FOLDER]`: puts JavaScript, types and what the program reads at run time into a folder for a while, and packs
 * that. Prints the tarball's path.
 */
const { values } = parseArgs({ options: { to: { type: "string", default: "." } } });
const to = resolve(values.to);
const staging = await mkdtemp(join(tmpdir(), "berth-package-"));
try {
  const tsc = join(checkout, "node_modules/typescript/bin/tsc");
  await execa(process.execPath, [tsc, "--project", "packaging", "--outDir", staging], {
    cwd: checkout,
    stdio: ["ignore", "inherit", "inherit"],
  });
  for await (const file of glob(files, { cwd: checkout, withFileTypes: true })) {
    if (!file.isFile()) continue;
    const from = join(file.parentPath, file.name);
    const target = join(staging, from.slice(checkout.length));
    await mkdir(dirname(target), { recursive: true });
    await cp(from, target);
  }
  await cp(join(checkout, "packaging/flake.nix"), join(staging, "flake.nix"));
  const lock = JSON.parse(await readFile(join(checkout, "flake.lock"), "utf8")) as FlakeLock;
  await writeFile(
    join(staging, "flake.lock"),
    `${JSON.stringify(lockOf(lock, flakeInputs), undefined, 2)}\n`,
  );
  const manifest = JSON.parse(await readFile(join(checkout, "package.json"), "utf8")) as Manifest;
  await writeFile(
    join(staging, "package.json"),
    `${JSON.stringify(packagedManifest(manifest), undefined, 2)}\n`,
  );
  await mkdir(to, { recursive: true });
  const packed = await execa("npm", ["pack", "--json", "--pack-destination", to], { cwd: staging });
  const [{ filename }] = JSON.parse(packed.stdout) as [{ filename: string }];
  process.stdout.write(`${join(to, filename)}\n`);
} finally {
  await rm(staging, { recursive: true, force: true });
}
