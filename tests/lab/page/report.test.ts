import { existsSync } from "node:fs";
import { mkdtemp, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { reportOf } from "../../../cli/report/model.ts";
import { reportPage } from "../../../cli/report/page.ts";
import { checkout } from "../../../lab/setup/places.mjs";
import { looks, noBrowser, overhang, Pages } from "../../browser.ts";
import { samples } from "../../unit/cli/report/samples.ts";

let pages: Pages;
let folder: string;

beforeEach(({ skip }) => skip(noBrowser !== undefined, noBrowser));
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "berth-report-"));
  for (const [name, events] of Object.entries(samples)) {
    const report = reportOf(events);
    if (report) await writeFile(join(folder, `${name}.html`), reportPage(report));
  }
  if (noBrowser === undefined) pages = await Pages.start();
});
afterAll(async () => {
  await pages?.close();
  await rm(folder, { recursive: true, force: true });
});

const names = Object.keys(samples) as (keyof typeof samples)[];
const fileOf = (name: keyof typeof samples) => join(folder, `${name}.html`);

test.each(names.flatMap((name) => looks.map((look) => ({ name, ...look }))))(
  "$name, $scheme and $width: it fits, asks nobody for anything and runs nothing",
  async ({ name, ...look }) => {
    const { page, troubles, picture } = await pages.open(fileOf(name), look);
    await picture(`report-${name}`);
    expect(await overhang(page)).toBe(0);
    expect(troubles).toEqual([]);
  },
);

const wide = { scheme: "light", width: "wide" } as const;

test("what went wrong is on the first screen, with its journal, where no script may run", async () => {
  const { page } = await pages.open(fileOf("tenHosts"), { ...wide, script: false });
  const failures = page.getByRole("region", { name: "What went wrong", exact: true });
  for (const text of [
    "No route to host",
    "fix the release and run pulumi up again",
    'relation "orders" does not exist',
  ])
    expect(await failures.getByText(text).first().isVisible()).toBe(true);
  const box = await failures.boundingBox();
  expect(box?.y).toBeLessThan(200);
});

test("each phase is a link with a name, reached by keys, that leads to its time in words", async () => {
  const { page } = await pages.open(fileOf("tenHosts"), wide);
  const bars = page.getByRole("group", { name: "Phases of web4" }).getByRole("link");
  const names = await Promise.all(
    (await bars.all()).map(async (bar) => (await bar.getAttribute("aria-label")) ?? ""),
  );
  expect(names.map((name) => name.replace(/,.*/, ""))).toEqual(
    ["connect", "build", "prepare", "copy", "switch", "check", "roll back"].map((name) => `web4: ${name}`),
  );
  await bars.first().focus();
  for (const _ of names.slice(1)) await page.keyboard.press("Tab");
  expect(await page.evaluate("document.activeElement.getAttribute('aria-label')")).toBe(names.at(-1));
  await page.keyboard.press("Enter");
  const target = page.locator("li:target");
  expect(await target.innerText()).toMatch(/^roll back 2\.5 s$/);
});

test("the timeline is a table, too, with every phase of every host that was worked on", async () => {
  const { page } = await pages.open(fileOf("tenHosts"), wide);
  const summary = page.getByText("The timeline as a table");
  await summary.focus();
  await page.keyboard.press("Enter");
  const table = page.getByRole("region", { name: "Phases of every host" });
  const rows = await table.getByRole("row").count();
  expect(rows - 1).toBe(await page.locator(".bar").count());
  expect(await table.getByRole("row", { name: /^web3 connect/ }).innerText()).toContain("90 s");
});

test("each tile of a closure has its name, size and state, is reached by keys, and can be passed by", async () => {
  const { page } = await pages.open(fileOf("oneHost"), wide);
  const list = page.getByRole("list", { name: "Packages of web1 by size" });
  const tile = list.getByRole("listitem", { name: "site, 24.9 MB, changed" });
  expect(await tile.count()).toBe(1);
  const skip = page.getByRole("link", { name: "Past the picture" });
  await skip.focus();
  expect(await skip.isVisible()).toBe(true);
  await page.keyboard.press("Tab");
  expect(await page.evaluate("document.activeElement.getAttribute('aria-label')")).toMatch(/^nodejs, 169 MB/);
  await skip.focus();
  await page.keyboard.press("Enter");
  await page.keyboard.press("Tab");
  expect(await page.evaluate("document.activeElement.getAttribute('aria-label')")).toBe(
    "What changes on web1",
  );
});

test.each(looks)("what a tile or a bar shows is not cut off, $scheme and $width", async (look) => {
  const { page } = await pages.open(fileOf("oneHost"), look);
  const cut = await page.evaluate<string[]>(`[...document.querySelectorAll(".tile, .bar")]
    .filter((box) => [...box.querySelectorAll("span, small")].some((text) => {
      const [inner, outer] = [text.getBoundingClientRect(), box.getBoundingClientRect()];
      return inner.width > 0 && (text.scrollWidth > text.clientWidth + 1 || inner.right > outer.right + 1 || inner.bottom > outer.bottom + 1);
    }))
    .map((box) => box.getAttribute("aria-label"))`);
  expect(cut).toEqual([]);
});

test.each(looks)("texts stand out from what they are on, $scheme and $width", async (look) => {
  const { page } = await pages.open(fileOf("tenHosts"), look);
  // WCAG 2.2, 1.4.3: 4.5 to 1 for text. Colours here are opaque, so the nearest painted one is what lies behind.
  const faint = await page.evaluate<string[]>(`(() => {
    const light = (colour) => {
      const [r, g, b] = colour.match(/[\\d.]+/g).map((part) => part / 255).map((part) => part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4);
      return 0.2126 * r + 0.7152 * g + 0.0722 * b;
    };
    const behind = (element) => {
      for (let at = element; at; at = at.parentElement) {
        const colour = getComputedStyle(at).backgroundColor;
        if (!/, 0\\)$/.test(colour)) return colour;
      }
      return "rgb(255, 255, 255)";
    };
    const texts = [...document.querySelectorAll("body *")].filter((one) =>
      [...one.childNodes].some((node) => node.nodeType === 3 && node.textContent.trim() !== "") && one.getClientRects().length > 0);
    return texts.flatMap((one) => {
      const colour = getComputedStyle(one).color;
      if (/, 0\\)$/.test(colour)) return [];
      const [low, high] = [light(colour), light(behind(one))].sort((a, b) => a - b);
      const ratio = (high + 0.05) / (low + 0.05);
      return ratio < 4.5 ? [ratio.toFixed(2) + " " + one.className + ": " + one.textContent.trim().slice(0, 30)] : [];
    });
  })()`);
  expect(faint).toEqual([]);
});

/** Of each: the name of the picture on the page on reports, the record, and what of its report. */
const onThePage = [
  ["report-failures", "fiveHosts", "#failures", wide],
  ["report-timeline", "fiveHosts", "#timeline", { scheme: "dark", width: "wide" }],
  ["report-closure", "oneHost", "#closures", wide],
  ["report-health", "oneHost", "#health", { scheme: "dark", width: "narrow" }],
] as const;

test("the pictures of the page on reports are of these, and small", async () => {
  for (const [name, sample, of, look] of onThePage) {
    const { picture } = await pages.open(fileOf(sample), look);
    const file = await picture(name, of);
    expect((await stat(file)).size).toBeLessThan(150_000);
    expect(existsSync(join(checkout, "docs/pictures", basename(file)))).toBe(true);
  }
});
