import { describe, expect, test } from "vitest";
import { diffInputs, replacing, topLevel } from "../../../provider/framework/diff.ts";
import type { Properties } from "../../../provider/framework/types.ts";

const ASSET = { "4dabf18193072939515e22adb298388d": "c44067f5952c0a294b673a41bacd8c17" };

describe("the difference of two sets of inputs", () => {
  test.each<[string, Properties, Properties, Record<string, string>]>([
    ["nothing", { a: 1, b: { c: [1, { d: null }] } }, { b: { c: [1, { d: null }] }, a: 1 }, {}],
    [
      "a changed, an added and a removed input",
      { a: 1, b: 2 },
      { a: 3, c: 4 },
      { a: "update", b: "delete", c: "add" },
    ],
    [
      "a value deep inside",
      { a: { b: [1, { c: 2 }] } },
      { a: { b: [1, { c: 3 }] } },
      { "a.b[1].c": "update" },
    ],
    ["a longer list", { a: ["x"] }, { a: ["x", "y"] }, { "a[1]": "add" }],
    ["a shorter list", { a: ["x", "y"] }, { a: ["x"] }, { "a[1]": "delete" }],
    ["a list that became a text", { a: ["x"] }, { a: "x" }, { a: "update" }],
    ["an object that became null", { a: { b: 1 } }, { a: null }, { a: "update" }],
    ["a key that is no name", { a: {} }, { a: { "x.y": 1 } }, { 'a["x.y"]': "add" }],
    ["a top-level key that is no name", {}, { 'q"1': 1 }, { '["q\\"1"]': "add" }],
    ["a value not known yet", { a: 1, b: 1 }, { a: undefined, b: 1 }, { a: "update" }],
    [
      "an asset with other content",
      { a: { ...ASSET, hash: "1" } },
      { a: { ...ASSET, hash: "2" } },
      { a: "update" },
    ],
    ["the same asset", { a: { ...ASSET, hash: "1" } }, { a: { ...ASSET, hash: "1" } }, {}],
  ])("is %s", (_, olds, news, expected) => {
    expect(diffInputs(olds, news)).toEqual(expected);
  });

  test("makes replacements of the changes under the properties that replace", () => {
    const changes = {
      "triggers[0]": "update",
      "triggers[1]": "add",
      create: "update",
      triggersToo: "delete",
    } as const;
    expect(replacing(changes, ["triggers"])).toEqual({
      "triggers[0]": "update-replace",
      "triggers[1]": "add-replace",
      create: "update",
      triggersToo: "delete",
    });
  });

  test.each([
    ["a", "a"],
    ["a.b", "a"],
    ["a[0].b", "a"],
    ['["x.y"].z', "x.y"],
    ['["q\\"1"][0]', 'q"1'],
  ])("knows the top-level property of %s", (path, expected) => {
    expect(topLevel(path)).toBe(expected);
  });
});
