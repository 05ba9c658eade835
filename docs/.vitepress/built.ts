import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, statSync } from "node:fs";
import { dirname, join } from "node:path";
import { checkLinks } from "./links.ts";

const isFile = (path: string) => existsSync(path) && statSync(path).isFile();

/**
 * Ends a build: no link may be dead, neither of pages nor of headings, and what pages show of the repository comes with the site.
 * @param site folder with the built pages
 * @param repository folder that the pages were written in
 */
export function finish(site: string, repository: string): void {
  const built = readdirSync(site, { recursive: true, encoding: "utf8" }).filter((file) =>
    /(?<!^404)\.html$/.test(file),
  );
  const pages = new Map(built.map((page) => [page, readFileSync(join(site, page), "utf8")]));
  const { dead, files } = checkLinks(pages, {
    inSite: (file) => isFile(join(site, file)),
    inRepository: (file) => !file.startsWith("..") && isFile(join(repository, file)),
  });
  if (dead.length > 0)
    throw new Error(
      `These links lead nowhere:\n${dead.map(({ page, link, because }) => `  ${page}: ${link} (${because})`).join("\n")}`,
    );
  for (const file of files) {
    mkdirSync(dirname(join(site, file)), { recursive: true });
    cpSync(join(repository, file), join(site, file));
  }
}
