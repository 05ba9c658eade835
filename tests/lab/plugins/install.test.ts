import { chmod, mkdir, mkdtemp, readlink, rm, stat, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { askVersion } from "../../../lab/plugins/ask-version.ts";
import {
  findRealPlugins,
  installPlugins,
  installStandIns,
  pluginPath,
  STAND_INS,
  wantedVersion,
} from "../../../lab/plugins/install.ts";

const CHECKOUT = resolve(import.meta.dirname, "../../..");
let folder: string;
let home: string;
let other: string;
let bin: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "berth-plugins-"));
});
afterAll(async () => {
  await rm(folder, { recursive: true });
});
beforeEach(async () => {
  const place = await mkdtemp(join(folder, "it's "));
  home = join(place, "home");
  other = join(place, "other");
  bin = join(place, "bin");
  await mkdir(bin);
});

/** A provider plugin of another make: Berth's framework under another name and version. */
async function plugin(path: string, name: string, version: string): Promise<void> {
  const program = `${path}.ts`;
  await mkdir(dirname(path), { recursive: true });
  await writeFile(
    program,
    `import { serve } from ${JSON.stringify(join(CHECKOUT, "provider/framework/serve.ts"))};
await serve({ name: ${JSON.stringify(name)}, version: ${JSON.stringify(version)}, resources: {} });\n`,
  );
  await writeFile(path, `#!/bin/sh\nexec '${process.execPath}' "${program}" "$@"\n`);
  await chmod(path, 0o755);
}

describe("the stand-ins", () => {
  test("are laid out where the engine looks, and start there, whatever the path is", async () => {
    const installed = await installStandIns({ pulumiHome: home, node: process.execPath, names: STAND_INS });
    expect(installed.map(({ name, kind }) => [name, kind])).toEqual([
      ["command", "stand-in"],
      ["hcloud", "stand-in"],
    ]);
    for (const { name, version, path } of installed) {
      expect(path).toBe(join(home, "plugins", `resource-${name}-v${version}`, `pulumi-resource-${name}`));
      expect((await stat(join(home, "plugins", `resource-${name}-v${version}.lock`))).size).toBe(0);
      expect(await askVersion(path)).toBe(version);
    }
  });

  test("are laid out again without a trace of the first time", async () => {
    const options = { pulumiHome: home, node: process.execPath, names: ["command"] as const };
    const [installed] = await installStandIns(options);
    if (!installed) return expect.unreachable();
    await writeFile(join(dirname(installed.path), "left over"), "");
    expect(await installStandIns(options)).toEqual([installed]);
    await expect(stat(join(dirname(installed.path), "left over"))).rejects.toThrow("ENOENT");
  });
});

describe("real plugins", () => {
  test("are found on PATH when they say the very version that is wanted", async () => {
    const version = await wantedVersion("command");
    await plugin(join(bin, "pulumi-resource-command"), "command", version);
    expect(
      await findRealPlugins({ names: STAND_INS, path: `/nonexistent:${bin}`, pulumiHome: other }),
    ).toEqual([{ name: "command", version, kind: "real", path: join(bin, "pulumi-resource-command") }]);
  });

  test.each([
    ["of another version", (path: string) => plugin(path, "command", "0.0.1")],
    ["that do not start", async (path: string) => writeFile(path, "#!/bin/sh\nexit 1\n", { mode: 0o755 })],
    [
      "that are a stand-in",
      async (path: string) => symlink(join(CHECKOUT, "lab/plugins/pulumi-resource-command"), path),
    ],
  ])("%s are passed over", async (_, make) => {
    await make(join(bin, "pulumi-resource-command"));
    expect(await findRealPlugins({ names: ["command"], path: bin, pulumiHome: other })).toEqual([]);
  });

  test("are found in a plugin cache under the very version, and stand-ins there are none", async () => {
    const version = await wantedVersion("command");
    await installStandIns({ pulumiHome: other, node: process.execPath, names: ["hcloud"] });
    await plugin(pluginPath(other, "command", version), "command", version);
    const found = await findRealPlugins({ names: STAND_INS, path: "", pulumiHome: other });
    expect(found).toEqual([
      { name: "command", version, kind: "real", path: pluginPath(other, "command", version) },
    ]);
  });

  test("win over the stand-ins, and are linked, not copied", async () => {
    const version = await wantedVersion("command");
    const real = pluginPath(other, "command", version);
    await plugin(real, "command", version);
    const options = { pulumiHome: home, node: process.execPath, realFrom: { path: "", pulumiHome: other } };
    for (let time = 0; time < 2; time++) {
      const plugins = await installPlugins(options);
      expect(plugins.map(({ name, kind }) => [name, kind])).toEqual([
        ["command", "real"],
        ["hcloud", "stand-in"],
      ]);
    }
    expect(await readlink(pluginPath(home, "command", version))).toBe(real);
  });
});
