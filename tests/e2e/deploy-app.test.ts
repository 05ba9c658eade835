import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import type { ClosureReport, HostReport } from "../../cli/report/model.ts";
import { checkout } from "../../lab/setup/places.mjs";
import { type AppRepository, author, takeApart } from "./app-repository.ts";
import { berth } from "./berth.ts";
import { World } from "./changes/world.ts";

let world: World;
let app: AppRepository;
/** What the first update said, which installed the host. */
let first: string;

beforeAll(async () => {
  world = await World.create(join(checkout, ".lab-e2e-deploy-app"));
  app = await takeApart(world.lab.places.flake, world.lab.env);
  await world.edit((stack) => {
    stack.flake = `git+file://${app.flake}`;
    stack.hosts = {
      web1: {
        system: "web",
        server: { type: "cx23", location: "fsn1", image: "debian-13" },
        healthDeadline: 8,
      },
    };
  });
  const ended = await berth(world.lab.env, "up", "--yes", "--skip-preview", "--non-interactive");
  expect(ended.exitCode, ended.output).toBe(0);
  first = ended.output;
  await world.refreshOutputs();
});
afterAll(async () => {
  await app?.[Symbol.asyncDispose]();
  await world?.remove();
});

const pulumis = ["--", "--skip-preview", "--non-interactive"];
const deploy = (...args: string[]) =>
  berth({ ...world.lab.env, ...author }, "deploy", "site", "--flake", app.flake, ...args);
const served = async (path: string) => {
  const response = await fetch(`http://${world.outputs.hosts.web1?.address}${path}`, {
    headers: { host: "site.lab" },
    signal: AbortSignal.timeout(10_000),
  });
  return await response.text();
};
const page = () => served("/");
/** What a deployment may change, or must not. */
const everything = async () => ({
  lock: (await app.lock()).text,
  pushed: await app.git(app.at("site.git"), "rev-parse", "main"),
  checkedOut: await app.git(app.app, "rev-parse", "HEAD"),
  committed: await app.git(app.flake, "rev-parse", "HEAD"),
  flakeStatus: await app.git(app.flake, "status", "--porcelain"),
  release: await served("/healthz"),
});

/** The report that an update has written, and what it tells of web1. */
async function reportOf(
  output: string,
): Promise<{ page: string; closures: ClosureReport[]; web1: HostReport }> {
  const page = /The report is (\S+)/.exec(output)?.[1] ?? "";
  const told = await berth(world.lab.env, "report", page.replace(/html$/, "jsonl"), "--json");
  const { items, closures } = JSON.parse(told.stdout) as { items: HostReport[]; closures: ClosureReport[] };
  expect(items.map(({ host }) => host)).toEqual(["web1"]);
  return { page: await readFile(page, "utf8"), closures, web1: items[0] as HostReport };
}
const kinds = ({ phases }: HostReport) => [...new Set(phases.map(({ kind }) => kind))];

test("the report of the first update tells the installation, phase by phase, and the release that was found", async () => {
  const { page, web1 } = await reportOf(first);
  expect(page).toContain("all hosts run what is wanted: 1");
  expect(web1).toMatchObject({ outcome: "verified", done: true });
  expect(kinds(web1)).toEqual(expect.arrayContaining(["install", "prepare", "check"]));
  const installed = web1.phases.filter(({ kind }) => kind === "install").map(({ name }) => name);
  expect(installed).toEqual(expect.arrayContaining(["boot the installer", "lay out the disk", "restart"]));
  for (const name of installed) expect(page).toContain(name);
});

test("a commit of the app goes live: pushed, its input alone updated, and the lock file committed", async () => {
  await writeFile(join(app.at("other"), "more"), "of no concern");
  await app.commit(app.at("other"), "newer");
  await app.git(app.at("other"), "push", "--quiet");
  const before = await app.lock();
  const text = await app.site.change("a first commit");
  const head = await app.commit(app.app, "a first commit");

  const run = await deploy("--yes", ...pulumis);
  expect(run.exitCode, run.output).toBe(0);
  expect(run.stdout).toMatch(/^web1 +switched /m);
  expect(await page()).toContain(text);
  const report = await reportOf(run.output);
  expect(kinds(report.web1)).toEqual(expect.arrayContaining(["prepare", "switch", "check", "keep"]));
  expect(report.web1.trial?.judged).toMatchObject({ healthy: true });
  const last = report.web1.checks.map(({ answers }) => answers.at(-1)?.healthy);
  expect(last.length).toBeGreaterThan(0);
  expect(last).not.toContain(false);
  expect(report.web1.lacked?.paths).toBeGreaterThan(0);
  expect(report.closures[0]?.packages.some(({ state }) => state !== "same")).toBe(true);
  for (const { name } of report.web1.phases) expect(report.page).toContain(name);
  expect(await app.git(app.at("site.git"), "rev-parse", "main")).toBe(head);
  const after = await app.lock();
  expect(after.nodes["site"]).toMatchObject({ locked: { rev: head } });
  expect({ ...after.nodes, site: null }).toEqual({ ...before.nodes, site: null });
  expect(await app.git(app.flake, "show", "--format=%s", "--name-only")).toMatch(
    new RegExp(`^site: \\w{10} -> ${head.slice(0, 10)}\n\nflake.lock$`),
  );
  expect(await app.git(app.flake, "status", "--porcelain")).toBe("");
});

