import { describe, expect, test } from "vitest";
import type { ServerPower } from "../../../deployer/hetzner/power.ts";
import { serverPower } from "../../../provider/resources/server-power.ts";
import { EngineDouble, secret, UNKNOWN, type Wire } from "./client.ts";

const TYPE = "berth:hetzner:ServerPower";
const token = "t".repeat(64);
const inputs: Wire = {
  host: "web1",
  serverId: "42",
  after: { serverType: "cx23" },
  token: secret(token),
  endpoint: "http://127.0.0.1:1/v1",
};
const state = { id: "42", inputs, outputs: { ...inputs, status: "running" } };

/** A provider before a cloud of one server. */
async function start(status: string | undefined, failure?: Error) {
  const cloud = { status, orders: 0, tokens: new Set<string>() };
  const powerOf = (credentials: { token: string }): ServerPower => ({
    async serverStatus() {
      cloud.tokens.add(credentials.token);
      if (failure) throw failure;
      return cloud.status;
    },
    async powerOn() {
      cloud.orders++;
      cloud.status = "running";
      return "ordered";
    },
  });
  const resources = { [TYPE]: serverPower(powerOf) };
  return { cloud, engine: await EngineDouble.start({ name: "berth", version: "0.1.0", resources }, TYPE) };
}

describe("a server's power", () => {
  test.each<[string, Wire, Wire, Record<string, string>]>([
    ["nothing changed: no difference", {}, {}, {}],
    ["another token: none, it reaches the same server", { token: secret("u".repeat(64)) }, {}, {}],
    ["another type: a look", { after: { serverType: "cx33" } }, {}, { after: "update" }],
    ["another server: another resource", { serverId: "43" }, {}, { serverId: "update-replace" }],
    ["a server that was seen to be off: to be switched on", {}, { status: "off" }, { status: "update" }],
  ])("%s", async (_, news, seen, expected) => {
    const { engine } = await start("running");
    await using _engine = engine;
    const olds = { ...state, outputs: { ...state.outputs, ...seen } };
    expect((await engine.diff("web1", olds, { ...inputs, ...news })).detailed).toEqual(expected);
  });

  test("is on in the preview, before there is a server", async () => {
    const { engine, cloud } = await start("off");
    await using _engine = engine;
    const planned = await engine.create("web1", { ...inputs, serverId: UNKNOWN }, { preview: true });
    expect(planned.outputs.status).toBe("running");
    expect(cloud.orders).toBe(0);
  });

  test("comes on when it was off, is told, and the token stays secret", async () => {
    const { engine, cloud } = await start("off");
    await using _engine = engine;
    const made = await engine.create("web1", inputs);
    expect(made).toMatchObject({ id: "42", outputs: { status: "running", token: secret(token) } });
    expect(cloud).toMatchObject({ orders: 1, tokens: new Set([token]) });
    expect(engine.log.map(({ message }) => message)).toContain("web1: server 42 was off and was switched on");
    expect(JSON.stringify(engine.log)).not.toContain(token);
  });

  test("is left alone when it is on", async () => {
    const { engine, cloud } = await start("running");
    await using _engine = engine;
    await engine.update("web1", state, { ...inputs, after: { serverType: "cx33" } });
    expect(cloud.orders).toBe(0);
    expect(engine.log).toEqual([]);
  });

  test("is read as it is, with a warning when it is off", async () => {
    const { engine } = await start("off");
    await using _engine = engine;
    const seen = await engine.read("web1", "42", state);
    expect(seen.outputs).toMatchObject({ status: "off" });
    expect(engine.log.map(({ message }) => message)).toEqual(["web1: its server is off"]);
  });

  test("keeps its state when the API cannot be asked, with a warning", async () => {
    const { engine } = await start("running", new Error("no answer within 10 s"));
    await using _engine = engine;
    expect((await engine.read("web1", "42", state)).outputs).toMatchObject({ status: "running" });
    expect(engine.log[0]?.message).toContain("its state is kept: no answer within 10 s");
  });

  test("is gone with the server", async () => {
    const { engine } = await start(undefined);
    await using _engine = engine;
    expect(await engine.read("web1", "42", state)).toMatchObject({ id: "" });
  });
});
