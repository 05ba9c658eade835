import { existsSync, mkdirSync, readdirSync, rmSync } from "node:fs";
import { type AddressInfo, createServer } from "node:net";
import { join } from "node:path";
import { describe, expect, onTestFinished, test, vi } from "vitest";
import { buildSettings, forgetReleases } from "../../../provider/resources/builds.ts";
import { deployment, returnsFrom } from "../../../provider/resources/deployment.ts";
import { webManifest } from "../config/samples.ts";
import { EngineDouble, secret, UNKNOWN, type Wire } from "./client.ts";
import { Programs } from "./programs.ts";

const TYPE = "berth:deploy:Deployment";
const start = () =>
  EngineDouble.start({ name: "berth", version: "0.1.0", resources: { [TYPE]: deployment } }, TYPE);

const newer = {
  toplevel: `/nix/store/${"h".repeat(32)}-nixos-system-web`,
  drvPath: `/nix/store/${"i".repeat(32)}-n.drv`,
};
const loginKey = "-----BEGIN OPENSSH PRIVATE KEY-----\nhunter2\n-----END OPENSSH PRIVATE KEY-----\n";
const inputs: Wire = {
  stack: "dev",
  host: "web1",
  address: "127.0.0.1",
  port: 22,
  hostKey: "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ web1",
  loginKey: secret(loginKey),
  machineId: "4711",
  system: "x86_64-linux",
  toplevel: webManifest.toplevel.out,
  drvPath: webManifest.toplevel.drvPath,
  health: [{ http: "http://example.org/healthz", status: 200 }],
  healthDeadline: 60,
};
const outputs: Wire = {
  ...inputs,
  release: inputs.toplevel,
  bootDefault: inputs.toplevel,
  rebootDue: [],
  previous: newer.toplevel,
};
const state = { id: "dev/web1", inputs, outputs };

const programs = new Programs();

/** An ssh whose every host answers `observe` with the system it runs. */
function hostRuns(current: string, changes: object = {}): void {
  const seen = JSON.stringify({
    os: "nixos",
    variant: "",
    machine: "x86_64",
    bootId: "1",
    current,
    booted: null,
    profile: current,
    pendingReboot: [],
    marker: '{"stack":"dev","host":"web1","server":"4711"}',
    failed: [],
    trial: { state: "none", exitCode: null, log: "" },
    ...changes,
  });
  programs.playSsh(`cat >/dev/null; echo '${seen}'`);
}

describe("a Deployment's difference", () => {
  test.each<[string, Wire, Wire, Record<string, string>]>([
    ["nothing changed: none", {}, {}, {}],
    ["another derivation for the same system: none", { drvPath: newer.drvPath }, {}, {}],
    [
      "what goes before the next switch: none",
      { before: { command: "migrate", seconds: 600 }, rollback: "never" },
      {},
      {},
    ],
    ["another system: an update", newer, {}, { toplevel: "update" }],
    ["another address: an update", { address: "203.0.113.8" }, {}, { address: "update" }],
    ["another machine: an update", { machineId: "4712" }, {}, { machineId: "update" }],
    ["a machine not yet known: an update", { machineId: UNKNOWN }, {}, { machineId: "update" }],
    ["another host key: an update", { hostKey: "ssh-ed25519 AAAAnew" }, {}, { hostKey: "update" }],
    ["another login key: an update", { loginKey: secret("another") }, {}, { loginKey: "update" }],
    ["another check: an update", { health: [] }, {}, { health: "update" }],
    ["another deadline: an update", { healthDeadline: 61 }, {}, { healthDeadline: "update" }],
    ["another host: a replacement", { host: "web2" }, {}, { host: "update-replace" }],
    ["another stack: a replacement", { stack: "prod" }, {}, { stack: "update-replace" }],
    [
      "a release that was seen to run instead: an update",
      {},
      { release: newer.toplevel },
      { release: "update" },
    ],
    [
      "the same, with the very system wanted that runs: an update that verifies it",
      newer,
      { release: newer.toplevel },
      { release: "update", toplevel: "update" },
    ],
  ])("of %s", async (_, news, seen, expected) => {
    await using engine = await start();
    const diff = await engine.diff(
      "web1",
      { ...state, outputs: { ...outputs, ...seen } },
      { ...inputs, ...news },
    );
    expect(diff.detailed).toEqual(expected);
    expect(diff.changes).toBe(Object.keys(expected).length > 0);
    expect(diff.replaces).toEqual(Object.keys(expected).filter((key) => expected[key] === "update-replace"));
  });

  test("of an agent's key instead of the stack's is an update", async () => {
    await using engine = await start();
    const { loginKey: _, ...withAgent } = inputs;
    expect((await engine.diff("web1", state, withAgent)).detailed).toEqual({ loginKey: "update" });
  });
});

