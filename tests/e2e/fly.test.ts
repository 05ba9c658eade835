import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { FlyAppInput } from "../../config/fly.ts";
import { checkout } from "../../lab/setup/places.mjs";
import { type Behaviour, type FlyStack, flyStack } from "./fly-stack.ts";

/** What an image of each name does. */
const images = {
  old: { says: "old" },
  good: { says: "good" },
  better: { says: "better" },
  sick: { says: "sick", health: "500" },
  "sick-in-fra": { says: "sick", health: "500", sickIn: "fra" },
  crashing: { says: "crashing", ends: "700 1" },
} satisfies Record<string, Behaviour>;
type ImageName = keyof typeof images;

/** Three machines in two regions, a check, and short waits. */
const shop: FlyAppInput = {
  regions: { fra: 1, sea: 2 },
  image: { archive: "old" },
  services: [{ internalPort: 8080, checks: [{ path: "/healthz", interval: 2, gracePeriod: 0 }] }],
  deploy: { waitTimeout: 8, steadyFor: 2, drain: 1 },
};

let stack: FlyStack;
const archives: Record<string, string> = {};
beforeAll(async () => {
  stack = await flyStack(join(checkout, ".lab-fly"), { foreign: ["taken"] });
  for (const [name, behaviour] of Object.entries(images)) archives[name] = await stack.image(name, behaviour);
  archives["for-arm"] = await stack.image("for-arm", images.good, "arm64");
});
afterAll(async () => {
  await stack?.[Symbol.asyncDispose]();
});

/** The shop with an image and changes. */
const wanted = (image: ImageName | "for-arm", changes: Partial<FlyAppInput> = {}) => ({
  shop: {
    ...shop,
    ...changes,
    image: { archive: archives[image] },
    deploy: { ...shop.deploy, ...changes.deploy },
  },
});

/** An update to this; what it printed. */
async function up(apps: object, variables: Record<string, string> = {}) {
  await stack.configure(apps);
  return await stack.engine(variables).run(["up", "--yes", "--skip-preview"]);
}
async function upWell(apps: object) {
  const run = await up(apps);
  expect(run.exitCode, run.output).toBe(0);
  return run;
}

/** What people are answered, each once, as long as it takes to meet every machine. */
async function answers(): Promise<string[]> {
  const seen = new Set<string>();
  for (let count = 0; count < 12; count++) seen.add((await stack.ask("shop")).body);
  return [...seen].toSorted();
}
const running = async (): Promise<string[]> =>
  (await stack.machines("shop")).map(
    ({ region, state, cordoned }) => `${region} ${state}${cordoned ? " cordoned" : ""}`,
  );
const three = ["fra started", "sea started", "sea started"];

test("an app is made with its addresses and machines, and people are answered", async () => {
  await stack.configure(wanted("old"));
  const preview = await stack.engine().run(["preview"]);
  expect(preview.exitCode, preview.output).toBe(0);
  expect(preview.output).toContain(
    "shop at Fly: 1 machine shared-cpu-1x in fra, 2 machines shared-cpu-1x in sea; price unknown",
  );
  expect(preview.output).toContain("a new machine in fra for app: image: another one, which is pushed first");

  const { output } = await upWell(wanted("old"));
  expect(output).toMatch(/shop at Fly: \S+@sha256:[0-9a-f]{64} live on 3 machines/);
  expect(await running()).toEqual(three);
  expect(await answers()).toEqual(["old"]);
});

test("nothing is done where nothing has changed", async () => {
  const { output } = await upWell(wanted("old"));
  expect(output).toContain("unchanged");
  expect(output).not.toMatch(/\bupdated\b|\bcreated\b/);
});

describe("every switch answers every request", () => {
  test.each([
    ["rolling", "good", "old"],
    ["canary", "better", "good"],
    ["bluegreen", "old", "better"],
  ] as const)("%s", async (strategy, next, before) => {
    const [run, probed] = await stack.probing("shop", () => up(wanted(next, { deploy: { strategy } })));
    expect(run.exitCode, run.output).toBe(0);
    expect(probed.failed).toEqual([]);
    expect([...probed.bodies].toSorted()).toEqual([before, next].toSorted());
    expect(await answers()).toEqual([next]);
    expect(await running()).toEqual(three);
  });
});

