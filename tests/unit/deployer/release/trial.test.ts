import { expect, test } from "vitest";
import { beginTrial, beginTrialAhead } from "../../../../deployer/release/trial.ts";
import type { RemoteOptions } from "../../../../deployer/ssh/session.ts";
import { playedSession, release } from "./observed.ts";

const wanted = {
  drvPath: "",
  toplevel: release,
  system: "x86_64-linux",
  health: [],
  healthDeadline: 5,
  switchDeadline: 10,
  owner: "me",
};

/** A host that switches well, and how long it was given for that. */
function host() {
  const given: number[] = [];
  const session = playedSession({
    sh: async (_: string, { deadline }: RemoteOptions) => {
      given.push(deadline);
      return { exitCode: 0, stdout: '{"ok":true,"well":true}\n', stderr: "" };
    },
  });
  return { session, given };
}

test("what is sent along has the time that it takes on a slow line, beside the switch", async () => {
  const { session, given } = host();
  await beginTrial(session, "abc", wanted);
  await beginTrialAhead(session, "abc", wanted, 0);
  await beginTrialAhead(session, "abc", wanted, 4_000_000);
  // 64 kbit/s are 8 bytes a millisecond.
  expect(given).toEqual([10_000, 190_000, 690_000]);
});