describe("a Deployment's preview", () => {
  test("tells the release that shall run before there is a host", async () => {
    await using engine = await start();
    const planned = await engine.create(
      "web1",
      { ...inputs, address: UNKNOWN, machineId: UNKNOWN },
      { preview: true },
    );
    expect(planned.outputs.release).toBe(inputs.toplevel);
    expect(planned.outputs.loginKey).toEqual(secret(loginKey));
  });

  test("tells the release that shall run, and the one that runs", async () => {
    await using engine = await start();
    const planned = await engine.update("web1", state, { ...inputs, ...newer }, { preview: true });
    expect([planned.release, planned.previous]).toEqual([newer.toplevel, inputs.toplevel]);
  });

  test.each<[string, Wire | undefined, Wire, string]>([
    ["the first one", undefined, {}, "first deployment; not built yet, so what it changes is not known"],
    ["a new system", state.outputs, newer, "switch; not built yet, so what it changes is not known"],
    [
      "the system there is",
      state.outputs,
      { healthDeadline: 90 },
      "the system stays; it is checked, not switched",
    ],
    ["the system there is, on another machine", state.outputs, { machineId: "4712" }, "first deployment; "],
    [
      "the system there is, once it is installed anew",
      state.outputs,
      { machineId: UNKNOWN },
      "first deployment; ",
    ],
  ])("says of %s what will happen", async (_, olds, news, line) => {
    await using engine = await start();
    const wanted = { ...inputs, ...news };
    if (olds) await engine.update("web1", { ...state, outputs: olds }, wanted, { preview: true });
    else await engine.create("web1", wanted, { preview: true });
    expect(engine.log.map(({ message }) => message)).toEqual([expect.stringContaining(`web1: ${line}`)]);
  });
});

test("a Deployment is not imported: an update takes over what runs, and the error says so", async () => {
  await using engine = await start();
  await expect(engine.read("web1", "dev/web1", { inputs: {}, outputs: {} })).rejects.toThrow(
    /^import dev\/web1: a Deployment is not imported, .*Next: run pulumi up: it finds the release that runs/,
  );
});

