import { chmod, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { beforeEach, describe, expect, onTestFinished, test, vi } from "vitest";
import type { ReviewItem } from "../../../../cli/review/report.ts";
import { run } from "../../../../deployer/process.ts";

const command = new URL("../../../../bin/berth", import.meta.url).pathname;
const standIn = new URL("./pulumi-stand-in.ts", import.meta.url).pathname;
const template = `
config:
  berth:hosts:
    web1: { system: web, server: { type: cx23, location: fsn1 } }
`;
let folder: string;

// Each run of the command starts it, and pulumi's stand-in up to twenty times.
vi.setConfig({ testTimeout: 600_000 });

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "berth-review-"));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  await writeFile(join(folder, "Pulumi.yaml"), "name: shop\nruntime: nodejs\n");
  await writeFile(join(folder, "Pulumi.review.yaml"), template);
  await writeFile(join(folder, "pulumi"), `#!/bin/sh\nexec '${process.execPath}' '${standIn}' "$@"\n`);
  await chmod(join(folder, "pulumi"), 0o755);
});

/** The verbs as people run them, with a pulumi that is played. */
async function berth(args: readonly string[], env: Record<string, string> = {}) {
  // No variable of a workflow that runs this test.
  const forge = { GITHUB_ACTIONS: "", GITHUB_REPOSITORY: "", CI_PROJECT_ID: "", HCLOUD_TOKEN: "" };
  const ended = await run(command, ["review", ...args], {
    cwd: folder,
    deadline: 240_000,
    env: { ...forge, STAND_IN_FOLDER: folder, PATH: `${folder}:${process.env["PATH"]}`, ...env },
  });
  return { ...ended, said: ended.stderr };
}
const items = (json: string): ReviewItem[] => JSON.parse(json).items;
const stacks = async () =>
  (await readdir(folder)).flatMap((file) => /^(.+)\.stack\.json$/.exec(file)?.[1] ?? []);
