import { readdir, readFile, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { execa } from "execa";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { checkout, node24 } from "../../../lab/setup/places.mjs";
import { type Elsewhere, projectElsewhere } from "./elsewhere.ts";

/** Milliseconds for packing and for npm, on a machine with other work. */
const patience = 600_000;
const { HOME } = process.env;
const env = { HOME, PATH: `${dirname(node24)}:${process.env.PATH}`, npm_config_update_notifier: "false" };

let site: Elsewhere;
beforeAll(async () => {
  site = await projectElsewhere(["--name", "site"], env);
}, patience);
afterAll(() => site?.[Symbol.asyncDispose]());

describe("the package, installed elsewhere by npm", () => {
  beforeEach((context) => {
    if (site.unreachable) context.skip(site.unreachable);
  });

  test("holds JavaScript with its types, and nothing of the checkout's alone", async () => {
    const there = await readdir(join(site.folder, "node_modules/berth"), { recursive: true });
    for (const file of [
      "library.js",
      "library.d.ts",
      "index.js",
      "bin/berth",
      "nixos/berth.nix",
      "flake.lock",
    ])
      expect(there).toContain(file);
    expect(there.filter((file) => /^(lab|tests|apps|node_modules)(\/|$)/.test(file))).toEqual([]);
    expect(there.filter((file) => file.endsWith(".ts") && !file.endsWith(".d.ts"))).toEqual([]);
  });

  test(
    "is a library with types for a program of one's own",
    async () => {
      await writeFile(
        join(site.folder, "mine.ts"),
        `import { HetznerServer, type HetznerServerArgs, parseStackConfig } from "berth";

const { config } = parseStackConfig("prod", { hosts: { web1: { system: "web", server: { type: "cx23", location: "fsn1" } } } });
const system: string | undefined = config.hosts.web1?.system;
// @ts-expect-error Without types, nothing would be wrong here.
const wrong: number = config.hosts.web1?.system;
export const args: Partial<HetznerServerArgs> = { protect: true };
console.log(system, typeof HetznerServer, wrong === 1);
`,
      );
      expect(await site.run(node24, ["mine.ts"])).toMatchObject({ code: 0, output: "web function false" });
      const tsc = join(checkout, "node_modules/typescript/bin/tsc");
      const options = [
        "--strict",
        "--noEmit",
        "--module",
        "nodenext",
        "--target",
        "es2024",
        "--types",
        "node",
      ];
      const checked = await site.run(node24, [tsc, ...options, "mine.ts", "index.ts"]);
      expect(checked, checked.output).toMatchObject({ code: 0, output: "" });
    },
    patience,
  );

  test("checks the stack that it has made, and tells a mistake in it", async () => {
    const checked = await site.berth("check", "--json");
    expect(checked.code, checked.output).toBe(0);
    expect(JSON.parse(checked.stdout)).toMatchObject({ stack: "prod", ok: true, price: { monthly: 5.99 } });
    const file = join(site.folder, "Pulumi.prod.yaml");
    const right = await readFile(file, "utf8");
    await writeFile(file, right.replace("type: cx23", "tipe: cx23"));
    const refused = await site.berth("check");
    await writeFile(file, right);
    expect(refused.code).toBe(1);
    expect(refused.stdout).toContain("berth:hosts.web1.server.tipe: there is no such key");
  });

  test("looks at the machine", async () => {
    const seen = await site.berth("doctor", "--json");
    const verdicts = JSON.parse(seen.stdout) as { what: string; is: string }[];
    expect(verdicts).toContainEqual(expect.objectContaining({ what: "node", is: "ok" }));
    expect(verdicts).toContainEqual(expect.objectContaining({ what: "nix", is: "wrong" }));
    expect(verdicts).toContainEqual({ what: "project", is: "ok", found: "site, stack prod" });
  });

  test("starts its provider, as Pulumi.yaml names it", async () => {
    const plugin = join(site.folder, "node_modules/berth/provider/pulumi-resource-berth");
    const provider = execa(plugin, [], { env, extendEnv: false, reject: false });
    const port = await new Promise<string>((resolve, reject) => {
      provider.stdout.once("data", (data) => resolve(String(data).trim()));
      provider.then(({ stderr }) => reject(new Error(stderr)), reject);
    });
    provider.kill();
    await provider;
    expect(port).toMatch(/^\d+$/);
  });
});

test("a plain npm pack in the checkout is refused with what to do", async () => {
  const packed = await execa("npm", ["pack", "--dry-run"], { cwd: checkout, env, reject: false, all: true });
  expect(packed.exitCode).not.toBe(0);
  expect(packed.all).toContain("Next: npm run package");
});
