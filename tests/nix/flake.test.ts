import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { execa } from "execa";
import { afterAll, beforeAll, expect, test } from "vitest";
import { z } from "zod";
import { manifest } from "../../config/manifest.ts";
import { evaluateOutputs, type Output } from "./check/outputs.ts";
import { type Evaluation, has, openFlake } from "./nix.ts";
import { complaintsAbout, exposureOf } from "./units.ts";

let flake: Evaluation;
const evaluate: Evaluation["evaluate"] = (...args) => flake.evaluate(...args);

beforeAll(async () => {
  flake = await openFlake();
});
afterAll(() => flake[Symbol.asyncDispose]());

test("the manifest has the shape a stack reads, and reading it builds nothing", async (ctx) => {
  const hosts = manifest.parse(await evaluate(ctx, "berth.hosts"));
  expect(hosts.web).toMatchObject({
    system: "x86_64-linux",
    hostName: "",
    ports: { tcp: [22, 80], udp: [] },
    health: [{ http: "http://site.example/healthz" }],
  });
  expect(hosts.web?.toplevel.drvPath).toMatch(/-nixos-system-.*\.drv$/);
  expect(
    Object.fromEntries(Object.entries(hosts).map(([name, host]) => [name, host.system])),
    "what a stack may name",
  ).toMatchObject({ web: "x86_64-linux", "web-arm": "aarch64-linux", metal: "x86_64-linux" });
  expect(
    await execa("nix-store", ["--check-validity", hosts.web?.toplevel.out ?? ""], { reject: false }),
  ).toMatchObject({
    failed: true,
  });
});

test.for(["x86_64-linux", "aarch64-linux", "aarch64-darwin", "x86_64-darwin"])(
  "every output for %s evaluates",
  { timeout: 900_000 },
  async (system, ctx) => {
    const { folder, inputs } = flake;
    if ("missing" in inputs) return ctx.skip(inputs.missing);
    const outputs: Output[] = [];
    for await (const one of evaluateOutputs({ folder, args: inputs.args }, system)) outputs.push(one);
    expect(outputs.filter((output) => "failed" in output)).toEqual([]);
    expect(outputs.map(({ name }) => name)).toContain(`packages.${system}.default`);
    if (system.endsWith("-linux"))
      expect(outputs.map(({ name }) => name)).toContain(`checks.${system}.spa-vm`);
  },
);

test("the host web neither warns nor fails an assertion", async (ctx) => {
  const said = await evaluate(
    ctx,
    "nixosConfigurations.web.config",
    "config: config.warnings ++ map (a: a.message) (builtins.filter (a: !a.assertion) config.assertions)",
  );
  expect(said).toEqual([]);
});

test.for([
  ["without a firewall", "networking.firewall.enable = false;", "networking.firewall.enable is false"],
  [
    "whose sshd does not read root's own keys",
    'services.openssh.authorizedKeysFiles = lib.mkForce [ "/etc/ssh/authorized_keys.d/%u" ];',
    "sshd does not read %h/.ssh/authorized_keys",
  ],
  [
    "with a health check over both http and https",
    'berth.health = [ { http = "http://a.example/"; https = "https://a.example/"; } ];',
    "berth.health: every check has exactly one",
  ],
  [
    "with an app that is checked under no name",
    "services.webapp.site.domain = lib.mkForce null;",
    "services.webapp.site: health.path",
  ],
] as const)("a host %s is refused with the reason", async ([, config, reason], ctx) => {
  const said = await evaluate(
    ctx,
    "nixosConfigurations.web",
    `host: map (a: a.message) (builtins.filter (a: !a.assertion)
      (host.extendModules { modules = [ ({ lib, ... }: { ${config} }) ]; }).config.assertions)`,
  );
  expect(said).toEqual([expect.stringContaining(reason)]);
});

