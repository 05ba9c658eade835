import { expect, test } from "vitest";
import { checkLinks } from "../../../docs/.vitepress/links.ts";

const page = (body: string) => `<!doctype html><main>${body}</main>`;
const link = (href: string) => page(`<a class="x" href="${href}">there</a>`);

/** What is found on a page docs/a.html with this link, beside docs/b.html and an index. */
function look(href: string) {
  const pages = new Map([
    ["docs/a.html", link(href) + page('<h2 id="here">Here</h2>')],
    ["docs/b.html", page('<h2 id="there">There</h2><h2 id="größe">Größe</h2>')],
    ["index.html", page("")],
  ]);
  return checkLinks(pages, {
    inSite: (file) => file === "assets/style.css",
    inRepository: (file) => file === "examples/stack.yaml",
  });
}

test.each([
  ["./b.html"],
  ["./b.html#there"],
  ["/docs/b.html?x=1#there"],
  ["#here"],
  ["#"],
  ["./b.html#gr%C3%B6%C3%9Fe"],
  ["/"],
  ["../"],
  ["/assets/style.css"],
  ["https://example.org/nowhere#x"],
  ["//example.org/nowhere"],
  ["mailto:ada@example.org"],
])("%s leads somewhere", (href) => {
  expect(look(href)).toEqual({ dead: [], files: [] });
});

test.each([
  ["./c.html", "no such file"],
  ["./c.html#there", "no such file"],
  ["./b.html#here", "no such heading"],
  ["#there", "no such heading"],
  ["../b.html", "no such file"],
  ["../../docs/b.html", "no such file"],
  ["../examples/other.yaml", "no such file"],
  ["/docs/", "no such file"],
])("%s leads nowhere: %s", (href, because) => {
  expect(look(href).dead).toEqual([{ page: "docs/a.html", link: href, because }]);
});

test("a file of the repository that no page shows is wanted for the site", () => {
  expect(look("../examples/stack.yaml")).toEqual({ dead: [], files: ["examples/stack.yaml"] });
});

test("every dead link of every page is told", () => {
  const pages = new Map([
    ["a.html", link("x.html") + link("y.html")],
    ["b.html", link("z.html")],
  ]);
  const { dead } = checkLinks(pages, { inSite: () => false, inRepository: () => false });
  expect(dead.map((one) => `${one.page} ${one.link}`)).toEqual([
    "a.html x.html",
    "a.html y.html",
    "b.html z.html",
  ]);
});
