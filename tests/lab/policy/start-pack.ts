import { chmod, copyFile, mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { LabPlaces } from "../../../lab/folder.ts";
import { checkout, node24 } from "../../../lab/setup/places.mjs";

const runtime = "berthpolicy";

/**
 * A folder that stands for `policy/` where the language host is too old to start a pack. The engine starts one of a runtime that is no
 * language by a plugin of that name: here the SDK's own starter, which a newer language host runs with the same arguments. The pack
 * and its rules are the ones of `policy/`.
 */
export async function packByPlugin(places: LabPlaces): Promise<string> {
  const plugin = join(places.pulumi, "plugins", `analyzer-policy-${runtime}-v1.0.0`);
  await mkdir(plugin, { recursive: true });
  const shim = join(plugin, `pulumi-analyzer-policy-${runtime}`);
  const starter = join(checkout, "node_modules/@pulumi/pulumi/cmd/run-policy-pack");
  await writeFile(shim, `#!/bin/sh\nset -eu\nexec '${node24}' '${starter}' "$@"\n`);
  await chmod(shim, 0o755);

  const pack = join(places.folder, "pack");
  await mkdir(pack);
  await writeFile(join(pack, "PulumiPolicy.yaml"), `runtime: ${runtime}\nmain: index.js\n`);
  await copyFile(join(checkout, "policy/package.json"), join(pack, "package.json"));
  await writeFile(join(pack, "index.js"), `import ${JSON.stringify(join(checkout, "policy/index.js"))};\n`);
  return pack;
}
