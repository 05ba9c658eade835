import { describe, expect, test } from "vitest";
import { flyApp } from "../../../provider/resources/fly-app.ts";
import { flyDeployment } from "../../../provider/resources/fly-deployment.ts";
import { flySecrets } from "../../../provider/resources/fly-secrets.ts";
import { digests, flyWorld, token } from "../deployer/fly/world.ts";
import { EngineDouble, secret, UNKNOWN, type Wire } from "./client.ts";

const types = { app: "berth:fly:App", secrets: "berth:fly:Secrets", deployment: "berth:fly:Deployment" };

/** A provider before a simulated Fly. */
async function start(type: keyof typeof types) {
  const world = await flyWorld();
  const definition = {
    name: "berth",
    version: "0.1.0",
    resources: {
      [types.app]: flyApp(world.clock),
      [types.secrets]: flySecrets(world.clock),
      [types.deployment]: flyDeployment(async () => "amd64", world.clock),
    },
  };
  const access = (app: string): Wire => ({ app, token: secret(token), endpoint: world.endpoint });
  return { world, access, engine: await EngineDouble.start(definition, types[type]) };
}

describe("an app at Fly", () => {
  const rest = { organization: "personal", addresses: ["v6", "shared_v4"], certificates: ["example.org"] };

  test("is made with its addresses and certificates, and read back without a difference", async () => {
    const { engine, access } = await start("app");
    await using _engine = engine;
    const inputs = { ...access("blog"), ...rest };
    const made = await engine.create("blog", inputs);
    expect(made).toMatchObject({
      id: "blog",
      outputs: {
        hostname: "blog.fly.dev",
        certified: ["example.org"],
        assigned: [{ type: "v6" }, { type: "shared_v4", ip: "66.241.124.1" }],
      },
    });
    const state = { id: "blog", inputs, outputs: made.outputs };
    const seen = await engine.read("blog", "blog", state);
    expect(await engine.diff("blog", { ...state, outputs: seen.outputs }, inputs)).toMatchObject({
      changes: false,
    });
  });

  test("gets what it lacks and gives back what it shall not have", async () => {
    const { engine, access, world } = await start("app");
    await using _engine = engine;
    const inputs = { ...access("blog"), ...rest };
    const { outputs } = await engine.create("blog", inputs);
    const news = { ...inputs, addresses: ["v6"], certificates: ["www.example.org"] };
    const state = { id: "blog", inputs, outputs };
    expect(await engine.diff("blog", state, news)).toMatchObject({ changes: true });
    const updated = await engine.update("blog", state, news);
    expect(updated).toMatchObject({ certified: ["www.example.org"], assigned: [{ type: "v6" }] });
    expect([...(world.world.apps.get("blog")?.certificates ?? [])]).toEqual(["www.example.org"]);
  });

  test("whose address was given back elsewhere shows a difference after a refresh", async () => {
    const { engine, access, world } = await start("app");
    await using _engine = engine;
    const inputs = { ...access("blog"), ...rest };
    const { outputs } = await engine.create("blog", inputs);
    const app = world.world.apps.get("blog");
    if (app) app.addresses = [];
    const seen = await engine.read("blog", "blog", { inputs, outputs });
    const found = await engine.diff("blog", { id: "blog", inputs, outputs: seen.outputs }, inputs);
    expect(found).toMatchObject({ changes: true });
  });

  test("that is there already is not taken, nor one of another organisation's", async () => {
    const { engine, access, world } = await start("app");
    await using _engine = engine;
    world.world.foreign.add("taken");
    await expect(engine.create("shop", { ...access("shop"), ...rest })).rejects.toThrow(
      /there is one of this name.*pulumi import/s,
    );
    await expect(engine.create("taken", { ...access("taken"), ...rest })).rejects.toThrow(/403/);
  });

  test("is gone when it was deleted elsewhere", async () => {
    const { engine, access, world } = await start("app");
    await using _engine = engine;
    const inputs = { ...access("blog"), ...rest };
    const { outputs } = await engine.create("blog", inputs);
    world.world.apps.delete("blog");
    expect(await engine.read("blog", "blog", { inputs, outputs })).toMatchObject({ id: "" });
  });
});

