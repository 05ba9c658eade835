import { rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { looks, noBrowser, type OpenPage, overhang, Pages } from "../../browser.ts";
import { deadLook, goodLook, toplevel, troubledLook, World } from "../../unit/cli/status/web/samples.ts";

/** The page of `berth status --web` in a real browser. */

let pages: Pages;
let world: World;

beforeEach(({ skip }) => skip(noBrowser !== undefined, noBrowser));
beforeAll(async () => {
  if (noBrowser === undefined) pages = await Pages.start();
});
afterAll(() => pages?.close());
afterEach(() => world?.[Symbol.asyncDispose]());

const look = { scheme: "light", width: "wide" } as const;
const ago = (seconds: number) => new Date(Date.now() - seconds * 1_000);
const textOf =
  ({ page }: OpenPage, selector: string) =>
  () =>
    page.locator(selector).innerText();
/** The lines on top that say whether it is live. */
const link = (open: OpenPage) => textOf(open, "#link");

async function opened(options: Parameters<Pages["open"]>[1] = look): Promise<OpenPage> {
  const open = await pages.open(world.page.url, options);
  await open.page.waitForSelector("#live");
  if (options.script !== false) await expect.poll(link(open)).toContain("live");
  return open;
}

const begin = (host: string, at = new Date()) =>
  ({ event: "begin", host, wanted: toplevel("c"), at: at.toISOString() }) as const;

/** An update that goes on, and two before it, one with a report. */
async function updates(): Promise<void> {
  const failed = ago(7_200);
  const report = world.record(failed, "first");
  await world.append(
    report,
    begin("web1", failed),
    { event: "step", host: "web1", step: "building", at: failed.toISOString() },
    {
      event: "end",
      host: "web1",
      at: new Date(failed.getTime() + 41_000).toISOString(),
      outcome: "rolled back",
      before: toplevel("b"),
      after: toplevel("b"),
      because: "GET http://site.example.org/healthz answered 502 for 30 s",
    },
  );
  await writeFile(report.replace(/jsonl$/, "html"), "<!doctype html><title>report</title><p>A report");
  const well = ago(3_600);
  const end = {
    event: "end",
    outcome: "switched",
    at: new Date(well.getTime() + 9_000).toISOString(),
  } as const;
  await world.append(world.record(well, "second"), begin("web1", well), {
    ...end,
    host: "web1",
    before: toplevel("a"),
    after: toplevel("b"),
  });
  // No earlier than the process that keeps the record.
  const now = new Date(Math.max(Date.now() - 20_000, performance.timeOrigin));
  const at = (second: number) => new Date(now.getTime() + second * 1_000).toISOString();
  await world.append(
    world.record(now),
    {
      event: "plan",
      stack: "prod",
      groups: [
        ["web1", "web2"],
        ["web3", "web4"],
      ],
      maxUnavailable: 2,
      wanted: { web1: toplevel("c"), web2: toplevel("c"), web3: toplevel("c"), web4: toplevel("c") },
      at: at(0),
    },
    begin("web1", now),
    begin("web2", now),
    { event: "step", host: "web1", step: "copying", at: at(1) },
    { event: "lacks", host: "web1", paths: 12, bytes: 3_400_000, at: at(2) },
    { event: "trial", host: "web1", at: at(3) },
    {
      event: "step",
      host: "web1",
      step: "waiting for health: GET http://site.example.org/healthz",
      at: at(5),
    },
    { event: "step", host: "web2", step: "waiting for its turn: web1 on trial", at: at(4) },
  );
}

describe("as a picture", () => {
  test.each(looks)("all of it fits into the page, $scheme and $width", async (options) => {
    const slow = new Promise<never>(() => {});
    const others = { web2: troubledLook("web2"), web3: deadLook("web3"), web4: slow };
    world = await World.start(["web1", "web2", "web3", "web4"], { every: 3_600 }, others);
    await updates();
    const open = await opened(options);
    await expect.poll(textOf(open, "#count")).toContain("3 of 4 looked at");
    await expect.poll(textOf(open, "#update")).toMatch(/web1 … on trial/);
    expect(await overhang(open.page)).toBe(0);
    await open.picture("live");
    await open.page.locator("#host-web2-releases summary").click();
    await open.page.locator("#work-web1-steps summary").click();
    expect(await overhang(open.page)).toBe(0);
    await open.picture("live-open");
    expect(open.troubles).toEqual([]);
  });

  test("a stack that nothing was done to yet", async () => {
    world = await World.start([]);
    const open = await opened({ scheme: "dark", width: "narrow" });
    expect(await textOf(open, "#live")()).toContain("The stack has no hosts yet");
    await open.picture("live-empty");
    expect(await overhang(open.page)).toBe(0);
    expect(open.troubles).toEqual([]);
  });
});

describe("without being loaded anew", () => {
  /** Load it, and be sure later that it is still the same page. */
  async function kept(): Promise<OpenPage & { isSame: () => Promise<boolean> }> {
    const open = await opened();
    await open.page.evaluate("window.kept = true");
    return { ...open, isSame: () => open.page.evaluate<boolean>("window.kept === true") };
  }

  test("a host's change appears, and what is open, has focus or is scrolled stays so", async () => {
    world = await World.start(["web1", "web2", "web3"]);
    const open = await kept();
    await expect.poll(textOf(open, "#count")).toContain("all hosts are well: 3");
    await open.page.setViewportSize({ width: 1280, height: 400 });
    const summary = open.page.locator("#host-web1-releases summary");
    await summary.click();
    await open.page.evaluate("window.scrollTo(0, 120)");
    world.looks["web1"] = troubledLook("web1");
    await expect.poll(textOf(open, "#host-web1")).toContain("backup.service");
    world.looks["web2"] = deadLook("web2");
    await expect.poll(textOf(open, "#host-web2")).toContain("not reached");
    expect(await open.page.locator("#host-web1-releases").getAttribute("open")).not.toBeNull();
    expect(await summary.evaluate((element) => element === element.ownerDocument.activeElement)).toBe(true);
    expect(await open.page.evaluate("window.scrollY")).toBe(120);
    expect(await open.isSame()).toBe(true);
    expect(open.troubles).toEqual([]);
  });

  test("an update's steps appear as lines are added to its record", async () => {
    world = await World.start(["web1"]);
    const open = await kept();
    const update = textOf(open, "#update");
    expect(await update()).toContain("There is no record of an update");
    const file = world.record();
    await world.append(file, begin("web1"));
    await expect.poll(update).toContain("The update that is running");
    await open.page.locator("#update").waitFor();
    await world.append(file, { event: "step", host: "web1", step: "copying" });
    await expect.poll(update).toMatch(/copying\s+\d+ s ago/);
    await open.page.locator("#work-web1-steps summary").click();
    await world.append(file, { event: "trial", host: "web1" });
    await expect.poll(update).toContain("on trial");
    const steps = await open.page.locator("#work-web1-steps li").allInnerTexts();
    expect(steps).toEqual([expect.stringContaining("copying"), expect.stringContaining("the trial begins")]);
    await world.append(
      file,
      { event: "verdict", host: "web1" },
      { event: "end", host: "web1", outcome: "switched", before: toplevel("b"), after: toplevel("c") },
      { event: "summary", exitCode: 0, results: [] },
    );
    await expect.poll(update).toContain("The last update");
    expect(await update()).toContain("bbbbbb…-nixos-system-web → cccccc…-nixos-system-web");
    await writeFile(file.replace(/jsonl$/, "html"), "<!doctype html><title>report</title><p>A report");
    await open.page.locator("#update a").click();
    await expect.poll(() => open.page.title()).toBe("report");
    await open.page.goBack();
    await expect.poll(link(open)).toContain("live");
    expect(open.troubles).toEqual([]);
  });

  test("ages go on", async () => {
    world = await World.start(["web1"], { every: 3_600 });
    const open = await kept();
    const seen = textOf(open, "#host-web1 h3 .ago");
    const before = Number.parseInt(await seen(), 10);
    await expect.poll(async () => Number.parseInt(await seen(), 10)).toBeGreaterThan(before + 1);
  });
});

describe("when the command is gone", () => {
  test("the page says so and since when; when it is back, the page goes on", async () => {
    world = await World.start(["web1"]);
    const open = await opened();
    await expect.poll(textOf(open, "#host-web1")).toContain("well");
    const { port } = world;
    await world.page.close();
    await expect.poll(link(open)).toMatch(/not live\s.*since \d\d:\d\d:\d\d UTC/s);
    expect(await link(open)()).toContain(`berth -s prod status --web --port ${port}`);
    await open.picture("live-lost");
    world.looks["web1"] = deadLook("web1");
    await world.serve({ port });
    await expect.poll(link(open)).not.toContain("not live");
    await expect.poll(textOf(open, "#host-web1")).toContain("not reached");
    // What a browser writes by itself where nobody listens.
    for (const trouble of open.troubles)
      expect(trouble).toMatch(/^console: Failed to load resource: net::ERR_(CONNECTION|INCOMPLETE|EMPTY)/);
  });

  test("a page that it does not know any longer is told to be opened anew", async () => {
    world = await World.start(["web1"]);
    const open = await opened();
    const { port } = world;
    await world.page.close();
    await rm(join(world.folder, ".berth/status-key"));
    await world.serve({ port });
    await expect.poll(link(open)).toContain("open the address that it has printed");
  });
});

test("without a script the page is whole, and loads itself anew", async () => {
  world = await World.start(["web1", "web2"], {}, { web2: deadLook("web2") });
  const open = await opened({ ...look, script: false });
  await expect.poll(textOf(open, "#count")).toContain("1 of 2 hosts are well");
  expect(await textOf(open, "main")()).toContain("loads itself anew");
  world.looks["web2"] = goodLook("web2");
  await expect.poll(textOf(open, "#count")).toContain("all hosts are well");
  await open.picture("live-plain");
  expect(open.troubles).toEqual([]);
});
