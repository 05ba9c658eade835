import { describe, expect, test } from "vitest";
import { previewFly, releaseFly } from "../../../../deployer/fly/release.ts";
import { digests, flyWorld, probe } from "./world.ts";

test("the first release makes the machines, and the same again changes nothing", async () => {
  const world = await flyWorld();
  const first = await releaseFly(world.options, world.release("old"));
  expect(first).toMatchObject({ changed: true, notes: [] });
  expect(first.machines).toHaveLength(3);
  expect(world.running()).toEqual(Array(3).fill("old sea started"));
  const again = await releaseFly(world.options, world.release("old"));
  expect(again).toEqual({ ...first, changed: false });
  expect(await previewFly(world.options, world.release("old"))).toMatchObject({ changes: false });
  // Nothing is held any more, and no machine is marked.
  expect(world.machines().map(({ lease }) => lease)).toEqual([undefined, undefined, undefined]);
  expect(world.machines().flatMap(({ config }) => Object.keys(config["metadata"] ?? {}))).not.toContain(
    "berth_trial",
  );
});

describe("a healthy release fails nobody's request", () => {
  test.each(["rolling", "canary", "bluegreen"] as const)("%s", async (strategy) => {
    const world = await flyWorld();
    await releaseFly(world.options, world.release("old"));
    const before = world
      .machines()
      .map(({ id }) => id)
      .toSorted();
    const people = probe(world);
    const released = await releaseFly(world.options, world.release("good", { deploy: { strategy } }));
    const { asked, failed, bodies } = await people.stop();
    expect(failed).toEqual([]);
    expect(asked).toBeGreaterThan(20);
    expect(bodies).toEqual(new Set(["old", "good"]));
    expect(world.running()).toEqual(Array(3).fill("good sea started"));
    // In place, or all of them anew.
    const kept = before.filter((id) => released.machines.includes(id));
    expect(kept).toHaveLength(strategy === "bluegreen" ? 0 : 3);
  });

  test.each(["canary", "bluegreen"] as const)("%s of the only machine", async (strategy) => {
    const world = await flyWorld();
    await releaseFly(world.options, world.release("old", { regions: { sea: 1 } }));
    const people = probe(world);
    await releaseFly(world.options, world.release("good", { regions: { sea: 1 }, deploy: { strategy } }));
    const { failed, bodies } = await people.stop();
    expect(failed).toEqual([]);
    expect(bodies).toEqual(new Set(["old", "good"]));
    expect(world.running()).toEqual(["good sea started"]);
  });

  test("rolling, with another number of machines", async () => {
    const world = await flyWorld();
    await releaseFly(world.options, world.release("old", { regions: { sea: 2, fra: 1 } }));
    const people = probe(world);
    await releaseFly(world.options, world.release("good", { regions: { sea: 1, ams: 2 } }));
    expect((await people.stop()).failed).toEqual([]);
    expect(world.running()).toEqual(["good ams started", "good ams started", "good sea started"]);
  });
});

test("immediate changes all of them at once", async () => {
  const world = await flyWorld();
  await releaseFly(world.options, world.release("old"));
  await releaseFly(world.options, world.release("good", { deploy: { strategy: "immediate" } }));
  expect(world.running()).toEqual(Array(3).fill("good sea started"));
});

