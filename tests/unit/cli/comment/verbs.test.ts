import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, expect, type MockInstance, test, vi } from "vitest";
import { comment } from "../../../../cli/comment/comment.ts";
import { digestOf } from "../../../../cli/comment/digest.ts";
import { previewJson } from "../../../../cli/comment/preview.ts";
import { reportDrift } from "../../../../cli/comment/report-drift.ts";
import { reviewed } from "../../../../cli/comment/reviewed.ts";
import { Forge, kinds } from "./forge-server.ts";

const file = (...path: string[]): string => join(import.meta.dirname, ...path);
const head = "a".repeat(40);
const merge = "b".repeat(40);

let stdout: MockInstance;
let stderr: MockInstance;
const printed = (): string => stdout.mock.calls.join("");

beforeEach(() => {
  stdout = vi.spyOn(process.stdout, "write").mockReturnValue(true);
  stderr = vi.spyOn(process.stderr, "write").mockReturnValue(true);
});
afterEach(() => {
  stdout.mockRestore();
  stderr.mockRestore();
  vi.unstubAllEnvs();
});

/** The options and variables of a job at a forge. */
async function job(kind: (typeof kinds)[number]) {
  const forge = await Forge.start(kind);
  const { api, repository, token } = forge.repository;
  vi.stubEnv("BERTH_FORGE_TOKEN", token);
  return { forge, at: { forge: kind, api, repository, project: "berth" } };
}

test.each(kinds)(
  "at %s what was previewed is what is deployed, from the comment to the comparison",
  async (kind) => {
    const { forge, at } = await job(kind);
    forge.pulls[merge] = [{ number: 7, head, merged: true, as: merge }];
    Object.assign(forge.trees, { [head]: "the same files", [merge]: "the same files" });
    const from = file("previews", "app.json");
    expect(await comment("prod", { ...at, number: 7, from, commit: head })).toBe(0);
    await reviewed("prod", { ...at, commit: merge });
    const digest = digestOf(previewJson.parse(JSON.parse(await readFile(from, "utf8"))));
    expect(printed()).toBe(`pull=7\npreviewed=${head}\nchanges=${digest}\n`);
    expect(await comment("prod", { ...at, from, expect: digest, print: true })).toBe(0);
    const other = { ...at, from: file("previews", "location.json"), expect: digest, print: true };
    await expect(comment("prod", other)).rejects.toThrow(`reviewed was ${digest}`);
    // What it would do now is there to be read.
    expect(printed()).toContain("REPLACE");
  },
);

test("a preview that failed has no changes that were expected", async () => {
  const { at } = await job("github");
  const options = { ...at, from: file("previews", "failed.json"), expect: "0".repeat(64), print: true };
  expect(await comment("prod", options)).toBe(1);
});

test.each(kinds)("at %s an issue follows what was found", async (kind) => {
  const { forge, at } = await job(kind);
  const found = (name: string) => reportDrift("prod", { ...at, from: file("refreshes", `${name}.json`) });
  const seen = () => forge.issues.map(({ title, open, body }) => [title, open, body.split("\n")[2]]);
  expect([await found("clean"), seen()]).toEqual([0, []]);
  const title = "Drift of berth/prod";
  expect([await found("drifted"), seen()]).toEqual([
    0,
    [[title, true, "### 🔴 `berth/prod`: 4 resources are not as the stack left them"]],
  ]);
  expect([await found("failed"), seen()]).toEqual([
    1,
    [[title, true, "### ❌ `berth/prod` could not be looked at"]],
  ]);
  expect([await found("clean"), seen()]).toEqual([
    0,
    [[title, false, "### ⚪ `berth/prod` is as it was left"]],
  ]);
});

test("an issue shows no secret that is in the environment", async () => {
  const { forge, at } = await job("github");
  vi.stubEnv("HCLOUD_TOKEN", "broken.service");
  await reportDrift("prod", { ...at, from: file("refreshes", "drifted.json") });
  expect(forge.issues[0]?.body).toContain("these units have failed: [secret]");
});

test("what nobody has named is named in the error", async () => {
  for (const name of ["GITHUB_SHA", "CI_COMMIT_SHA", "BERTH_FORGE_TOKEN", "GITHUB_TOKEN", "FORGEJO_TOKEN"])
    vi.stubEnv(name, undefined);
  await expect(reviewed(undefined, { forge: "github", api: "https://x", repository: "a/b" })).rejects.toThrow(
    "tell the stack, with -s, --commit, the token, in BERTH_FORGE_TOKEN",
  );
  await expect(reportDrift(undefined, { from: file("refreshes", "clean.json") })).rejects.toThrow(
    "name the stack",
  );
});
