import { existsSync, readFileSync } from "node:fs";
import { mkdtemp, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import type { Page } from "playwright-core";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { changesOf } from "../../../cli/comment/changes.ts";
import { driftOf } from "../../../cli/comment/drift.ts";
import { previewJson } from "../../../cli/comment/preview.ts";
import { render } from "../../../cli/comment/render.ts";
import { renderDrift } from "../../../cli/comment/render-drift.ts";
import { renderReview } from "../../../cli/comment/render-review.ts";
import { checkout } from "../../../lab/setup/places.mjs";
import { looks, noBrowser, overhang, Pages } from "../../browser.ts";
import { commentPage, comments } from "../../comment-page.ts";

let pages: Pages;
let folder: string;

beforeEach(({ skip }) => skip(noBrowser !== undefined, noBrowser));
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "berth-comments-"));
  if (noBrowser === undefined) pages = await Pages.start();
});
afterAll(async () => {
  await pages?.close();
  await rm(folder, { recursive: true, force: true });
});

const wide = { scheme: "light", width: "wide" } as const;

async function open(name: string, markdown: string, look: Parameters<Pages["open"]>[1] = wide) {
  const file = join(folder, `${name}.html`);
  await writeFile(file, commentPage(markdown));
  return pages.open(file, look);
}

const unfold = `for (const fold of document.querySelectorAll("details")) fold.open = true`;
const golden = (name: string): string => comments[name] ?? "";
const having = (sign: string) => Object.keys(comments).filter((name) => golden(name).includes(sign));