describe("a release that is not healthy is taken back, and the old one answers all the time", () => {
  test.each(["rolling", "canary", "bluegreen"] as const)("an unhealthy image, %s", async (strategy) => {
    const world = await flyWorld();
    await releaseFly(world.options, world.release("old"));
    const people = probe(world);
    const refused = releaseFly(world.options, world.release("sick", { deploy: { strategy } }));
    await expect(refused).rejects.toThrow(
      /shop at Fly: release registry\.fly\.io\/shop@sha256:333333333333… .* did not become healthy: the check servicecheck-\S+ is critical: 500 sick, for 25 s.*(read back and healthy|destroyed again).*Next: /s,
    );
    const { failed, bodies } = await people.stop();
    expect(failed).toEqual([]);
    expect(bodies).toEqual(new Set(["old"]));
    expect(world.running()).toEqual(Array(3).fill("old sea started"));
    // And it is tried again as if nothing had been.
    await releaseFly(world.options, world.release("good", { deploy: { strategy } }));
    expect(world.running()).toEqual(Array(3).fill("good sea started"));
  });

  test.each<["crashing" | "lingering", RegExp]>([
    ["crashing", /it crashed 2 times \(exit code 1\)/],
    ["lingering", /is critical: connection refused, for 25 s/],
  ])("an image that is %s", async (image, because) => {
    const world = await flyWorld();
    await releaseFly(world.options, world.release("old"));
    const people = probe(world);
    await expect(releaseFly(world.options, world.release(image))).rejects.toThrow(because);
    const { failed, bodies } = await people.stop();
    expect(failed).toEqual([]);
    expect(bodies).toEqual(new Set(["old"]));
    expect(world.running()).toEqual(Array(3).fill("old sea started"));
  });

  test("the second of three goes back without a word of the platform's: all three are as they were", async () => {
    const world = await flyWorld();
    await releaseFly(world.options, world.release("old"));
    world.world.faults.add({ kind: "silent-revert", skip: 1 });
    const people = probe(world);
    await expect(releaseFly(world.options, world.release("good"))).rejects.toThrow(
      /the platform took the change and went back without a word: it runs \S+sha256:111111111111….*The 2 machines that it touched are back/s,
    );
    expect((await people.stop()).failed).toEqual([]);
    expect(world.running()).toEqual(Array(3).fill("old sea started"));
    expect(world.world.faults.done).toBe(true);
  });

  test("a hold that is lost to somebody else ends the release, and the machine is taken back when it is free", async () => {
    const world = await flyWorld();
    await releaseFly(world.options, world.release("old"));
    const people = probe(world);
    world.world.faults.add({ kind: "lost-lease", taken: 10, skip: 4 });
    await expect(releaseFly(world.options, world.release("lingering"))).rejects.toThrow(
      /the hold on it was lost, and somebody else has it.*(read back and healthy|No machine was changed).*Next: see who else deploys this app/s,
    );
    expect((await people.stop()).failed).toEqual([]);
    expect(world.running()).toEqual(Array(3).fill("old sea started"));
  });

  test("no room for a new machine: nothing of what was there is lost", async () => {
    const world = await flyWorld();
    await releaseFly(world.options, world.release("old", { regions: { sea: 2 } }));
    const people = probe(world);
    world.world.faults.add({ kind: "capacity", region: "fra" });
    await expect(
      releaseFly(world.options, world.release("good", { regions: { sea: 2, fra: 1 } })),
    ).rejects.toThrow(/insufficient resources to create new machine in fra.*No machine was changed/s);
    const { failed, bodies } = await people.stop();
    expect(failed).toEqual([]);
    expect(bodies).toEqual(new Set(["old"]));
    expect(world.running()).toEqual(["old sea started", "old sea started"]);
  });
});

test("immediate brings all of them back at once", async () => {
  const world = await flyWorld();
  await releaseFly(world.options, world.release("old"));
  const refused = releaseFly(world.options, world.release("sick", { deploy: { strategy: "immediate" } }));
  await expect(refused).rejects.toThrow(
    /The 3 machines that it touched are back on \S+111111111111…, read back and healthy/,
  );
  expect(world.running()).toEqual(Array(3).fill("old sea started"));
});

test("where the old image is gone from the registry, that is told, and the others answer", async () => {
  const world = await flyWorld();
  await releaseFly(world.options, world.release("old"));
  world.driver.forget(digests.old);
  const people = probe(world);
  await expect(releaseFly(world.options, world.release("sick"))).rejects.toThrow(
    /Not as before:\n {2}\S+ \(sea\): .*MANIFEST_UNKNOWN.*Next: look at what is not back: fly machine list --app shop/s,
  );
  const { failed, bodies } = await people.stop();
  expect(failed).toEqual([]);
  expect(bodies).toEqual(new Set(["old"]));
  expect(world.running()).toEqual(["old sea started", "old sea started", "sick sea started cordoned"]);

  await releaseFly(world.options, world.release("good"));
  expect(world.running()).toEqual(Array(3).fill("good sea started"));
});

test("machines with volumes get one each, and keep it through an update", async () => {
  const world = await flyWorld();
  const mounts = [{ volume: "data", path: "/data", size: 2 }];
  await releaseFly(world.options, world.release("old", { regions: { sea: 2 }, mounts }));
  const before = await world.api.volumes();
  expect(before.map(({ name, size_gb }) => `${name} ${size_gb}`)).toEqual(["data 2", "data 2"]);
  await releaseFly(world.options, world.release("good", { regions: { sea: 2 }, mounts }));
  expect(await world.api.volumes()).toEqual(before);
  expect(world.running()).toEqual(Array(2).fill("good sea started"));
});

