import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, test } from "vitest";
import { messageOf, PartialFailure } from "../../../provider/framework/errors.ts";
import type { ProviderDefinition, ResourceHandler } from "../../../provider/framework/types.ts";
import { EngineDouble, Refused, secret, UNKNOWN } from "./client.ts";

const TYPE = "test:index:Thing";

const engineFor = (thing: Partial<ResourceHandler>, more: Partial<ProviderDefinition> = {}) =>
  EngineDouble.start(
    {
      name: "test",
      version: "1.2.3",
      resources: { [TYPE]: { create: async (inputs) => ({ id: "1", outputs: inputs }), ...thing } },
      ...more,
    },
    TYPE,
  );

/** What the engine is told when a call fails. */
const refusal = async (call: Promise<unknown>): Promise<Refused> =>
  await call.then(
    () => expect.unreachable("the call was answered"),
    (error: unknown) => (error instanceof Refused ? error : expect.unreachable(String(error))),
  );

describe("a resource that is loaded when it is asked for", () => {
  test("is loaded once, by the first call, and not by those of others", async () => {
    const loads: string[] = [];
    const load = (type: string) => async (): Promise<ResourceHandler> => {
      loads.push(type);
      return { create: async () => ({ id: type, outputs: {} }) };
    };
    await using engine = await EngineDouble.start(
      {
        name: "test",
        version: "1.2.3",
        resources: { [TYPE]: load(TYPE), "test:index:Other": load("test:index:Other") },
      },
      TYPE,
    );
    expect(loads).toEqual([]);
    const both = await Promise.all([engine.create("a", {}), engine.create("b", {})]);
    expect(both.map(({ id }) => id)).toEqual([TYPE, TYPE]);
    expect(loads).toEqual([TYPE]);
  });

  test("says why where it cannot be loaded", async () => {
    await using engine = await EngineDouble.start(
      {
        name: "test",
        version: "1.2.3",
        resources: { [TYPE]: () => Promise.reject(new Error("its file is gone")) },
      },
      TYPE,
    );
    expect((await refusal(engine.create("a", {}))).message).toContain("its file is gone");
  });
});

describe("secrets", () => {
  test("reach the handler in the clear and the state wrapped, wherever the outputs echo them", async () => {
    let seen: unknown;
    await using engine = await engineFor({
      create: async (inputs) => {
        seen = inputs;
        return { id: "1", outputs: { ...inputs, key: "k", plain: "p" } };
      },
      secretOutputs: ["key"],
    });
    const created = await engine.create("a", { stdin: secret("hush"), env: { A: secret("a"), B: "b" } });
    expect(seen).toEqual({ stdin: "hush", env: { A: "a", B: "b" } });
    expect(created.outputs).toEqual({
      stdin: secret("hush"),
      env: { A: secret("a"), B: "b" },
      key: secret("k"),
      plain: "p",
    });
  });

  test("stay secret in checked inputs, in an update, in a read and in a partial failure", async () => {
    await using engine = await engineFor({
      check: async (inputs) => ({ inputs: { ...inputs, added: 1 } }),
      update: async (_id, _olds, news) => news,
      read: async (_id, state) => state,
      create: async (inputs) => {
        throw new PartialFailure("half done", "7", inputs);
      },
    });
    const inputs = { a: secret("x") };
    const olds = { inputs, outputs: { a: secret("x"), derived: secret("d") }, id: "1" };
    expect((await engine.check("a", inputs)).inputs).toEqual({ a: secret("x"), added: 1 });
    expect(await engine.update("a", olds, inputs)).toEqual({ a: secret("x") });
    expect((await engine.read("a", "1", olds)).outputs).toEqual(olds.outputs);
    expect((await refusal(engine.create("a", inputs))).stored).toEqual({
      id: "7",
      outputs: { a: secret("x") },
      reasons: ["half done"],
    });
  });
});

