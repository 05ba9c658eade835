import { describe, expect, test } from "vitest";
import { pullStateOf } from "../../../../cli/comment/pull-state.ts";
import { Forge, kinds } from "./forge-server.ts";

const patience = { retries: 0 };

describe.each(kinds)("at %s", (kind) => {
  const words = kind === "gitlab" ? ["opened", "merged", "closed"] : ["open", "closed"];
  test.each(words)("a pull request that is %s is that", async (word) => {
    const forge = await Forge.start(kind);
    forge.states[7] = word;
    const state = word.startsWith("open") ? "open" : "over";
    expect(await pullStateOf(forge.repository, 7, patience)).toEqual({ state });
  });

  test("one that the forge does not know, in a repository that it shows, is over", async () => {
    const forge = await Forge.start(kind);
    expect(await pullStateOf(forge.repository, 7, patience)).toEqual({ state: "over" });
  });

  test.each([
    ["the repository is not shown either", [404, 404]],
    ["the token is not valid", [401]],
    ["the forge is unwell", [503]],
  ])("it is unknown, and never over, where %s", async (_, faults) => {
    const forge = await Forge.start(kind);
    forge.faults = [...faults];
    expect(await pullStateOf(forge.repository, 7, patience)).toMatchObject({
      ...{ state: "unknown", because: expect.stringContaining(`it answered ${faults[0]}`) },
    });
  });

  test("it is unknown where the answer says nothing of it", async () => {
    const forge = await Forge.start(kind);
    forge.faults = [200];
    expect((await pullStateOf(forge.repository, 7, patience)).state).toBe("unknown");
  });
});