test("immediate changes all at once", async () => {
  await upWell(wanted("good", { deploy: { strategy: "immediate" } }));
  expect(await answers()).toEqual(["good"]);
  expect(await running()).toEqual(three);
});

test("a preview tells each machine's change, and changes none", async () => {
  await stack.configure(wanted("old", { env: { LEVEL: "debug" } }));
  const { exitCode, output } = await stack.engine().run(["preview"]);
  expect(exitCode, output).toBe(0);
  const lines = new Set(
    output.match(/shop at Fly: \S+ \((?:fra|sea)\): env\.LEVEL: "debug" \(new\); image: \S+ -> \S+/g),
  );
  expect(lines.size, output).toBe(3);
  expect(await answers()).toEqual(["good"]);
});

describe("a release that does not get well is taken back from every machine that it touched", () => {
  test.each<[string, ImageName, FlyAppInput["deploy"], RegExp]>([
    [
      "one bad machine of a rolling release",
      "sick-in-fra",
      {},
      /\(fra\) did not become healthy: the check \S+ is critical: 500/,
    ],
    [
      "one that is never well",
      "sick",
      { strategy: "canary" },
      /did not become healthy: the check \S+ is critical: 500/,
    ],
    ["one that crashes again and again", "crashing", {}, /did not become healthy: .*(exit|crash|ended)/],
    ["bluegreen", "sick", { strategy: "bluegreen" }, /did not become healthy/],
  ])("%s", async (_, image, deploy, why) => {
    const [run, probed] = await stack.probing("shop", () => up(wanted(image, { deploy: { ...deploy } })));
    expect(run.exitCode).not.toBe(0);
    expect(run.output).toMatch(why);
    expect(run.output).toMatch(/Next: /);
    expect(run.output).not.toMatch(/\n\s+at .*\.ts:\d+/);
    expect(probed.failed).toEqual([]);
    expect(probed.bodies).toContain("good");
    expect(await answers()).toEqual(["good"]);
    expect(await running()).toEqual(three);
  });

  test("and putting the image back is nothing to do", async () => {
    const { output } = await upWell(wanted("good"));
    expect(output).not.toContain("live on");
  });
});

describe("what the platform does", () => {
  test("a machine that goes back without a word is seen, and all are taken back", async () => {
    await stack.fault({ kind: "silent-revert", skip: 1 });
    const [run, probed] = await stack.probing("shop", () => up(wanted("better")));
    expect(run.exitCode).not.toBe(0);
    expect(run.output).toMatch(/did not become healthy: .*(version|image)/);
    expect(run.output).toContain("read back and healthy");
    expect(probed.failed).toEqual([]);
    expect(await answers()).toEqual(["good"]);
  });

  test("a machine whose making was not answered is made once", async () => {
    await stack.fault({
      kind: "answer",
      method: "POST",
      path: "/apps/shop/machines",
      status: 408,
      when: "after",
    });
    await upWell(wanted("good", { regions: { fra: 1, sea: 3 } }));
    expect(await running()).toEqual([...three, "sea started"]);
    await upWell(wanted("good"));
    expect(await running()).toEqual(three);
  });

  test("a hold that was lost to nobody is taken again", async () => {
    await stack.fault({ kind: "lost-lease" });
    await upWell(wanted("better"));
    expect(await answers()).toEqual(["better"]);
  });

  test("a hold that somebody else has got ends the release, and all is as it was", async () => {
    await stack.fault({ kind: "lost-lease", taken: 3 });
    const run = await up(wanted("good"));
    expect(run.exitCode).not.toBe(0);
    expect(run.output).toMatch(/Next: /);
    expect(await answers()).toEqual(["better"]);
    expect(await running()).toEqual(three);
  });

  test("no room for another machine leaves what is there", async () => {
    await stack.fault({ kind: "capacity", region: "sea" });
    const run = await up(wanted("better", { regions: { fra: 1, sea: 3 } }));
    expect(run.exitCode).not.toBe(0);
    expect(run.output).toContain("insufficient resources to create new machine in sea");
    expect(run.output).toContain("choose another region");
    expect(await running()).toEqual(three);
  });
});

