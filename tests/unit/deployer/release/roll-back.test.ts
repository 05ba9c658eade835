import { describe, expect, test } from "vitest";
import { NotKept, rollBack } from "../../../../deployer/release/roll-back.ts";
import type { Observation } from "../../../../deployer/remote/scripts.ts";
import { earlier, old, playedSession, release, switched } from "./observed.ts";

const way = { id: "abc", old, toplevel: release, bootId: "boot-1", guardSeconds: 60 };
const verdict = { healthy: false as const, because: "the host could not be asked", units: [] };

/** What becomes of a trial that is to be taken back, where the host tells so much. */
function outcomeAt(now: Observation) {
  const session = playedSession({
    label: "web1 (203.0.113.7)",
    drop: () => undefined,
    sh: async () => ({ exitCode: 0, stdout: `${JSON.stringify(now)}\n`, stderr: "" }),
  });
  return rollBack(session, way, verdict, { status: () => undefined });
}
const trial = (state: Observation["trial"]["state"]) => ({ state, exitCode: 0, log: "" });

describe("a trial that is taken back", () => {
  test("says so once the host was read back", async () => {
    const outcome = await outcomeAt({ ...earlier, trial: trial("rolled-back") });
    expect(outcome).toBeInstanceOf(NotKept);
    expect(String(outcome)).toContain(`Rolled back to ${old}; the host was read back and runs it`);
  });

  test.each<[string, Partial<Observation>]>([
    ["is being tidied up", { trial: trial("confirmed") }],
    ["has left nothing behind", { trial: trial("none") }],
  ])("was kept, where nobody has heard of its confirmation, which %s", async (_, changes) => {
    const now = { ...switched, profile: release, ...changes };
    expect(await outcomeAt(now)).toEqual(now);
  });

  test("is not taken for kept where the host only runs the release and boots another", async () => {
    const outcome = await outcomeAt({ ...switched, trial: trial("none") });
    expect(outcome).toBeInstanceOf(NotKept);
    expect(String(outcome)).toContain("The way back is NOT confirmed");
  });
});
