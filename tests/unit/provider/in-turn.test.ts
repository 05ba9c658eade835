import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test, vi } from "vitest";
import { Failure } from "../../../deployer/failure.ts";
import { parseEvents } from "../../../deployer/runs/events.ts";
import { recordVariable } from "../../../deployer/runs/record.ts";
import { NotInTime } from "../../../provider/framework/calls.ts";
import type { CallContext } from "../../../provider/framework/types.ts";
import { inTurn, reasonOf } from "../../../provider/resources/in-turn.ts";

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

const cameBack = (...lines: string[]) =>
  new Failure({ tried: "copy it", cameBack: lines.join("\n"), next: "make room" });

test.each([
  ["the first line", ["the build failed", "error: builder failed"], "the build failed"],
  [
    "the last error, where Nix has told its progress before",
    [
      "copying 3 paths...",
      "copying path '/nix/store/a' to 'ssh://web1'...",
      "error: writing to file: No space left on device",
      "error: unexpected end-of-file",
    ],
    "error: writing to file: No space left on device",
  ],
  [
    "the end of the connection, where there is nothing else",
    ["copying 3 paths...", "error: unexpected end-of-file"],
    "error: unexpected end-of-file",
  ],
  ["the progress, where nothing went wrong by Nix's word", ["copying 3 paths..."], "copying 3 paths..."],
])("one line of an error is %s", (_, lines, expected) => {
  expect(reasonOf(cameBack(...lines))).toBe(expected);
});
