import { describe, expect, test } from "vitest";
import { chooseStack } from "../../../cli/stack-name.ts";

const nobodyAsks = () => Promise.reject(new Error("it was asked without need"));
const is =
  <T>(value: T) =>
  () =>
    Promise.resolve(value);

describe("the stack that a command works on", () => {
  test.each([
    ["what -s names", { given: "a", selected: nobodyAsks, variable: "c", existing: nobodyAsks }, "a"],
    ["what is selected", { given: undefined, selected: is("b"), variable: "c", existing: nobodyAsks }, "b"],
    [
      "what BERTH_STACK names",
      { given: undefined, selected: is(undefined), variable: "c", existing: nobodyAsks },
      "c",
    ],
    ["the only one", { given: undefined, selected: is(undefined), variable: "", existing: is(["d"]) }, "d"],
  ])("is %s", async (_, facts, expected) => {
    expect(await chooseStack(facts)).toBe(expected);
  });

  test.each([
    [[], "the project has none yet. Next: make one: pulumi stack init prod."],
    [["lab", "prod"], "none is selected, and there are 2: lab, prod. Next: name one with -s or BERTH_STACK"],
  ])("is to be named where there are %j", async (existing, told) => {
    const facts = { given: undefined, selected: is(undefined), variable: undefined, existing: is(existing) };
    await expect(chooseStack(facts)).rejects.toThrow(told);
  });
});