describe("a Deployment's refresh", () => {
  const warnings = ({ log }: EngineDouble) => log.map(({ message, severity }) => [severity, message]);

  test("of a host that cannot be reached keeps the state, with a warning", async () => {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const { port } = server.address() as AddressInfo;
    await new Promise((resolve) => server.close(resolve));
    await using engine = await start();
    const known = { inputs: { ...inputs, port }, outputs: { ...outputs, port } };
    expect(await engine.read("web1", "dev/web1", known)).toEqual({ id: "dev/web1", ...known });
    expect(warnings(engine)).toEqual([
      [2, expect.stringMatching(/^web1 could not be read, its state is kept: web1 \(127\.0\.0\.1\): /)],
    ]);
    expect(JSON.stringify(engine.log)).not.toContain("hunter2");
  });

  test("of a host without ssh on PATH keeps the state, too", async () => {
    vi.stubEnv("PATH", programs.folder);
    await using engine = await start();
    expect(await engine.read("web1", "dev/web1", { inputs, outputs })).toEqual(state);
    expect(warnings(engine)).toHaveLength(1);
  });

  test("of a host that runs what it should says nothing", async () => {
    hostRuns(String(inputs.toplevel));
    await using engine = await start();
    expect(await engine.read("web1", "dev/web1", { inputs, outputs })).toEqual(state);
    expect(engine.log).toEqual([]);
  });

  test("of a host that runs something else shows that as its release, with a warning", async () => {
    hostRuns(newer.toplevel);
    await using engine = await start();
    const seen = await engine.read("web1", "dev/web1", { inputs, outputs });
    const runs = { ...outputs, release: newer.toplevel, bootDefault: newer.toplevel };
    expect(seen).toEqual({ ...state, outputs: runs });
    expect(warnings(engine)).toEqual([
      [
        2,
        `web1 (127.0.0.1): it runs ${newer.toplevel}, not ${String(inputs.toplevel)}; the next pulumi up puts that right, unless the stack says drift: report by then`,
      ],
    ]);
    const { detailed } = await engine.diff("web1", seen, inputs);
    expect(detailed).toEqual({ release: "update", bootDefault: "update" });
  });

  test("of a host whose drift is only reported leaves it until there is another release", async () => {
    hostRuns(newer.toplevel);
    await using engine = await start();
    const reported = { ...inputs, drift: "report" };
    const known = { inputs: reported, outputs: { ...outputs, drift: "report" } };
    const seen = await engine.read("web1", "dev/web1", known);
    expect(warnings(engine).map(([, line]) => line)).toEqual([
      `web1 (127.0.0.1): it runs ${newer.toplevel}, not ${String(inputs.toplevel)}; it is left so until there is another release (drift: report)`,
    ]);
    expect((await engine.diff("web1", seen, reported)).detailed).toEqual({});
    const next = { ...reported, toplevel: `/nix/store/${"z".repeat(32)}-nixos-system-web-9` };
    expect((await engine.diff("web1", seen, next)).detailed).toEqual({ toplevel: "update" });
  });

  test("of a host that was rolled back for its next boot shows that, and the next update mends it", async () => {
    hostRuns(String(inputs.toplevel), { profile: newer.toplevel });
    await using engine = await start();
    const seen = await engine.read("web1", "dev/web1", { inputs, outputs });
    expect(warnings(engine)).toEqual([
      [2, expect.stringContaining(`its next boot starts ${newer.toplevel}`)],
    ]);
    expect((await engine.diff("web1", seen, inputs)).detailed).toEqual({ bootDefault: "update" });
  });

  test("of a host with what only a person can mend warns and changes nothing", async () => {
    const failed = [{ unit: "a.service", journal: "" }];
    hostRuns(String(inputs.toplevel), { marker: null, failed, pendingReboot: ["kernel"] });
    await using engine = await start();
    const seen = await engine.read("web1", "dev/web1", { inputs, outputs });
    expect(warnings(engine).map(([, line]) => line)).toEqual([
      expect.stringContaining("a reboot is due"),
      expect.stringContaining("install.json is gone"),
      expect.stringContaining("these units have failed: a.service"),
    ]);
    expect((await engine.diff("web1", seen, inputs)).changes).toBe(false);
  });

  test("of a host that was left by an earlier Berth, which kept no boot default, shows no difference", async () => {
    await using engine = await start();
    const { bootDefault: _, ...earlier } = outputs;
    expect((await engine.diff("web1", { ...state, outputs: earlier }, inputs)).changes).toBe(false);
  });
});