/** Signs of Markdown and HTML in what is shown as text, folded or not. In code they are somebody else's. */
async function signsLeft(page: Page): Promise<string[]> {
  const text = await page.evaluate<string>(`(() => {
    const copy = document.querySelector("main").cloneNode(true);
    for (const code of copy.querySelectorAll("code")) code.replaceWith("CODE");
    return copy.textContent;
  })()`);
  return text.match(/\*\*|`|\||<\/?[a-z!-]+|\]\(|\[!|&[a-z#]\w*;|^\s*(#|>|-|---)\s.*/gim) ?? [];
}

describe.each(Object.keys(comments))("%s", (name) => {
  test.each(looks)("fits, is all rendered and asks nobody for anything, $scheme and $width", async (look) => {
    const { page, troubles, picture } = await open(name, golden(name), look);
    await picture(`comment-${name}`);
    expect(await overhang(page)).toBe(0);
    expect(await signsLeft(page)).toEqual([]);
    if (golden(name).includes("<details>")) {
      await page.evaluate(unfold);
      await picture(`comment-${name}-unfolded`);
      expect(await overhang(page)).toBe(0);
    }
    expect(troubles).toEqual([]);
  });
});

test("signs that are left are noticed, and a page that is too wide", async () => {
  const { page } = await open("bad", "<details><summary>`x`</summary>\n**a** [b](c)\n- d\n\n</details>");
  expect(await signsLeft(page)).toEqual(["`", "`", "**", "**", "](", "- d"]);
  const { page: broad } = await open("broad", `| a |\n|-|\n| b |\n\n${"x".repeat(400)}`, {
    ...wide,
    width: "narrow",
  });
  expect(await overhang(broad)).toBe(0);
  await broad.evaluate(`document.querySelector("main").style.width = "200vw"`);
  expect(await overhang(broad)).toBeGreaterThan(0);
});

test("there are comments with folds and with a warning, and some without", () => {
  expect(having("[!CAUTION]")).toEqual(["location", "reinstall", "rename"]);
  expect(having("<details>")).toEqual(["app", "location", "reinstall", "rename", "type", "volume"]);
});

test.each(having("<details>"))("what is folded in %s is unfolded by keys", async (name) => {
  const { page } = await open(name, golden(name));
  const folds = await page.locator("details").all();
  for (const [at, fold] of folds.entries()) {
    const inside = fold.locator("table");
    expect(await inside.isVisible()).toBe(false);
    const isReached = `document.activeElement === document.querySelectorAll("summary")[${at}]`;
    // By Tab alone, past whatever else takes the focus.
    for (let tabs = 0; tabs < 20 && !(await page.evaluate(isReached)); tabs += 1)
      await page.keyboard.press("Tab");
    await page.keyboard.press("Enter");
    expect(await inside.isVisible()).toBe(true);
  }
  expect(folds.length).toBeGreaterThan(0);
});

test.each(having("[!CAUTION]").flatMap((name) => looks.map((look) => ({ name, ...look }))))(
  "$name warns in red before its table, on the first screen, $scheme and $width",
  async ({ name, ...look }) => {
    const { page } = await open(name, golden(name), look);
    const banner = page.locator(".markdown-alert-caution");
    expect(await banner.isVisible()).toBe(true);
    expect(await banner.innerText()).toContain("This deletes.");
    const [top, table] = [await banner.boundingBox(), await page.locator("table").first().boundingBox()];
    expect(top && top.y + top.height).toBeLessThan(table?.y ?? 0);
    expect(top && top.y + top.height).toBeLessThan(900);
    const colour = await page.evaluate<string>(
      `getComputedStyle(document.querySelector(".markdown-alert-caution")).borderLeftColor`,
    );
    const [red = 0, green = 255, blue = 255] = (colour.match(/\d+/g) ?? []).map(Number);
    expect(red).toBeGreaterThan(Math.max(green, blue) * 1.5);
  },
);

describe("what somebody else named", () => {
  const unit = join(checkout, "tests/unit/cli/comment");
  const heading = (named: string) => ({
    ...{ project: named, stack: named, commit: "0123456789abcdef0123456789abcdef01234567" },
    log: "https://forge.example/runs/7",
  });

  /** What pulumi printed, with another name in every place that a pull request may write to. */
  function printed(file: string, named: string) {
    const text = readFileSync(join(unit, file), "utf8");
    return previewJson.parse(
      JSON.parse(text, (key, value: unknown) => {
        if (typeof value !== "string") return value;
        if (key === "message") return value.replaceAll(/web1|nbg1|nope/g, () => named);
        // A custom resource's type is the program's to choose, too.
        if (key === "type" && /FirewallAttachment$/i.test(value)) return `x:y:${named.replaceAll(":", "")}`;
        if (value.startsWith("urn:")) return value.replaceAll("web1", () => named);
        return ["nbg1", "http://site.lab/healthz"].includes(value) ? named : value;
      }),
    );
  }

  /** All that is written to a forge: two comments on previews, an issue, a comment on a short-lived stack. */
  const rendered = (named: string): string =>
    [
      render(heading(named), changesOf(printed("previews/location.json", named))),
      render(heading(named), changesOf(printed("previews/failed.json", named))),
      renderDrift(heading(named), driftOf(printed("refreshes/drifted.json", named))),
      renderReview(heading(named), {
        ...{ stack: named, pull: 7, state: "failed", until: "2026-11-22T18:00:12.345Z" },
        ...{ because: named, addresses: { [named]: named } },
      }),
    ].join("\n\n");

  /** The tree of the elements, and what they say. Colons are left out: they part a type. */
  async function seen(page: Page): Promise<{ tree: string; text: string }> {
    const tree = await page.evaluate<string>(`(() => {
      const tree = (one) => one.tagName + (one.href ?? "") + "(" + [...one.children].map(tree).join(" ") + ")";
      return tree(document.querySelector("main"));
    })()`);
    const text = (await page.locator("main").textContent()) ?? "";
    return { tree, text: plain(text) };
  }
  const plain = (text: string) => text.replaceAll(":", "").replaceAll(/\s+/g, " ").trim();

  /** What would not be seen itself, but is by its number. */
  const unseen = /\p{Bidi_Control}|(?!\n)\p{Cc}/gu;
  const harmless = "no_mark.up";
  const evils = {
    "a tag": `<img src=x onerror="document.title='run'"><script>document.title="run"</script>`,
    "the end of its place": "</code></summary></details></td></table>--><h1>x</h1><!--",
    entities: "&lt;b&gt; &#60;i> &amp;",
    "mark-up": "**x** ~~y~~ _z_ @everyone #1 \\",
    links:
      "[x](https://evil.example) https://evil.example <https://evil.example> ![x](http://evil.example/x.png)",
    "bars and backticks": "`a|b`` c ``` d \\| e |",
    lines: "a\n\n# b\n\n```\n~~~\n> [!NOTE]\n- c\n| d |\n|---|",
    "a turn of direction": "a\u202e\u2066\u0007b",
  };

  test.each(Object.entries(evils))("stays in its place and is not run, though it is %s", async (_, evil) => {
    const tame = await seen((await open("tame", rendered(harmless))).page);
    expect(tame.text.split(harmless).length).toBeGreaterThan(50);
    const { page, troubles } = await open("evil", rendered(evil));
    const shown = await seen(page);
    expect(shown.tree).toBe(tame.tree);
    const told = evil.replaceAll(unseen, (one) => `\\u{${one.charCodeAt(0).toString(16)}}`);
    expect(shown.text).toBe(tame.text.replaceAll(harmless, () => plain(told)));
    expect(troubles).toEqual([]);
  });
});

/** Of each: the name of the picture on the page on pull requests, the comment, whether it is unfolded, and the look. */
const onThePage = [
  ["location", false, wide],
  ["app", true, wide],
  ["reinstall", false, { scheme: "dark", width: "narrow" }],
  ["failed", false, { scheme: "dark", width: "wide" }],
  ["issue-drifted", false, wide],
] as const;

test("the pictures of the page on pull requests are of these, and small", async () => {
  for (const [name, whole, look] of onThePage) {
    const { page, picture } = await open(name, golden(name), look);
    if (whole) await page.evaluate(unfold);
    const file = await picture(name.startsWith("issue") ? name : `comment-${name}`, "body");
    expect((await stat(file)).size).toBeLessThan(120_000);
    expect(existsSync(join(checkout, "docs/pictures", basename(file)))).toBe(true);
  }
});
