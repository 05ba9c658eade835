import { posix } from "node:path";

/** A link of a built page that leads nowhere. */
export interface DeadLink {
  page: string;
  link: string;
  because: "no such file" | "no such heading";
}

/** What a built site links to. */
export interface Links {
  dead: DeadLink[];
  /** Files of the repository that pages link to and that are no pages: they belong into the site. */
  files: string[];
}

const hrefs = (html: string) =>
  new Set([...html.matchAll(/\shref="([^"]*)"/g)].map(([, href = ""]) => href.replaceAll("&amp;", "&")));
const idsOf = (html: string) => new Set([...html.matchAll(/\sid="([^"]*)"/g)].map(([, id = ""]) => id));
const elsewhere = (href: string) => /^([a-z][a-z+.-]*:|\/\/)/i.test(href);

/**
 * Looks through every page that was built.
 * @param pages HTML by its place in the site, such as "docs/apps.html"
 * @param exists whether the site, or else the repository, has a file
 */
export function checkLinks(
  pages: ReadonlyMap<string, string>,
  exists: { inSite(file: string): boolean; inRepository(file: string): boolean },
): Links {
  const ids = new Map([...pages].map(([page, html]) => [page, idsOf(html)]));
  const dead: DeadLink[] = [];
  const files = new Set<string>();
  for (const [page, html] of pages) {
    for (const link of hrefs(html)) {
      if (elsewhere(link)) continue;
      const [path = "", anchor = ""] = link.split("#").map((part) => decodeURIComponent(part));
      const target = targetOf(page, path.replace(/\?.*$/, ""));
      const headings = ids.get(target);
      if (headings) {
        if (anchor && !headings.has(anchor)) dead.push({ page, link, because: "no such heading" });
      } else if (!exists.inSite(target)) {
        if (exists.inRepository(target)) files.add(target);
        else dead.push({ page, link, because: "no such file" });
      }
    }
  }
  return { dead, files: [...files].toSorted() };
}

function targetOf(page: string, path: string): string {
  if (path === "") return page;
  const joined = path.startsWith("/") ? path.slice(1) : posix.join(posix.dirname(page), path);
  return joined === "" || joined === "." || joined.endsWith("/")
    ? posix.join(joined, "index.html")
    : posix.normalize(joined);
}
