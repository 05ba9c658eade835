import { mkdtemp, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { z } from "zod";
import { type Evaluation, openFlake, output, repository } from "./nix.ts";

// What the container images will be made of, read from their derivations. None is built here.
let flake: Evaluation;

beforeAll(async () => {
  flake = await openFlake();
});
afterAll(() => flake?.[Symbol.asyncDispose]());

const images = { dockerImage: "site", webechoImg: "webecho", "spa-image": "spa" } as const;

const evaluated = z.record(
  z.string(),
  z.object({
    berth: z.object({
      name: z.string(),
      tag: z.string().regex(/^[a-z0-9]{32}$/),
      architecture: z.string(),
      port: z.int(),
      user: z.string(),
      health: z.object({ path: z.string(), body: z.string() }),
      stop: z.object({ signal: z.string(), seconds: z.int() }),
      writable: z.array(z.string()),
    }),
    conf: z.string(),
    package: z.string(),
  }),
);

const derivations = z.record(
  z.string(),
  z.object({ inputDrvs: z.record(z.string(), z.unknown()), env: z.record(z.string(), z.string()) }),
);
type Derivation = z.infer<typeof derivations>[string];

/** A derivation as it is written in the store. */
async function show(path: string): Promise<Derivation> {
  const shown = derivations.parse(JSON.parse(await output("nix", ["derivation", "show", path])));
  const [only] = Object.values(shown);
  if (!only) throw new Error(`${path} shows no derivation`);
  return only;
}

/** The input of a derivation whose name ends so. */
async function inputOf(derivation: Derivation, ending: string): Promise<Derivation> {
  const path = Object.keys(derivation.inputDrvs).find((input) => input.endsWith(`${ending}.drv`));
  if (path === undefined) throw new Error(`no input ends with ${ending}`);
  return show(path);
}

test("each image is of its package's own build, for a user without rights, and says what a deployer needs", async (ctx) => {
  const found = evaluated.parse(
    await flake.evaluate(
      ctx,
      "packages.x86_64-linux",
      `packages: builtins.mapAttrs (image: package: {
        inherit (packages.\${image}.passthru) berth;
        conf = builtins.unsafeDiscardOutputDependency packages.\${image}.conf.drvPath;
        package = toString packages.\${package};
      }) (builtins.fromJSON ''${JSON.stringify(images)}'')`,
    ),
  );
  for (const [image, name] of Object.entries(images)) {
    const { berth, conf: confPath, package: of } = found[image] ?? expect.fail(`no ${image}`);
    const release = of.slice("/nix/store/".length, "/nix/store/".length + 12);
    const spa = name === "spa";
    expect(berth, image).toEqual({
      name,
      tag: expect.any(String),
      architecture: "amd64",
      port: spa ? 8080 : 3000,
      user: "1000:1000",
      health: { path: "/healthz", body: `"release":"${release}"` },
      stop: { signal: spa ? "SIGQUIT" : "SIGTERM", seconds: 40 },
      writable: ["/tmp", ...(spa ? ["/var/log/nginx", "/var/cache/nginx"] : [])],
    });

    const conf = await show(confPath);
    expect(conf.env, image).toMatchObject({
      imageName: name,
      created: "1970-01-01T00:00:01Z",
      mtime: "1970-01-01T00:00:01Z",
    });
    const base = await inputOf(conf, "-base.json");
    const { config, ...rest } = JSON.parse(base.env.text ?? "");
    expect(rest).toEqual({ architecture: "amd64", os: "linux" });
    expect(config, image).toEqual({
      Cmd: spa
        ? [
            expect.stringMatching(/\/bin\/nginx$/),
            "-e",
            "stderr",
            "-c",
            expect.stringMatching(/-nginx\.conf$/),
          ]
        : [`${of}/bin/${name}`],
      User: berth.user,
      WorkingDir: "/tmp",
      Env: spa
        ? []
        : ["APP_RELEASE", "APP_VERSION", "HOST", "NODE_ENV", "PORT"].map((key) =>
            expect.stringMatching(`^${key}=.`),
          ),
      ExposedPorts: { [`${berth.port}/tcp`]: {} },
      StopSignal: berth.stop.signal,
      Labels: {
        "org.opencontainers.image.title": name,
        "org.opencontainers.image.description": expect.stringMatching(/\w.*\.$/),
        "org.opencontainers.image.version": "1.0.0",
        "org.opencontainers.image.licenses": "Apache-2.0",
      },
    });
    if (spa) await expectTested(await inputOf(base, "-nginx.conf"), of, release);
    else
      expect(config.Env).toEqual(
        expect.arrayContaining(["HOST=0.0.0.0", "PORT=3000", `APP_RELEASE=${release}`]),
      );

    await expectFolders((await inputOf(conf, "-customisation-layer")).env, berth.writable);
  }
  // Nothing is built twice: what differs is a wrapper.
  expect(found.webechoImg?.package).not.toBe(found.dockerImage?.package);
});

/** The nginx.conf in the image is the one that the other tests run. */
async function expectTested({ env }: Derivation, root: string, release: string): Promise<void> {
  const mimeTypes = /include (\/nix\/store\/\S+-mailcap-\S+\/mime\.types);/.exec(env.text ?? "")?.[1];
  const expression = `import ${join(repository, "apps/spa/nginx.nix")} {
    root = "${root}"; listen = [ "8080" "[::]:8080" ]; mimeTypes = "${mimeTypes}"; release = "${release}"; }`;
  const text = await output("nix-instantiate", ["--eval", "--strict", "--json", "--expr", expression]);
  expect(env.text).toBe(JSON.parse(text));
}

/** The commands that make the image's own folders are run, so far as one who is not root may. */
async function expectFolders(env: Record<string, string>, writable: string[]): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), "berth-image-"));
  try {
    const commands = `cd '${folder}'; ${env.extraCommands}`;
    await output("sh", ["-euc", commands]);
    for (const path of writable) {
      expect((await stat(join(folder, path))).isDirectory(), path).toBe(true);
      if (path === "/tmp") expect((await stat(join(folder, path))).mode & 0o7777).toBe(0o1777);
      else expect(env.fakeRootCommands).toContain(`chown 1000:1000 .${path}\n`);
    }
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