test("where the old image is gone from the registry that is told, and the other machines answer", async () => {
  const [machine] = await stack.machines("shop");
  await stack.forgetImage("shop", machine?.image_ref.digest ?? "");
  const [run, probed] = await stack.probing("shop", () => up(wanted("sick")));
  expect(run.exitCode).not.toBe(0);
  expect(run.output).toMatch(/Not as before:.*MANIFEST_UNKNOWN/s);
  expect(run.output).toContain("fly machine list --app shop");
  expect(probed.failed).toEqual([]);
  expect(await answers()).toEqual(["better"]);

  await upWell(wanted("good"));
  expect(await running()).toEqual(three);
  await upWell(wanted("better"));
});

describe("what cannot go well is refused before anything changes", () => {
  const tag = { ...shop, image: { reference: "registry.fly.io/shop:v1" } };
  const unchecked = { ...wanted("good").shop, services: [{ internalPort: 8080 }] };
  const mounts = [{ volume: "data", path: "/data" }];
  test.each<[string, () => object, RegExp]>([
    [
      "an image by its tag",
      () => ({ shop: tag }),
      /berth:fly\.shop\.image\.reference: an image by its digest/,
    ],
    [
      "bluegreen without checks",
      () => ({ shop: { ...unchecked, deploy: { strategy: "bluegreen" } } }),
      /berth:fly\.shop\.deploy\.strategy: bluegreen .* nothing is asked of app/,
    ],
    [
      "canary with volumes",
      () => wanted("good", { mounts, deploy: { strategy: "canary" } }),
      /berth:fly\.shop\.deploy\.strategy: canary .* hold the volumes/,
    ],
    [
      "an image for other machines",
      () => wanted("for-arm"),
      /it is for arm64, and what it shall run on is amd64/,
    ],
    [
      "a name that somebody else has",
      () => ({ ...wanted("better"), taken: wanted("better").shop }),
      /another organisation's/,
    ],
  ])("%s", async (_, apps, why) => {
    const run = await up(apps());
    expect(run.exitCode).not.toBe(0);
    expect(run.output).toMatch(why);
    expect(run.output).not.toMatch(/\n\s+at .*\.ts:\d+/);
    expect(await answers()).toEqual(["better"]);
    expect(await running()).toEqual(three);
  });

  test("a wrong token, which no message repeats", async () => {
    const variables = { FLY_API_TOKEN: "FlyV1 not-the-one" };
    const run = await up(wanted("good"), variables);
    expect(run.exitCode).not.toBe(0);
    expect(run.output).toMatch(/check the token|unauthorized|authentication required/);
    expect(run.output).not.toContain("not-the-one");
    expect(await answers()).toEqual(["better"]);
  });
});

test("a refresh sees what was changed elsewhere, and the next update puts it right", async () => {
  await upWell(wanted("better"));
  const [machine] = await stack.machines("shop");
  const api = stack.api("shop");
  const nonce = await api.lease(machine?.id ?? "", 10);
  const config = { ...machine?.config, env: { ...(machine?.config?.["env"] as object), LEVEL: "by hand" } };
  if (machine)
    await api.updateMachine(machine, { config, region: machine.region }, nonce, machine.instance_id);
  await api.releaseLease(machine?.id ?? "", nonce);

  const refreshed = await stack.engine().run(["refresh", "--yes"]);
  expect(refreshed.exitCode, refreshed.output).toBe(0);
  expect(refreshed.output).toMatch(/shop at Fly is not as it was left.*env\.LEVEL: "by hand" \(goes\)/);
  await upWell(wanted("better"));
  const [now] = await stack.machines("shop");
  expect(now?.config?.["env"]).not.toHaveProperty("LEVEL");
});

test("secrets reach the machines with a release, and are in no output and no plain state", async () => {
  const apps = wanted("better", { secrets: { APP_ECHO_ME: "echo-me" } });
  await stack.configure(apps);
  const engine = stack.engine();
  await engine.run(["config", "set", "--secret", "--path", "berth:secrets.echo-me", "an open secret"]);
  const run = await engine.run(["up", "--yes"]);
  expect(run.exitCode, run.output).toBe(0);
  expect(await answers()).toEqual(["better an open secret"]);
  const { output } = await engine.run(["stack", "export"]);
  for (const text of [run.output, output]) expect(text).not.toContain("an open secret");
});

test("destroying the stack takes the app and everything in it away", async () => {
  const run = await stack.engine().run(["destroy", "--yes"]);
  expect(run.exitCode, run.output).toBe(0);
  expect(await stack.api("shop").find()).toBeUndefined();
  expect((await stack.ask("shop")).status).toBe(404);
});
