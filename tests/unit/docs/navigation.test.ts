import { readdirSync, readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { navigation } from "../../../docs/.vitepress/navigation.ts";

const root = new URL("../../../", import.meta.url);
const pages = readdirSync(new URL("docs", root), { recursive: true, encoding: "utf8" })
  .filter((file) => file.endsWith(".md") && !file.startsWith(".vitepress"))
  .map((file) => `docs/${file}`)
  .toSorted();

test("the navigation has every page once, and no other", () => {
  const listed = navigation.flatMap((group) => group.pages.map(({ page }) => page));
  expect(listed.toSorted()).toEqual(pages);
});

test("the README names every page once, and no other", () => {
  const readme = readFileSync(new URL("README.md", root), "utf8");
  const rows = [...readme.matchAll(/^\| `(docs\/[^`]+)` \|/gm)].map(([, page = ""]) => page);
  expect(rows.toSorted()).toEqual(pages);
});