test("again, with nothing new, finds every host on it and commits nothing", async () => {
  const before = await everything();
  const run = await deploy("--yes", ...pulumis);
  expect(run.exitCode, run.output).toBe(0);
  expect(run.output).toContain(`site is at ${before.checkedOut.slice(0, 10)} already`);
  expect(run.stdout).toMatch(/^web1 +unchanged /m);
  expect(await everything()).toEqual(before);
});

describe("refused, with nothing changed, and told what to do, is what", () => {
  afterEach(async () => {
    await app.git(app.app, "fetch", "--quiet");
    await app.git(app.app, "switch", "--quiet", "--discard-changes", "main");
    await app.git(app.app, "reset", "--quiet", "--hard", "origin/main");
  });
  test.each<[string, () => Promise<unknown>, string[], RegExp]>([
    [
      "is not committed",
      () => app.site.change("not committed"),
      ["--yes"],
      /these files are not committed: src\/lib\/greeting\.ts\. Nothing was pushed, and no host was touched\. Next: commit or stash them/,
    ],
    [
      "is on a branch that the flake does not follow",
      () => app.git(app.app, "switch", "--quiet", "--create", "feature"),
      ["--yes"],
      /the flake follows its branch main, and feature is checked out\..* Next: merge into main and git switch main/,
    ],
    [
      "nobody said yes to",
      async () => {
        await app.site.change("not pushed");
        await app.commit(app.app, "not pushed");
      },
      [],
      /push 1 commit to origin\/main: nobody said yes\. Nothing was pushed, .* Next: push by hand, or say --yes/,
    ],
    [
      "is another working copy than the input's",
      async () => undefined,
      ["--yes", "--app", "other"],
      /"site" follow \S+\/other: .* No host was touched\. Next: see that the input's URL/,
    ],
  ])("%s", async (_, spoil, args, words) => {
    await spoil();
    const before = await everything();
    const run = await deploy(...args.map((arg) => (arg === "other" ? app.at("other") : arg)), ...pulumis);
    expect(run.exitCode, run.output).toBe(1);
    expect(run.output).toMatch(words);
    expect(run.output).not.toMatch(/\n\s+at .*:\d+:\d+/);
    expect(await everything()).toEqual(before);
  });

  test("is behind its remote", async () => {
    await app.git(app.at("."), "clone", "--quiet", app.at("site.git"), "theirs");
    await writeFile(join(app.at("theirs"), "theirs"), "theirs");
    await app.commit(app.at("theirs"), "theirs");
    await app.git(app.at("theirs"), "push", "--quiet");
    const before = await everything();
    const run = await deploy("--yes", ...pulumis);
    expect(run.exitCode, run.output).toBe(1);
    expect(run.output).toMatch(/origin\/main has 1 commit that is not here\..* Next: git pull --rebase/);
    expect(await everything()).toEqual(before);
  });

  test("the flake does not have", async () => {
    const run = await berth(world.lab.env, "deploy", "shop", "--flake", app.flake, "--yes", ...pulumis);
    expect(run.exitCode).toBe(1);
    expect(run.output).toMatch(
      /find the input "shop" .*: its inputs are other, site\. Next: name one of these/,
    );
  });
});

test("a release that is sent back leaves the lock file uncommitted, until one goes live", async () => {
  const before = await everything();
  await app.site.break();
  await app.commit(app.app, "broken");
  const run = await deploy("--yes", ...pulumis);
  expect(run.exitCode).not.toBe(0);
  expect(run.stdout).toMatch(/^web1 +rolled back /m);
  expect(run.output).toMatch(/flake\.lock is changed and not committed: not every host runs what it says/);
  const report = await reportOf(run.output);
  expect(report.web1).toMatchObject({
    ...{ outcome: "rolled back", done: false, trial: { judged: { healthy: false } } },
    failure: {
      tried: "the new system did not become healthy",
      next: "fix the release and run pulumi up again",
    },
  });
  expect(kinds(report.web1)).toContain("back");
  expect(report.page.indexOf("the new system did not become healthy")).toBeGreaterThan(0);
  expect(await served("/healthz")).toBe(before.release);
  expect(await app.git(app.flake, "rev-parse", "HEAD")).toBe(before.committed);

  await app.site.mend();
  const text = await app.site.change("mended");
  const head = await app.commit(app.app, "mended");
  // What was pushed by hand goes live as well, and what went live is what is committed.
  await app.git(app.app, "push", "--quiet");
  const live = before.lock.match(/"rev": "(\w{10})/g);
  const again = await deploy("--yes", ...pulumis);
  expect(again.exitCode, again.output).toBe(0);
  expect(await page()).toContain(text);
  const [, from] = /^site: (\w{10}) -> /.exec(await app.git(app.flake, "log", "-1", "--format=%s")) ?? [];
  expect(live).toContain(`"rev": "${from}`);
  expect((await app.lock()).nodes["site"]).toMatchObject({ locked: { rev: head } });
});

test("what an update has left is committed by the next that finds every host on it", async () => {
  const text = await app.site.change("by hand first");
  const head = await app.commit(app.app, "by hand first");
  const left = await deploy("--yes", "--no-commit", ...pulumis);
  expect(left.exitCode, left.output).toBe(0);
  expect(await page()).toContain(text);
  expect(await app.git(app.flake, "status", "--porcelain")).toBe(" M flake.lock");
  const run = await deploy("--yes", ...pulumis);
  expect(run.exitCode, run.output).toBe(0);
  expect(await app.git(app.flake, "log", "-1", "--format=%s")).toContain(`-> ${head.slice(0, 10)}`);
  expect(await app.git(app.flake, "status", "--porcelain")).toBe("");
});
