import { describe, expect, test } from "vitest";
import type { KeyRotation } from "../../../deployer/identity/rotate.ts";
import { type EnsureKey, hostKey, stillPossible } from "../../../provider/resources/host-key.ts";
import { EngineDouble, UNKNOWN } from "./client.ts";

const TYPE = "berth:host:HostKey";

/** A resource whose host does what `ensure` says, and what was asked of that host. */
function start(ensure: EnsureKey = async () => "rotated") {
  const asked: KeyRotation[] = [];
  const watched: EnsureKey = (rotation, hooks) => {
    asked.push(rotation);
    return ensure(rotation, hooks);
  };
  const resources = { [TYPE]: hostKey(watched) };
  return { asked, engine: EngineDouble.start({ name: "berth", version: "0.1.0", resources }, TYPE) };
}

const inputs = (publicKey: string, former: string[] = []) => ({
  stack: "dev",
  host: "web1",
  address: "203.0.113.7",
  port: 22,
  loginKey: "login",
  machineId: "4711",
  publicKey,
  privateKey: `private half of ${publicKey}`,
  former,
});

describe("a HostKey", () => {
  test("asks nobody on a host that was installed with this very key", async () => {
    const { asked, engine: starting } = start();
    await using engine = await starting;
    const made = await engine.create("web1", inputs("A"));
    expect(made).toMatchObject({ id: "dev/web1", outputs: { publicKey: "A" } });
    expect(asked).toEqual([]);
  });

  test("is rotated when it is another one, from the one it had, which is trusted until then", async () => {
    const { asked, engine: starting } = start();
    await using engine = await starting;
    const { id, outputs } = await engine.create("web1", inputs("A"));
    const olds = { inputs: inputs("A"), outputs, id };
    const news = inputs("B", ["A"]);
    expect(await engine.diff("web1", olds, news)).toMatchObject({
      changes: true,
      detailed: { publicKey: "update" },
      replaces: [],
    });
    expect(await engine.update("web1", olds, news)).toEqual({ publicKey: "B" });
    expect(asked).toMatchObject([
      {
        target: {
          stack: "dev",
          host: "web1",
          address: "203.0.113.7",
          port: 22,
          user: "root",
          loginKey: "login",
        },
        wanted: { publicKey: "B", privateKey: "private half of B" },
        former: ["A"],
      },
    ]);
    expect(asked[0]?.owner).toContain("rotating the host key");
  });

  test("stays at the old key when the rotation fails, and goes on from it with every key that came since", async () => {
    let works = false;
    const { asked, engine: starting } = start(async () => {
      if (!works) throw new Error("the new key did not answer");
      return "rotated";
    });
    await using engine = await starting;
    const { id, outputs } = await engine.create("web1", inputs("A"));
    const olds = { inputs: inputs("A"), outputs, id };
    await expect(engine.update("web1", olds, inputs("B", ["A"]))).rejects.toThrow(
      "the new key did not answer",
    );
    works = true;
    await engine.update("web1", olds, inputs("C", ["A", "B"]));
    expect(asked.at(-1)?.former).toEqual(["A", "B"]);
  });

  test("rotates a host from before there were rotations, in the update that brings the first", async () => {
    const { asked, engine: starting } = start();
    await using engine = await starting;
    await engine.create("web1", inputs("B", ["A"]));
    expect(asked[0]?.former).toEqual(["A"]);
  });

  test.each([
    ["address", { address: "203.0.113.8" }],
    ["port", { port: 2222 }],
    ["loginKey", { loginKey: "another" }],
    ["machineId", { machineId: "4712" }],
    ["former", { former: ["0"] }],
  ])("does nothing for another %s", async (_, change) => {
    const { engine: starting } = start();
    await using engine = await starting;
    const olds = { inputs: inputs("A"), outputs: { publicKey: "A" }, id: "dev/web1" };
    expect((await engine.diff("web1", olds, { ...inputs("A"), ...change })).changes).toBe(false);
  });

  test("is known in a preview as far as its key is", async () => {
    const { asked, engine: starting } = start();
    await using engine = await starting;
    expect((await engine.create("web1", inputs("A"), { preview: true })).outputs).toEqual({ publicKey: "A" });
    const olds = { inputs: inputs("A"), outputs: { publicKey: "A" }, id: "dev/web1" };
    const news = { ...inputs("A"), publicKey: UNKNOWN };
    expect((await engine.diff("web1", olds, news)).changes).toBe(true);
    expect(await engine.update("web1", olds, news, { preview: true })).toEqual({ publicKey: UNKNOWN });
    expect(asked).toEqual([]);
  });
});

test.each([
  ["never rotated", [], "A", []],
  ["rotated once, done", ["A"], "B", ["A"]],
  ["before its first rotation", ["A"], "A", ["A"]],
  ["with older ones behind it", ["0", "1", "A", "B"], "A", ["A", "B"]],
  ["not seen yet", ["0", "A"], undefined, ["0", "A"]],
])("keys that a host may still have, %s", (_, former, verified, expected) => {
  expect(stillPossible(former, verified)).toEqual(expected);
});
