import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test, vi } from "vitest";
import { parseEvents } from "../../../deployer/runs/events.ts";
import { recordVariable } from "../../../deployer/runs/record.ts";
import { NotInTime } from "../../../provider/framework/calls.ts";
import type { CallContext } from "../../../provider/framework/types.ts";
import { inTurn } from "../../../provider/resources/in-turn.ts";

const folder = mkdtempSync(join(tmpdir(), "berth-in-turn-"));
const file = join(folder, "record.jsonl");
vi.stubEnv(recordVariable, file);
afterAll(() => {
  vi.unstubAllEnvs();
  rmSync(folder, { recursive: true });
});

/** What the record says of a host whose work ends so. */
async function outcomeOf(host: string, work: (cancel: (because: Error) => void) => Error): Promise<unknown> {
  const cancelled = new AbortController();
  const call: CallContext = {
    urn: "",
    name: host,
    timeoutSeconds: undefined,
    log: () => {},
    status: () => {},
    signal: cancelled.signal,
  };
  const wanted = { stack: "prod", host, toplevel: "/nix/store/a" };
  const release = inTurn(wanted, call, async () => {
    throw work((because) => cancelled.abort(because));
  });
  await expect(release).rejects.toThrow();
  return parseEvents(readFileSync(file, "utf8")).find(
    (event) => event.event === "end" && event.host === host,
  );
}

describe("a release whose work ends without a verdict", () => {
  test("is interrupted where the update was cancelled, whatever was told of that", async () => {
    const cutOff = await outcomeOf("web1", (cancel) => {
      cancel(new Error("cancelled"));
      return new Error("ssh was cancelled");
    });
    expect(cutOff).toMatchObject({ outcome: "interrupted" });
  });

  test("has failed otherwise, out of time too", async () => {
    const late = await outcomeOf("web3", (cancel) => {
      cancel(new NotInTime("web3: not done within the 5 s of its customTimeouts"));
      return new Error("ssh was cancelled");
    });
    expect(late).toMatchObject({ outcome: "failed" });
    const failed = await outcomeOf("web2", () => new Error("the disk is full"));
    expect(failed).toMatchObject({ outcome: "failed", because: "the disk is full" });
  });
});