describe("what passes is waited for", () => {
  test("a hold that ran out is taken again", async () => {
    const world = await flyWorld();
    await releaseFly(world.options, world.release("old"));
    world.world.faults.add({ kind: "lost-lease" });
    await releaseFly(world.options, world.release("good"));
    expect(world.said.join("\n")).toMatch(/the hold on the machine \S+ was lost; it was taken again/);
    expect(world.running()).toEqual(Array(3).fill("good sea started"));
  });

  test("checks that take their time", async () => {
    const world = await flyWorld();
    await releaseFly(world.options, world.release("old"));
    world.world.faults.add({ kind: "slow-checks", seconds: 12, times: 3 });
    const people = probe(world);
    await releaseFly(world.options, world.release("good"));
    expect((await people.stop()).failed).toEqual([]);
    expect(world.running()).toEqual(Array(3).fill("good sea started"));
  });

  test("a machine whose making was not answered is found, and not made twice", async () => {
    const world = await flyWorld();
    await releaseFly(world.options, world.release("old"));
    world.world.faults.add({
      kind: "answer",
      method: "POST",
      path: "/apps/shop/machines",
      status: 408,
      when: "after",
    });
    await releaseFly(world.options, world.release("good", { deploy: { strategy: "bluegreen" } }));
    expect(world.running()).toEqual(Array(3).fill("good sea started"));
    expect(world.world.requests.filter((line) => line.startsWith("POST /apps/shop/machines "))).toEqual([
      ...Array(3).fill("POST /apps/shop/machines 200"),
      ...["408", "200", "200"].map((status) =>
        expect.stringMatching(new RegExp(`machines (${status}|200|408)`)),
      ),
    ]);
  });

  test("a second deployer waits for the first, and finds its work done", async () => {
    const world = await flyWorld();
    await releaseFly(world.options, world.release("old"));
    const [one, other] = await Promise.all([
      releaseFly(world.options, world.release("good")),
      releaseFly(world.options, world.release("good")),
    ]);
    expect([one.changed, other.changed].toSorted()).toEqual([false, true]);
    expect(world.running()).toEqual(Array(3).fill("good sea started"));
  });
});

describe("the release command", () => {
  const withCommand = (...command: string[]) => ({ releaseCommand: { command, timeout: 20 } });
  test("runs before any machine changes, and its machine goes", async () => {
    const world = await flyWorld();
    await releaseFly(world.options, world.release("old"));
    await releaseFly(world.options, world.release("good", withCommand("migrate", "well")));
    expect(world.running()).toEqual(Array(3).fill("good sea started"));
  });
  test.each<[string, string[], RegExp]>([
    [
      "that fails",
      ["migrate", "badly"],
      /run the release command \(migrate badly\).*exit code 3.*No other machine was changed/s,
    ],
    ["that does not end", ["serve"], /it had not ended after 20 s/],
  ])("%s leaves everything as it is", async (_, command, words) => {
    const world = await flyWorld();
    await releaseFly(world.options, world.release("old"));
    const updates = world.world.requests.length;
    await expect(releaseFly(world.options, world.release("good", withCommand(...command)))).rejects.toThrow(
      words,
    );
    expect(world.running()).toEqual(Array(3).fill("old sea started"));
    expect(
      world.world.requests.slice(updates).filter((line) => /^POST \S+\/machines\/[0-9a-f]+ /.test(line)),
    ).toEqual([]);
  });
});

describe("secrets", () => {
  test("reach the machines with a release, and not before", async () => {
    const world = await flyWorld();
    await releaseFly(world.options, world.release("old"));
    const body = async () => (await fetch(world.proxy, { headers: { "fly-app": "shop" } })).text();
    await world.api.setSecrets({ APP_ECHO_ME: "hello" });
    expect(await body()).toBe("old");
    expect((await previewFly(world.options, world.release("old"))).lines[0]).toContain("secrets changed");
    await releaseFly(world.options, world.release("old"));
    expect(await body()).toBe("old hello");
    expect((await previewFly(world.options, world.release("old"))).changes).toBe(false);
  });
});

