import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type FlyAppInput, parseFlyApp } from "../../../../config/fly.ts";
import { describeChange, differences, merged, needsAnotherVolume } from "../../../../deployer/fly/compare.ts";
import { checksOf, releaseCommandConfig, wantedMachines } from "../../../../deployer/fly/machine.ts";
import type { Json, MachineConfig } from "../../../../deployer/fly/shapes.ts";

const image = (letter: string) => `registry.fly.io/shop@sha256:${letter.repeat(64)}`;
const base: FlyAppInput = {
  regions: { sea: 2, fra: 1 },
  image: { package: "site-image" },
  env: { LEVEL: "3" },
  services: [{ internalPort: 8080, forceHttps: true, checks: [{ path: "/healthz" }] }],
};
const release = (change: Partial<FlyAppInput> = {}, which = "a", secretsRevision = "") => ({
  app: parseFlyApp({ ...base, ...change }),
  image: image(which),
  secretsRevision,
});
const config = (change: Partial<FlyAppInput> = {}, which = "a", secrets = ""): MachineConfig =>
  wantedMachines(release(change, which, secrets))[0]?.config ?? {};

/** Apps of many kinds. */
const apps = fc
  .record({
    env: fc.dictionary(fc.constantFrom("LEVEL", "MODE", "X"), fc.string({ maxLength: 3 })),
    memory: fc.constantFrom(256, 512, 1024),
    ports: fc.array(fc.constantFrom(80, 443), { maxLength: 2 }),
    forceHttps: fc.boolean(),
    autostop: fc.constantFrom("off", "stop", "suspend") as fc.Arbitrary<"off" | "stop" | "suspend">,
    min: fc.nat(3),
    checks: fc.array(
      fc.record({
        path: fc.constantFrom("/", "/healthz"),
        interval: fc.integer({ min: 2, max: 90 }),
        gracePeriod: fc.nat(3),
        headers: fc.dictionary(fc.constantFrom("Host", "X-A"), fc.constantFrom("a", "b")),
      }),
      { maxLength: 3 },
    ),
    command: fc.option(fc.array(fc.constantFrom("site", "--fast", ""), { minLength: 1, maxLength: 3 })),
    letter: fc.constantFrom("a", "b"),
  })
  .map(({ env, memory, ports, forceHttps, autostop, min, checks, command, letter }) =>
    config(
      {
        env,
        guest: { memory },
        services: [
          {
            internalPort: 8080,
            ports: ports.map((port) => ({ port, handlers: ["http", "tls"] })),
            forceHttps: ports.length === 0 && forceHttps,
            autostop,
            minMachinesRunning: min,
            checks,
          },
        ],
        ...(command && { processes: { web: { command } } }),
      },
      letter,
    ),
  );

/** What Go's way of writing JSON makes of a configuration: what is empty is left out, durations are written otherwise. */
function asGoWrites(value: Json | undefined, key = ""): Json | undefined {
  if (Array.isArray(value)) return value.length === 0 ? undefined : value.map((one) => asGoWrites(one) ?? {});
  if (typeof value === "object" && value !== null) {
    const inner = Object.entries(value).map(([name, one]): [string, Json | undefined] => [
      name,
      key === "env" ? one : asGoWrites(one, name),
    ]);
    return Object.fromEntries(inner.filter(([, one]) => one !== undefined));
  }
  if (key === "autostop") return value === "stop" ? true : value === "off" ? false : value;
  if (typeof value === "string" && /^\d+s$/.test(value)) {
    const seconds = Number.parseInt(value, 10);
    return seconds < 60 ? value : `${Math.floor(seconds / 60)}m${seconds % 60}s`;
  }
  return value === "" || value === false || value === 0 ? (key === "autostart" ? value : undefined) : value;
}