describe("a preview", () => {
  test("shows what the handler knows, and the rest as unknown", async () => {
    await using engine = await engineFor({
      preview: async (inputs, old) => ({ ...inputs, made: old?.made }),
    });
    const olds = { inputs: {}, outputs: { made: "before" }, id: "1" };
    expect((await engine.create("a", { x: 1, y: UNKNOWN }, { preview: true })).outputs).toEqual({
      x: 1,
      y: UNKNOWN,
      made: UNKNOWN,
    });
    expect(await engine.update("a", olds, { x: 2 }, { preview: true })).toEqual({ x: 2, made: "before" });
  });

  test("never runs create or update", async () => {
    await using engine = await engineFor({ create: () => expect.unreachable("created in a preview") });
    expect((await engine.create("a", { x: 1 }, { preview: true })).outputs).toEqual({});
  });

  test("keeps unknown inputs unknown through check", async () => {
    await using engine = await engineFor({ check: async (inputs) => ({ inputs }) });
    const { inputs } = await engine.check("a", { x: UNKNOWN, list: [1, UNKNOWN] });
    expect(inputs).toEqual({ x: UNKNOWN, list: [1, UNKNOWN] });
  });

  test("takes undefined in checked inputs for absent when nothing was unknown", async () => {
    await using engine = await engineFor({
      check: async (inputs) => ({ inputs: { ...inputs, y: undefined } }),
    });
    expect((await engine.check("a", { x: 1 })).inputs).toEqual({ x: 1 });
  });
});

describe("a diff", () => {
  test("is of the inputs, path by path, unless the handler has its own", async () => {
    await using engine = await engineFor({});
    const olds = { inputs: { a: { b: 1 } }, outputs: { a: { b: 1 }, made: "x" }, id: "1" };
    expect(await engine.diff("a", olds, { a: { b: 1 } })).toMatchObject({ changes: false, detailed: {} });
    expect(await engine.diff("a", olds, { a: { b: 2 }, c: 1 })).toEqual({
      changes: true,
      detailed: { "a.b": "update", c: "add" },
      hasDetailed: true,
      diffs: ["a", "c"],
      replaces: [],
      deleteBeforeReplace: false,
    });
  });

  test("leaves out what the program ignores, as a refresh asks for it", async () => {
    await using engine = await engineFor({});
    const olds = { inputs: { a: 1, ab: 1, b: { c: 1 }, d: [1] }, outputs: {}, id: "1" };
    const news = { a: 2, ab: 2, b: { c: 2 }, d: [2] };
    expect(await engine.diff("a", olds, news, ["a", "b", "d"])).toMatchObject({
      changes: true,
      detailed: { ab: "update" },
      diffs: ["ab"],
    });
    expect(await engine.diff("a", olds, { ...olds.inputs, b: { c: 2 } }, ["b.c"])).toMatchObject({
      changes: false,
      detailed: {},
      diffs: [],
    });
  });

  test("replaces for the properties that say so, and in the order asked for", async () => {
    await using engine = await engineFor({
      diff: async () => ({
        changes: true,
        detailed: { "a[0]": "update-replace", b: "update" },
        deleteBeforeReplace: true,
      }),
    });
    const result = await engine.diff("a", { inputs: {}, outputs: {}, id: "1" }, {});
    expect(result).toMatchObject({ replaces: ["a"], diffs: ["a", "b"], deleteBeforeReplace: true });
  });
});

describe("an error", () => {
  test("is its message, without a stack, and stores nothing", async () => {
    await using engine = await engineFor({
      create: async () => {
        throw new Error("web-1: no route\nNext: look at the firewall — ä");
      },
    });
    const refused = await refusal(engine.create("a", {}));
    expect(refused.message).toBe("web-1: no route\nNext: look at the firewall — ä");
    expect(refused.stored).toBeUndefined();
  });

  test("with a long output in it arrives whole", async () => {
    const output = "line\n".repeat(5_000);
    await using engine = await engineFor({
      create: async () => {
        throw new Error(`failed:\n${output}`);
      },
    });
    expect((await refusal(engine.create("a", {}))).message).toBe(`failed:\n${output}`);
  });

  test("too long for the engine loses its middle", () => {
    const message = messageOf(new Error(`start${"x".repeat(5 * 1024 * 1024)}end`));
    expect(message).toMatch(/^startx+\n… \d+ characters left out …\nx+end$/);
    expect(message.length).toBeLessThan(4.1 * 1024 * 1024);
  });

  test("with half a character in it arrives all the same", async () => {
    await using engine = await engineFor({
      create: async () => {
        throw new Error("cut \ud83d");
      },
    });
    expect((await refusal(engine.create("a", {}))).message).toBe("cut \ufffd");
  });

  test("of many is all of them", async () => {
    await using engine = await engineFor({
      create: async () => {
        throw new AggregateError([new Error("one"), new Error("two")], "both failed");
      },
    });
    expect((await refusal(engine.create("a", {}))).message).toBe("both failed\none\ntwo");
  });

  test("names a type or a function that the provider does not have", async () => {
    await using engine = await EngineDouble.start(
      { name: "test", version: "1.0.0", resources: {} },
      "test:index:Other",
    );
    expect((await refusal(engine.create("a", {}))).message).toBe("the provider test has no test:index:Other");
    expect((await refusal(engine.invoke("test:index:f", {}))).message).toBe(
      "the provider test has no test:index:f",
    );
  });

  test("is told for an update where the handler has none", async () => {
    await using engine = await engineFor({});
    const olds = { inputs: {}, outputs: {}, id: "1" };
    expect((await refusal(engine.update("a", olds, {}))).message).toBe(
      "test:index:Thing cannot be updated in place",
    );
  });
});