test.for(["site", "spa"])(
  "each npm package of %s is fetched by name and must have the hash of the lock file",
  async (app, ctx) => {
    const lockFile = join(flake.folder, "apps", app, "package-lock.json");
    const tarballs = z
      .record(z.string(), z.object({ name: z.string(), spec: z.string(), hash: z.string() }).nullable())
      .parse(
        await evaluate(
          ctx,
          "nixosConfigurations.web.pkgs",
          `pkgs: builtins.mapAttrs (_: t: if t == null then null else { inherit (t) name spec; hash = t.outputHash; })
        (pkgs.callPackage ${flake.folder}/apps/lock.nix { nodejs = pkgs.nodejs_24; }
          (builtins.fromJSON (builtins.readFile ${lockFile})))`,
        ),
      );
    const lock = z
      .object({
        packages: z.record(z.string(), z.object({ version: z.string(), integrity: z.string().optional() })),
      })
      .parse(JSON.parse(await readFile(lockFile, "utf8")));
    const { "": _, ...packages } = lock.packages;
    expect(Object.keys(tarballs).sort()).toEqual(Object.keys(packages).sort());
    expect(tarballs["node_modules/fsevents"], "for macOS alone").toBeNull();
    expect(tarballs["node_modules/@rolldown/binding-linux-x64-musl"], "for another C library").toBeNull();
    expect(tarballs["node_modules/@rolldown/binding-linux-x64-gnu"]).not.toBeNull();
    for (const [path, tarball] of Object.entries(tarballs)) {
      if (tarball === null) continue;
      const { version, integrity } = packages[path] ?? {};
      expect(tarball).toEqual({
        name: expect.stringMatching(/^[a-zA-Z0-9+._?=-]+\.tgz$/),
        spec: `${path.split("node_modules/").at(-1)}@${version}`,
        hash: integrity,
      });
    }
  },
);

test("the app's units are sound and the exposure of its instances is at most 1.2", async (ctx) => {
  const units = z
    .record(z.string(), z.string())
    .parse(
      await evaluate(
        ctx,
        "nixosConfigurations.web.config.systemd.units",
        `units: builtins.listToAttrs (map (name: { inherit name; value = units.\${name}.text; }) ${names})`,
      ),
    );
  const text = (name: string) => units[name] ?? "";
  expect(text("site@.socket")).toContain("ListenStream=/run/webapp/site/%i.sock\n");
  expect(text("site-port-3000.socket")).toContain("ListenStream=127.0.0.1:3000\n");
  if (!(await has("systemd-analyze"))) return ctx.skip("needs systemd-analyze on PATH");
  expect(await complaintsAbout(units)).toEqual([]);
  expect(await exposureOf(units, "site@.service")).toBeLessThanOrEqual(1.2);
});
const names = `[ "site.service" "site@.service" "site@.socket" "site-port-3000.service" "site-port-3000.socket" ]`;

test("a switch reloads the app, and leaves its instances to that", async (ctx) => {
  const { app, instance } = z
    .object({ app: z.string(), instance: z.string() })
    .parse(
      await evaluate(
        ctx,
        "nixosConfigurations.web.config.systemd.units",
        'units: { app = units."site.service".text; instance = units."site@.service".text; }',
      ),
    );
  // Where switch-to-configuration looks for them.
  const inService = (unit: string) => unit.slice(unit.indexOf("[Service]"));
  expect(inService(app)).toContain("\nX-ReloadIfChanged=true\n");
  expect(inService(instance)).toContain("\nX-RestartIfChanged=false\n");
});

test.for([
  ["another release", 'services.webapp.site.release = "another";'],
  ["another limit", 'services.webapp.site.resources.memoryMax = "1G";'],
  ["another health path", 'services.webapp.site.health.path = lib.mkForce "/ready";'],
  ["what another module sets", 'systemd.services."site@".serviceConfig.Nice = 5;'],
])("%s changes the app's unit, so that a switch changes it over", async ([, config], ctx) => {
  const same = await evaluate(
    ctx,
    "nixosConfigurations.web",
    `host: let text = host: host.config.systemd.units."site.service".text; in
      text host == text (host.extendModules { modules = [ ({ lib, ... }: { ${config} }) ]; })`,
  );
  expect(same).toBe(false);
});

test("a credential is read by the instances, from the folder of the app's name", async (ctx) => {
  const [app, instance, settings] = z.tuple([z.unknown(), z.unknown(), z.string()]).parse(
    await evaluate(
      ctx,
      "nixosConfigurations.web",
      `host: let config = (host.extendModules { modules = [ { services.webapp.site.credentials = [ "DATABASE_URL" ]; } ]; }).config; in [
        (config.systemd.services.site.serviceConfig.LoadCredentialEncrypted or null)
        config.systemd.services."site@".serviceConfig.LoadCredentialEncrypted
        config.environment.etc."webapp/site".text
      ]`,
    ),
  );
  expect(app).toBeNull();
  expect(instance).toEqual(["DATABASE_URL:/var/lib/berth/credentials/site/DATABASE_URL"]);
  expect(settings).toContain("\ncredential=DATABASE_URL\n");
});