const stackFile = (name: string) => join(folder, `${name}.stack.json`);
const change = async (name: string, changes: object) => {
  const stack = JSON.parse(await readFile(stackFile(name), "utf8"));
  await writeFile(stackFile(name), JSON.stringify({ ...stack, ...changes }));
};
const asked = async () => (await readFile(join(folder, "asked"), "utf8")).split("\n");
/** Make one, and write another end into both of its marks. */
async function made(number: number, until?: string): Promise<void> {
  expect((await berth(["up", "--number", String(number)])).exitCode).toBe(0);
  if (until === undefined) return;
  const text = await readFile(stackFile(`pr-${number}`), "utf8");
  await writeFile(stackFile(`pr-${number}`), text.replaceAll(/(until\\?":\\?")[^"\\]*/g, `$1${until}`));
}
const past = "2026-01-01T00:00:00.000Z";

describe("berth review up", () => {
  test("makes a stack that ends, tells where it is, and leaves the selected one selected", async () => {
    await writeFile(join(folder, "selected"), "prod");
    const before = Date.now();
    const ended = await berth(["up", "--number", "7", "--hours", "2", "--commit", "abc", "--json"]);
    expect(ended.exitCode, ended.said).toBe(0);
    const [item] = items(ended.stdout);
    expect(item).toMatchObject({
      ...{ stack: "pr-7", pull: 7, state: "up", commit: "abc", monthly: 5.99, currency: "EUR" },
      addresses: { web1: "http://203.0.113.7/" },
    });
    const ends = Date.parse(item?.until ?? "") - 2 * 3_600_000;
    expect(ends >= before && ends <= Date.now()).toBe(true);
    expect(await readFile(join(folder, "selected"), "utf8")).toBe("prod");
  });

  test("again keeps its id and begins its time anew", async () => {
    const terms = async () =>
      JSON.parse(JSON.parse(await readFile(stackFile("pr-7"), "utf8")).tags["berth:short-lived"]);
    await made(7, past);
    const before = await terms();
    await made(7);
    expect(await terms()).toMatchObject({ id: before.id, stack: "pr-7" });
    expect((await terms()).until > before.until).toBe(true);
  });

  test.each([
    ["what costs more than the cap", ["--cap", "5.98"], template, "its cap is 5.98"],
    ["what has no known price", [], template.replace("cx23", "cx1"), "nobody knows what this costs"],
    [
      "a machine of others",
      [],
      template.replace(/server: .*/, `existing: { address: 203.0.113.9, hostKey: "ssh-ed25519 AAAA" } }`),
      "stays when a short-lived stack goes",
    ],
    ["what is no template", [], "config:\n  berth:shortLived: {}\n", "a short-lived stack's own file"],
  ])("refuses %s, and makes nothing", async (_, args, text, because) => {
    await writeFile(join(folder, "Pulumi.review.yaml"), text);
    const ended = await berth(["up", "--number", "7", ...args]);
    expect(ended.exitCode).toBe(1);
    expect(ended.said).toContain(because);
    expect(await stacks()).toEqual([]);
  });

  test("refuses one too many, and takes its empty stack back", async () => {
    await made(1);
    const ended = await berth(["up", "--number", "2", "--most", "1", "--json"]);
    expect(ended.exitCode).toBe(1);
    expect(items(ended.stdout)).toMatchObject([{ stack: "pr-2", state: "failed", until: null }]);
    expect(ended.stdout).toContain("1 at most: pr-1");
    expect(await stacks()).toEqual(["pr-1"]);
    // The one that is there already has its place.
    expect((await berth(["up", "--number", "1", "--most", "1"])).exitCode).toBe(0);
  });

  test("refuses a stack of that name that somebody else has made, and touches nothing of it", async () => {
    const theirs = { tags: {}, resources: [{ type: "a:b:C", urn: "urn:pulumi:pr-7::shop::a:b:C::c" }] };
    await writeFile(stackFile("pr-7"), JSON.stringify(theirs));
    const ended = await berth(["up", "--number", "7"]);
    expect(ended.exitCode).toBe(1);
    expect(ended.said).toContain("it is not known to be one");
    expect(JSON.parse(await readFile(stackFile("pr-7"), "utf8"))).toEqual(theirs);
  });

  test("that fails halfway leaves a stack that a sweep takes down", async () => {
    const ended = await berth(["up", "--number", "7", "--json", "--", "--broken"]);
    expect(ended.exitCode).toBe(1);
    expect(items(ended.stdout)).toMatchObject([{ state: "failed", until: expect.any(String) }]);
    await made(7, past);
    expect((await berth(["sweep"])).exitCode).toBe(0);
    expect(await stacks()).toEqual([]);
  });
});

describe("berth review down", () => {
  test("takes it down, and once more has nothing to do", async () => {
    await made(7);
    for (const because of ["", "there is none"]) {
      const ended = await berth(["down", "--number", "7", "--json"]);
      expect(ended.exitCode, ended.said).toBe(0);
      expect(items(ended.stdout)).toMatchObject([{ stack: "pr-7", state: "gone", because }]);
    }
    expect(await stacks()).toEqual([]);
  });

  test.each([
    ["without a tag", { tags: {} }],
    [
      "with a state that says nothing",
      { resources: [{ type: "a:b:C", urn: "urn:pulumi:pr-7::shop::a:b:C::c" }] },
    ],
  ])("leaves one alone %s", async (_, changes) => {
    await made(7);
    await change("pr-7", changes);
    const ended = await berth(["down", "--number", "7"]);
    expect(ended.exitCode).toBe(1);
    expect(ended.said).toContain("it is not known to be a short-lived stack");
    expect(await stacks()).toEqual(["pr-7"]);
    expect((await asked()).some((line) => line.startsWith("destroy"))).toBe(false);
  });
});

describe("berth review sweep", () => {
  test("takes down what is over, though one before it fails, and leaves what stays", async () => {
    await made(1, past);
    await change("pr-1", { stuck: true });
    await made(2, past);
    await made(3);
    await writeFile(
      stackFile("prod"),
      JSON.stringify({ tags: {}, resources: [{ type: "a:b:C", urn: "u" }] }),
    );
    const ended = await berth(["sweep", "--json"]);
    expect(ended.exitCode).toBe(1);
    const found = items(ended.stdout).map(({ stack, state }) => [stack, state]);
    expect(found.toSorted()).toEqual([
      ["pr-1", "failed"],
      ["pr-2", "gone"],
      ["pr-3", "there"],
    ]);
    expect((await stacks()).toSorted()).toEqual(["pr-1", "pr-3", "prod"]);
    // What held it up is gone: the next one takes it.
    await change("pr-1", { stuck: false });
    expect((await berth(["sweep"])).exitCode).toBe(0);
    expect((await stacks()).toSorted()).toEqual(["pr-3", "prod"]);
  });

  test("tells one with a single mark to a person, and goes on", async () => {
    await made(1, past);
    await change("pr-1", { tags: {} });
    await made(2, past);
    const ended = await berth(["sweep", "--json"]);
    expect(ended.exitCode).toBe(1);
    const found = items(ended.stdout).map(({ stack, state }) => [stack, state]);
    expect(found.toSorted()).toEqual([
      ["pr-1", "refused"],
      ["pr-2", "gone"],
    ]);
  });

  test("takes down before its end what the forge says is not open", async () => {
    await made(1);
    await made(2);
    const server = createServer((request, response) => {
      response.end(JSON.stringify({ state: request.url?.endsWith("/1") ? "closed" : "open" }));
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    onTestFinished(() => void server.close());
    const api = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const forge = ["--forge", "github", "--api", api, "--repository", "ada/shop"];
    const ended = await berth(["sweep", "--json", ...forge], { BERTH_FORGE_TOKEN: "t0k3n" });
    expect(ended.exitCode, ended.said).toBe(0);
    expect(await stacks()).toEqual(["pr-2"]);
    expect(items((await berth(["list", "--json"])).stdout)).toMatchObject([
      { stack: "pr-2", pull: 2, state: "there" },
    ]);
  });
});

test("a pull request's own report is told of that one alone", async () => {
  const item = { state: "up", until: past, because: "", addresses: {} };
  const report = join(folder, "report.json");
  const both = [
    { ...item, stack: "pr-7", pull: 7 },
    { ...item, stack: "pr-8", pull: 8 },
    { ...item, stack: "pr-8", pull: 7 },
  ];
  await writeFile(report, JSON.stringify({ verb: "review", items: both }));
  const { stdout, exitCode } = await berth(["comment", "--from", report, "--number", "7", "--print"]);
  expect(exitCode).toBe(0);
  expect(stdout.match(/<!-- berth short-lived stack .* -->/g)).toEqual([
    "<!-- berth short-lived stack shop/pr-7 -->",
  ]);
});