describe("a Deployment's update", () => {
  test("leaves a host as somebody has switched it where drift is only reported, whatever else has changed", async () => {
    programs.play("ssh", `touch ${programs.folder}/asked; exit 255`);
    await using engine = await start();
    const reported = { ...inputs, drift: "report" };
    const runs = { ...outputs, drift: "report", release: newer.toplevel, bootDefault: newer.toplevel };
    const known = { ...state, inputs: reported, outputs: runs };
    const news = { ...reported, healthDeadline: 61 };
    expect(await engine.update("web1", known, news, { preview: true })).toMatchObject({
      release: newer.toplevel,
    });
    const left = await engine.update("web1", known, news);
    expect(left).toMatchObject({ release: newer.toplevel, bootDefault: newer.toplevel, healthDeadline: 61 });
    expect(existsSync(join(programs.folder, "asked"))).toBe(false);
    expect(new Set(engine.log.map(({ message }) => message))).toEqual(
      new Set([
        `web1: it runs ${newer.toplevel} by other means; it is left so until there is another release (drift: report)`,
      ]),
    );
    expect((await engine.diff("web1", { ...known, inputs: news, outputs: left }, news)).changes).toBe(false);
  });

  test("whose build fails says so and never asks the host", async () => {
    programs.play("nix", "echo 'error: builder failed' >&2; exit 1");
    programs.play("ssh", `touch ${programs.folder}/asked; exit 255`);
    await using engine = await start();
    await expect(engine.update("web1", state, { ...inputs, ...newer })).rejects.toThrow(
      `build web1 (${newer.drvPath}): the build failed\nerror: builder failed\n Nothing was changed on any host. Next: `,
    );
    await expect(engine.create("web1", inputs)).rejects.toThrow("error: builder failed");
    expect(existsSync(join(programs.folder, "asked"))).toBe(false);
  });

  test("without Nix is one line", async () => {
    vi.stubEnv("PATH", programs.folder);
    await using engine = await start();
    await expect(engine.create("web1", inputs)).rejects.toThrow(
      /^start nix: it is not on PATH\. Next: install nix or put its folder on PATH\.$/,
    );
  });
});

test.each<[string, Record<string, string>, string | undefined, string[]]>([
  ["nothing where it is as it was left", {}, inputs.toplevel as string, []],
  [
    "what it was seen to run",
    { release: "/nix/store/x-by-hand" },
    "/nix/store/x-by-hand",
    [`it was seen to run /nix/store/x-by-hand; this update returns it to ${newer.toplevel}`],
  ],
  [
    "nothing where that is what it shall run",
    { release: newer.toplevel },
    newer.toplevel,
    [`somebody has it run ${newer.toplevel} already`],
  ],
  [
    "what it would boot",
    { bootDefault: "/nix/store/x-by-hand" },
    inputs.toplevel as string,
    [`its next boot was seen to start /nix/store/x-by-hand; this update has it start ${newer.toplevel}`],
  ],
  ["nothing of another machine", { release: "/nix/store/x-by-hand" }, undefined, []],
])("an update tells that it undoes %s", (_, seen, runs, expected) => {
  const toplevel = String(inputs.toplevel);
  const old = { toplevel, release: toplevel, bootDefault: toplevel, ...seen };
  expect(returnsFrom(old, newer.toplevel, runs)).toEqual(expected);
});

test("the roots of a host stay where its Deployment was only replaced", async () => {
  const stack = `test-${process.pid}`;
  const folder = join(".berth/roots", stack);
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  for (const host of ["replaced", "gone"]) mkdirSync(join(folder, host), { recursive: true });
  buildSettings({ stack, host: "replaced" });
  for (const host of ["replaced", "gone"]) await forgetReleases(stack, host);
  expect(readdirSync(folder)).toEqual(["replaced"]);
});

test("a Deployment that is deleted leaves its host alone and says so", async () => {
  programs.play("ssh", `touch ${programs.folder}/asked; exit 255`);
  await using engine = await start();
  await engine.delete("web1", "dev/web1", state);
  expect(engine.log.map(({ message }) => message)).toEqual([
    "web1: no longer managed; whatever it runs goes on running until its server is deleted",
  ]);
  expect(existsSync(join(programs.folder, "asked"))).toBe(false);
});