describe("secrets of an app", () => {
  test("are set, changed and removed by name; what is somebody else's stays", async () => {
    const { engine, access, world } = await start("secrets");
    await using _engine = engine;
    await world.api.setSecrets({ THEIRS: "x" });
    const inputs = { ...access("shop"), values: secret({ APP_ECHO_ME: "hello", KEY: "k" }) };
    const made = await engine.create("shop", inputs);
    expect(Object.keys(made.outputs["digests"] as object).toSorted()).toEqual(["APP_ECHO_ME", "KEY"]);
    expect(JSON.stringify(engine.log)).not.toContain("hello");
    const news = { ...access("shop"), values: secret({ APP_ECHO_ME: "good day" }) };
    const updated = await engine.update("shop", { id: "shop", inputs, outputs: made.outputs }, news);
    expect(updated["revision"]).not.toBe(made.outputs["revision"]);
    expect(Object.fromEntries(world.world.apps.get("shop")?.secrets ?? [])).toEqual({
      THEIRS: "x",
      APP_ECHO_ME: "good day",
    });
  });

  test("that were changed elsewhere show a difference after a refresh, and are set again", async () => {
    const { engine, access, world } = await start("secrets");
    await using _engine = engine;
    const inputs = { ...access("shop"), values: secret({ KEY: "k" }) };
    const { outputs } = await engine.create("shop", inputs);
    await world.api.setSecrets({ KEY: "other" });
    const seen = await engine.read("shop", "shop", { inputs, outputs });
    const state = { id: "shop", inputs, outputs: seen.outputs };
    expect(await engine.diff("shop", state, inputs)).toMatchObject({ changes: true });
    const updated = await engine.update("shop", state, inputs);
    expect(world.world.apps.get("shop")?.secrets.get("KEY")).toBe("k");
    expect(await engine.diff("shop", { ...state, outputs: updated }, inputs)).toMatchObject({
      changes: false,
    });
  });
});