describe("a call", () => {
  test("is told its name, and of its timeout, which aborts it with the reason", async () => {
    await using engine = await engineFor({
      create: async (_inputs, call) => {
        expect(call).toMatchObject({ name: "slow", timeoutSeconds: 0.05, urn: engine.urn("slow") });
        await sleep(5_000, undefined, { signal: call.signal }).catch(() => {
          throw call.signal.reason;
        });
        return { id: "1", outputs: {} };
      },
    });
    const refused = await refusal(engine.create("slow", {}, { timeout: 0.05 }));
    expect(refused.message).toBe("slow: not done within the 0.05 s of its customTimeouts");
  });

  test("is aborted when the engine cancels, and so is every later one", async () => {
    const started = Promise.withResolvers<void>();
    await using engine = await engineFor({
      create: async (_inputs, call) => {
        started.resolve();
        await sleep(5_000, undefined, { signal: call.signal }).catch(() => {
          throw call.signal.reason;
        });
        return { id: "1", outputs: {} };
      },
    });
    const refused = refusal(engine.create("a", {}));
    await started.promise;
    await engine.cancel();
    expect((await refused).message).toBe("cancelled");
    expect((await refusal(engine.create("b", {}))).message).toBe("cancelled");
  });

  test("speaks through the engine, in order, before its answer arrives", async () => {
    await using engine = await engineFor({
      create: async (_inputs, call) => {
        for (let line = 0; line < 50; line++) call.status(`line ${line}`);
        call.log("warning", "look out");
        return { id: "1", outputs: {} };
      },
    });
    await engine.create("a", {});
    expect(engine.log.map(({ message }) => message)).toEqual([
      ...Array.from({ length: 50 }, (_, line) => `line ${line}`),
      "look out",
    ]);
    expect(engine.log[0]).toMatchObject({ urn: engine.urn("a"), ephemeral: true, severity: 1 });
    expect(engine.log[50]).toMatchObject({ ephemeral: false, severity: 2 });
  });
});

describe("a read", () => {
  test("without a handler of its own gives the state back, and of something gone an empty id", async () => {
    const state = { inputs: { a: 1 }, outputs: { a: 1, b: 2 } };
    await using engine = await engineFor({});
    expect(await engine.read("a", "1", state)).toEqual({ id: "1", ...state });
    await using empty = await engineFor({ read: async () => undefined });
    expect((await empty.read("a", "1", state)).id).toBe("");
  });
});

describe("the configuration", () => {
  test("reaches the provider without the engine's own settings", async () => {
    let seen: unknown;
    const configure = async (config: unknown) => {
      seen = config;
    };
    await using engine = await engineFor({}, { configure });
    await engine.configure({ token: secret("t"), version: "1.2.3", pluginDownloadURL: "x" });
    expect(seen).toEqual({ token: "t" });
  });

  test("is refused with the provider's reason", async () => {
    await using engine = await engineFor(
      {},
      {
        checkConfig: async (config) => (config.token ? [] : [{ property: "", reason: "no token" }]),
        configure: async () => {
          throw new Error("no such region");
        },
      },
    );
    expect(await engine.checkConfig({ token: "t" })).toEqual([]);
    expect(await engine.checkConfig({})).toEqual(["no token"]);
    expect((await refusal(engine.configure())).message).toBe("no such region");
  });
});
