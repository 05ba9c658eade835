import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { raw } from "hono/html";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { documentOf } from "../../../cli/page/document.ts";
import { html } from "../../../cli/page/html.ts";
import { badge, lines, section, table, tones } from "../../../cli/page/parts.ts";
import { looks, noBrowser, overhang, Pages } from "../../browser.ts";

let pages: Pages;
let folder: string;

beforeEach(({ skip }) => skip(noBrowser !== undefined, noBrowser));
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "berth-page-"));
  if (noBrowser === undefined) pages = await Pages.start();
});
afterAll(async () => {
  await pages?.close();
  await rm(folder, { recursive: true, force: true });
});

async function write(name: string, text: string): Promise<string> {
  const file = join(folder, `${name}.html`);
  await writeFile(file, text);
  return file;
}

const long = "GET http://web/healthz answered 502, expected 200 ".repeat(4);
const sample = documentOf({
  title: "Parts of a page",
  beside: "made for a look",
  main: [
    section("badges", "Badges", html`<p>${tones.map((tone) => [badge(tone, tone), " "])}</p>`),
    section("table", "A table", table("wide", ["host", "path", "why"], [["web1", "x".repeat(60), long]])),
    section("lines", "Lines", html`<div class="panel bad">${lines("journal", long.repeat(30))}</div>`),
  ],
});

test.each(looks)("the parts of a page fit into it, $scheme and $width", async (look) => {
  const { page, troubles, picture } = await pages.open(await write("parts", sample), look);
  await picture("parts");
  expect(await overhang(page)).toBe(0);
  expect(troubles).toEqual([]);
});

const look = { scheme: "light", width: "wide" } as const;

test("what a page must not do is noticed: a line on the console, an error, a request", async () => {
  const bad = `<!doctype html><link rel="icon" href="data:,"><p style="width:200vw">wide</p>
<img src="http://127.0.0.1:1/picture.png" alt=""><script>throw new Error("thrown")</script>`;
  const { page, troubles } = await pages.open(await write("bad", bad), look);
  expect(await overhang(page)).toBeGreaterThan(0);
  expect(troubles).toEqual(
    expect.arrayContaining([
      "error: thrown",
      "request: http://127.0.0.1:1/picture.png",
      expect.stringMatching(/^console: Failed to load resource/),
    ]),
  );
});

test("a page's policy keeps what is not its own from being run or fetched", async () => {
  const asked: (string | undefined)[] = [];
  await using server = createServer((request, response) => {
    asked.push(request.url);
    response.end();
  });
  await once(server.listen(0, "127.0.0.1"), "listening");
  const { port } = server.address() as AddressInfo;
  const picture = `<img src="http://127.0.0.1:${port}/picture.png" alt="">`;
  const parts = { title: "policy", script: "document.title = 'own'", nonce: "only-this" };
  const main = raw(`${picture}<script>document.title = 'foreign'</script>`);
  const { page, troubles } = await pages.open(await write("policy", documentOf({ ...parts, main })), look);
  expect(await page.title()).toBe("own");
  expect(troubles).toEqual(
    expect.arrayContaining([expect.stringContaining("script-src"), expect.stringContaining("img-src")]),
  );
  expect(asked).toEqual([]);
  await pages.open(await write("open", `<!doctype html>${picture}`), look);
  expect(asked).toEqual(["/picture.png"]);
});
