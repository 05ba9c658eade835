import { describe, expect, test } from "vitest";
import { type Release, release } from "../../../../deployer/release/release.ts";
import type { RemoteOptions } from "../../../../deployer/ssh/session.ts";
import { earlier, playedSession, release as toplevel } from "./observed.ts";

const wanted: Release = {
  ...{ drvPath: "", toplevel, system: "x86_64-linux", onHost: true, owner: "me" },
  ...{ health: [], healthDeadline: 20 },
};

/** A host that answers a preparation so; with what it was asked, script and document. */
function host(prepared: { exitCode: number; stdout: string }) {
  const asked: { script: string; document: string }[] = [];
  const session = playedSession({
    label: "web1 (203.0.113.7)",
    keepShell: () => undefined,
    ready: async () => undefined,
    foreseeRenewal: async () => undefined,
    drop: () => undefined,
    sh: async (script: string, { input = "" }: RemoteOptions) => {
      asked.push({ script, document: input.slice(0, input.indexOf("---\n")) });
      const answer = script.includes("# Before the copy:")
        ? prepared
        : { exitCode: 0, stdout: '{"ok":true}' };
      return { ...answer, stderr: "" };
    },
  });
  const lastAsked = () => asked.at(-1) ?? { script: "", document: "" };
  return { session, lastAsked };
}

describe("a release whose preparation", () => {
  test("nobody has heard of is given up, though it may get there later", async () => {
    const { session, lastAsked } = host({ exitCode: 255, stdout: "" });
    await expect(release(session, wanted, { status: () => undefined })).rejects.toThrow(
      "the connection broke",
    );
    expect(lastAsked().script).toContain("give the lock back");
    expect(lastAsked().document).toContain("text=unanswered\n");
  });

  test("was answered is given up as it is known there", async () => {
    const seen = { ...earlier, held: JSON.stringify({ toplevel, since: "2026-11-20T10:00:00Z", by: "me" }) };
    const answer = { ok: true, missing: 0, missingBytes: 0, few: [], armed: false, seen };
    const { session, lastAsked } = host({ exitCode: 0, stdout: JSON.stringify(answer) });
    expect((await release(session, wanted, { status: () => undefined })).held?.by).toBe("me");
    expect(lastAsked().script).toContain("give the lock back");
    expect(lastAsked().document).toMatch(/text=\n/);
  });
});
