import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execa } from "execa";
import { afterAll, beforeAll, expect, test } from "vitest";
import { z } from "zod";
import { manifest } from "../../config/manifest.ts";
import { EVALUATION, type Evaluation, has, openFlake, output } from "./nix.ts";

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
    health: [{ http: "http://site.example/healthz", status: 200 }],
  });
  expect(hosts.web?.toplevel.drvPath).toMatch(/-nixos-system-.*\.drv$/);
  expect(
    await execa("nix-store", ["--check-validity", hosts.web?.toplevel.out ?? ""], { reject: false }),
  ).toMatchObject({
    failed: true,
  });
});

test("every output of the flake evaluates, on all systems", async (ctx) => {
  const { inputs } = flake;
  if ("missing" in inputs) return ctx.skip(inputs.missing);
  const check = ["flake", "check", "--no-build", "--all-systems", `path:${flake.folder}`, ...inputs.args];
  await output("nix", check, { deadline: EVALUATION });
});

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

test("each npm package is fetched by name and must have the hash of the lock file", async (ctx) => {
  const lockFile = join(flake.folder, "apps/site/package-lock.json");
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
});

test("the app's units are sound and its exposure is at most 1.2", async (ctx) => {
  const units = z
    .object({ service: z.string(), socket: z.string() })
    .parse(
      await evaluate(
        ctx,
        "nixosConfigurations.web.config.systemd.units",
        'units: { service = units."site.service".text; socket = units."site-3000.socket".text; }',
      ),
    );
  expect(units.socket).toContain("ListenStream=127.0.0.1:3000\n");
  expect(units.service).toContain("\nX-StopIfChanged=false\n");
  if (!(await has("systemd-analyze"))) return ctx.skip("needs systemd-analyze on PATH");

  const folder = await mkdtemp(join(tmpdir(), "berth-units-"));
  try {
    const service = join(folder, "site.service");
    // Nothing is built, so the program is not there to be found.
    await writeFile(service, units.service.replace(/^ExecStart=.*$/m, "ExecStart=/bin/sh"));
    await writeFile(join(folder, "site-3000.socket"), units.socket);
    const verified = await execa("systemd-analyze", ["verify", "--man=no", service], { reject: false });
    // Keys that are newer than the systemd at hand are no fault of the unit.
    const complaints = verified.stderr.split("\n").filter((line) => line !== "" && !newer.test(line));
    expect(complaints).toEqual([]);
    await output("systemd-analyze", ["security", "--offline=true", "--threshold=12", service]);
  } finally {
    await rm(folder, { recursive: true });
  }
});
const newer = /Unknown key(?: name)? '(?:PrivateBPF|RestartSteps|RestartMaxDelaySec)'/;