describe("a deployment at Fly", () => {
  const config = {
    regions: { sea: 2 },
    image: { package: "site-image" },
    services: [{ internalPort: 8080, checks: [{ path: "/healthz", interval: 2 }] }],
    deploy: { waitTimeout: 15, steadyFor: 1, drain: 1 },
  };
  const image = (name: keyof typeof digests) => `registry.fly.io/shop@${digests[name]}`;

  test("is made, previewed machine by machine, and changed", async () => {
    const { engine, access, world } = await start("deployment");
    await using _engine = engine;
    const inputs = { ...access("shop"), config, image: image("old") };
    const made = await engine.create("shop", inputs);
    expect(made).toMatchObject({ id: "shop", outputs: { release: image("old"), drift: [] } });
    expect(made.outputs["machines"]).toHaveLength(2);
    const state = { id: "shop", inputs, outputs: made.outputs };
    const news = { ...inputs, image: image("good") };
    await engine.update("shop", state, news, { preview: true });
    expect(engine.log.map(({ message }) => message)).toContainEqual(
      expect.stringMatching(/^shop at Fly: \S+ \(sea\): image: \S+111111111111… -> \S+222222222222…$/),
    );
    expect(world.running()).toEqual(Array(2).fill("old sea started"));
    expect(await engine.update("shop", state, news)).toMatchObject({ release: image("good") });
    expect(world.running()).toEqual(Array(2).fill("good sea started"));
  });

  test("is previewed with secrets that the same update changes", async () => {
    const { engine, access } = await start("deployment");
    await using _engine = engine;
    const inputs = { ...access("shop"), config, image: image("old"), secretsRevision: "1" };
    const { outputs } = await engine.create("shop", inputs);
    const news = { ...inputs, secretsRevision: UNKNOWN };
    await engine.update("shop", { id: "shop", inputs, outputs }, news, { preview: true });
    const told = engine.log.map(({ message }) => message);
    expect(told.filter((line) => /^shop at Fly: \S+ \(sea\): secrets changed$/.test(line))).toHaveLength(2);
  });

  test("is previewed before there is the app, and before its image is pushed", async () => {
    const { engine, access } = await start("deployment");
    await using _engine = engine;
    const first = { ...access("shop"), config, image: UNKNOWN };
    await engine.create("shop", first, { preview: true });
    const made = { ...first, image: image("old") };
    const { outputs } = await engine.create("shop", made);
    await engine.update("shop", { id: "shop", inputs: made, outputs }, first, { preview: true });
    const told = engine.log.map(({ message }) => message);
    const another = "image: another one, which is pushed first";
    expect(
      told.filter((line) => line === `shop at Fly: a new machine in sea for app: ${another}`),
    ).toHaveLength(2);
    expect(told.filter((line) => line.endsWith(`(sea): ${another}`))).toHaveLength(2);
  });

  test("that is not healthy fails the update, and the old one runs", async () => {
    const { engine, access, world } = await start("deployment");
    await using _engine = engine;
    const inputs = { ...access("shop"), config, image: image("old") };
    const { outputs } = await engine.create("shop", inputs);
    const update = engine.update(
      "shop",
      { id: "shop", inputs, outputs },
      { ...inputs, image: image("sick") },
    );
    await expect(update).rejects.toThrow(/500 sick, for 15 s.*is back on .*read back and healthy/s);
    expect(world.running()).toEqual(Array(2).fill("old sea started"));
  });

  test("whose machine was changed elsewhere shows it after a refresh, and is put right", async () => {
    const { engine, access, world } = await start("deployment");
    await using _engine = engine;
    const inputs = { ...access("shop"), config, image: image("old") };
    const { outputs } = await engine.create("shop", inputs);
    const [machine] = await world.api.machines();
    const nonce = await world.api.lease(machine?.id ?? "", 30);
    const other = { config: { ...machine?.config, image: image("good") }, region: "sea" };
    if (machine) await world.api.updateMachine(machine, other, nonce, machine.instance_id);
    await world.api.releaseLease(machine?.id ?? "", nonce);
    const seen = await engine.read("shop", "shop", { inputs, outputs });
    expect(seen.outputs["drift"]).toEqual([expect.stringContaining(`${machine?.id} (sea): image:`)]);
    const state = { id: "shop", inputs, outputs: seen.outputs };
    expect(await engine.diff("shop", state, inputs)).toMatchObject({ changes: true });
    await engine.update("shop", state, inputs);
    expect(world.running()).toEqual(Array(2).fill("old sea started"));
  });

  test("a configuration that cannot go well is refused with its place, and another token is no difference", async () => {
    const { engine, access } = await start("deployment");
    await using _engine = engine;
    const inputs = { ...access("shop"), config, image: image("old") };
    const wrong = { ...config, services: [{ internalPort: 8080 }], deploy: { strategy: "bluegreen" } };
    const { failures } = await engine.check("shop", { ...inputs, config: wrong });
    expect(failures).toEqual([
      ["config.deploy.strategy", expect.stringContaining("bluegreen moves the traffic")],
    ]);
    expect((await engine.check("shop", { ...inputs, image: UNKNOWN })).failures).toEqual([]);
    const state = { id: "shop", inputs, outputs: inputs };
    expect(await engine.diff("shop", state, { ...inputs, token: secret("other") })).toMatchObject({
      changes: false,
    });
  });

  test("that is deleted takes its machines along", async () => {
    const { engine, access, world } = await start("deployment");
    await using _engine = engine;
    const inputs = { ...access("shop"), config, image: image("old") };
    const { outputs } = await engine.create("shop", inputs);
    await engine.delete("shop", "shop", { inputs, outputs });
    expect(world.running()).toEqual([]);
  });
});