describe("the comparison of a machine with what it shall be", () => {
  test("finds nothing between a configuration and itself, as the API gives it back", () => {
    fc.assert(
      fc.property(apps, (wanted) => {
        expect(differences(wanted, wanted)).toEqual([]);
        const given = asGoWrites(wanted) as MachineConfig;
        // Words of a command that are empty are words all the same.
        fc.pre(JSON.stringify(wanted["init"]).indexOf('""') === -1);
        expect(differences(given, wanted)).toEqual([]);
      }),
    );
  });

  test("says all of what makes one configuration into the other", () => {
    const valuesOf = (of: MachineConfig) =>
      new Map(differences({}, of).map(({ path, to }) => [path.join("\n"), to]));
    fc.assert(
      fc.property(apps, apps, (has, wanted) => {
        const values = valuesOf(has);
        for (const { path, from, to } of differences(has, wanted)) {
          expect(values.get(path.join("\n"))).toBe(from);
          if (to === undefined) values.delete(path.join("\n"));
          else values.set(path.join("\n"), to);
        }
        expect(values).toEqual(valuesOf(wanted));
      }),
    );
  });

  test("finds nothing after what is sent has been taken, and what others said is still there", () => {
    const foreign = { schedule: "daily", dns: { skip_registration: true }, metadata: { team: "shop" } };
    fc.assert(
      fc.property(apps, apps, (has, wanted) => {
        const theirs = { ...has, ...foreign, metadata: { ...(has["metadata"] as object), team: "shop" } };
        const sent = merged(theirs, wanted);
        expect(differences(sent, wanted)).toEqual([]);
        expect(sent).toMatchObject(foreign);
      }),
    );
  });

  test.each<[string, MachineConfig, string[]]>([
    [
      "another image",
      config({}, "b"),
      ["image: registry.fly.io/shop@sha256:aaaaaaaaaaaa… -> registry.fly.io/shop@sha256:bbbbbbbbbbbb…"],
    ],
    [
      "a variable",
      config({ env: { LEVEL: "4", MODE: "x" } }),
      ['env.LEVEL: "3" -> "4"', 'env.MODE: "x" (new)'],
    ],
    ["a variable less", config({ env: {} }), ['env.LEVEL: "3" (goes)']],
    ["other secrets", config({}, "a", "1a2b"), ["secrets changed"]],
    ["more memory", config({ guest: { memory: 512 } }), ["guest.memory_mb: 256 -> 512"]],
    [
      "a check of another page",
      config({ services: [{ internalPort: 8080, forceHttps: true, checks: [{ path: "/up" }] }] }),
      ['services.0.checks.0.path: "/healthz" -> "/up"'],
    ],
  ])("tells %s in a line", (_, wanted, lines) => {
    expect(differences(config(), wanted).map(describeChange)).toEqual(lines);
  });

  test("takes an image with a tag beside its digest for the same", () => {
    const tagged = image("a").replace("@", ":v7@");
    expect(differences({ ...config(), image: tagged }, config())).toEqual([]);
    expect(
      differences(
        { ...config(), image: `127.0.0.1:5000/shop:v1@sha256:${"a".repeat(64)}` },
        { ...config(), image: `127.0.0.1:5000/shop@sha256:${"a".repeat(64)}` },
      ),
    ).toEqual([]);
  });

  test("a version's own metadata says nothing", () => {
    const metadata = { ...(config()["metadata"] as object), fly_release_version: "7", berth_launch_id: "x" };
    expect(differences({ ...config(), metadata }, config())).toEqual([]);
  });
});

describe("volumes", () => {
  const mounts = (volume: string, path: string) => config({ mounts: [{ volume, path }] });
  test("another path is an update that keeps the volume", () => {
    const has = {
      ...mounts("data", "/data"),
      mounts: [{ name: "data", path: "/data", volume: "vol_1", size_gb: 3 }],
    };
    expect(needsAnotherVolume(has, mounts("data", "/srv"))).toBe(false);
    expect(differences(has, mounts("data", "/srv")).map(describeChange)).toEqual([
      'mounts.0.path: "/data" -> "/srv"',
    ]);
    expect(merged(has, mounts("data", "/srv"))["mounts"]).toEqual([
      { name: "data", path: "/srv", volume: "vol_1", size_gb: 3 },
    ]);
  });
  test("another volume, or one more or less, needs another machine", () => {
    expect(needsAnotherVolume(mounts("data", "/data"), mounts("other", "/data"))).toBe(true);
    expect(needsAnotherVolume(config(), mounts("data", "/data"))).toBe(true);
    expect(needsAnotherVolume(mounts("data", "/data"), config())).toBe(true);
  });
});

test("an app wants as many machines as its regions say, for each process", () => {
  const machines = wantedMachines(
    release({
      processes: { web: { command: ["bin/web"] }, worker: { regions: { ams: 1 }, guest: { memory: 512 } } },
      services: [{ internalPort: 8080, processes: ["web"], checks: [{ path: "/" }] }],
      checks: { alive: { type: "tcp", port: 9000, processes: ["worker"] } },
      mounts: [{ volume: "queue", path: "/queue", size: 2, processes: ["worker"] }],
    }),
  );
  expect(machines.map(({ process, region }) => `${process} in ${region}`)).toEqual([
    "web in fra",
    "web in sea",
    "web in sea",
    "worker in ams",
  ]);
  const worker = machines.at(-1);
  expect(worker?.volume).toEqual({ name: "queue", path: "/queue", size: 2 });
  expect(worker?.config).toMatchObject({
    guest: { cpu_kind: "shared", cpus: 1, memory_mb: 512 },
    env: { LEVEL: "3", FLY_PROCESS_GROUP: "worker", PRIMARY_REGION: "fra" },
    services: [],
    checks: { alive: { type: "tcp", port: 9000, kind: "readiness" } },
  });
  expect(machines.map((machine) => checksOf(machine.config))).toEqual([1, 1, 1, 1]);
});

test("a release command runs the new image where nobody reaches it, and is not started again", () => {
  expect(releaseCommandConfig(release())).toBeUndefined();
  expect(releaseCommandConfig(release({ releaseCommand: { command: ["bin/migrate"] } }, "b"))).toMatchObject({
    image: image("b"),
    init: { cmd: ["bin/migrate"] },
    restart: { policy: "no" },
    dns: { skip_registration: true },
    env: { RELEASE_COMMAND: "1", LEVEL: "3" },
    metadata: { fly_process_group: "fly_app_release_command" },
  });
});