test("machines that sleep are changed in their sleep, but for one that shows that the release starts", async () => {
  const world = await flyWorld();
  await releaseFly(world.options, world.release("old"));
  for (const { id } of world.machines()) await world.api.stop(id);
  await releaseFly(world.options, world.release("good"));
  expect(world.running()).toEqual(Array(3).fill("good sea stopped"));
  await expect(releaseFly(world.options, world.release("sick"))).rejects.toThrow(/did not become healthy/);
  expect(world.running()).toEqual(Array(3).fill("good sea stopped"));
});

test.each(["starting", "replacing", "failed"])(
  "a machine that is found %s runs when the release is out",
  async (state) => {
    const world = await flyWorld();
    await releaseFly(world.options, world.release("old"));
    const [machine] = world.machines();
    if (machine) machine.state = state;
    await releaseFly(world.options, world.release("good"));
    expect(world.running()).toEqual(Array(3).fill("good sea started"));
  },
);

test("what a deployer left that died is taken away by the next", async () => {
  const world = await flyWorld();
  await releaseFly(world.options, world.release("old"));
  const config = {
    ...world.machines()[0]?.config,
    metadata: { fly_process_group: "app", berth_trial: "dead" },
  };
  await world.api.createMachine({ config, region: "sea", skipServiceRegistration: true });
  expect(world.machines()).toHaveLength(4);
  await releaseFly(world.options, world.release("old"));
  expect(world.running()).toEqual(Array(3).fill("old sea started"));
});

test("an update that is cancelled is taken back", async () => {
  const world = await flyWorld();
  await releaseFly(world.options, world.release("old"));
  const cancel = new AbortController();
  const say = (line: string) => {
    if (line.includes("updated")) cancel.abort(new Error("the update was cancelled"));
  };
  await expect(
    releaseFly({ ...world.options, say, signal: cancel.signal }, world.release("lingering")),
  ).rejects.toThrow(/the update was cancelled.*The machine that it touched is back/s);
  expect(world.running()).toEqual(Array(3).fill("old sea started"));
});

describe("what cannot go well is refused before anything changes", () => {
  test.each<[string, (world: Awaited<ReturnType<typeof flyWorld>>) => Promise<unknown>, RegExp]>([
    [
      "a token that is wrong",
      ({ options, release }) => releaseFly({ ...options, token: "FlyV1 other" }, release("good")),
      /401.*check the token of fly:token/s,
    ],
    [
      "an app that there is not",
      ({ options, release }) => releaseFly(options, { ...release("good"), name: "other" }),
      /there is no app of this name/,
    ],
    [
      "an app of another organisation's",
      ({ options, release, world }) => {
        world.foreign.add("taken");
        return releaseFly(options, { ...release("good"), name: "taken" });
      },
      /403.*another organisation's/s,
    ],
    [
      "an app that another one of ours pays for",
      ({ options, release }) => releaseFly(options, release("good", { organization: "acme" })),
      /the organisation personal's, and the configuration says acme/,
    ],
    [
      "an image by its tag",
      ({ options, release }) => releaseFly(options, { ...release("good"), image: "registry.fly.io/shop:v1" }),
      /by its tag only/,
    ],
    [
      "bluegreen without checks",
      ({ options, release }) => {
        const good = release("good");
        const services = good.app.services.map((service) => ({ ...service, checks: [] }));
        const deploy = { ...good.app.deploy, strategy: "bluegreen" as const };
        return releaseFly(options, { ...good, app: { ...good.app, services, deploy } });
      },
      /nothing is asked of app/,
    ],
    [
      "canary with volumes",
      ({ options, release }) => {
        const good = release("good");
        const mounts = [{ volume: "data", path: "/data", size: 1, processes: [] }];
        const deploy = { ...good.app.deploy, strategy: "canary" as const };
        return releaseFly(options, { ...good, app: { ...good.app, mounts, deploy } });
      },
      /beside the old ones, which hold the volumes/,
    ],
    [
      "an image for other machines",
      ({ options, release }) => releaseFly(options, { ...release("good"), architecture: "arm64" }),
      /the image is for arm64, and Fly's machines are amd64/,
    ],
  ])("%s", async (_, attempt, words) => {
    const world = await flyWorld();
    const before = world.world.requests.length;
    const failure: unknown = await attempt(world).catch((error: unknown) => error);
    expect(failure).toMatchObject({ name: "Failure", message: expect.stringMatching(words) });
    expect(String(failure)).not.toContain(world.options.token);
    expect(world.world.requests.slice(before).filter((line) => !line.startsWith("GET"))).toEqual([]);
  });
});
