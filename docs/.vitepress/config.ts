import { slug } from "github-slugger";
import { defineConfig } from "vitepress";
import { finish } from "./built.ts";
import { navigation } from "./navigation.ts";

const address = (page: string) => `/${page.replace(/\.md$/, "")}`;

// Files that pages link to as they are; VitePress would take them for pages.
process.env["VITE_EXTRA_EXTENSIONS"] = "nix,toml";

export default defineConfig({
  title: "Berth",
  description: "A web app and a Nix flake to running machines with one pulumi up.",
  // Pages keep their places in the repository, so that a link is right in both.
  srcDir: "..",
  srcExclude: ["!(apps|bench|docs|examples|tests|README.md)/**", "tests/!(unit)/**"],
  rewrites: { "README.md": "index.md" },
  markdown: { anchor: { slugify: (heading) => slug(heading) } },
  // finish() looks at every link, those to headings as well, and tells all that are dead at once.
  ignoreDeadLinks: true,
  buildEnd: ({ outDir, srcDir }) => finish(outDir, srcDir),
  themeConfig: {
    search: { provider: "local" },
    outline: [2, 3],
    sidebar: navigation.map(({ text, pages }) => ({
      text,
      items: pages.map((entry) => ({ text: entry.text, link: address(entry.page) })),
    })),
  },
});
