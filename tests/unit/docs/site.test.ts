import { appendFile, cp, mkdtemp, readFile, rm, symlink } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { fileURLToPath } from "node:url";
import { execa } from "execa";
import { expect, onTestFinished, test } from "vitest";

const repository = fileURLToPath(new URL("../../../", import.meta.url));

/** A copy of the repository's files to write in: a build leaves its work beside its pages. */
async function copy(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "berth-site-"));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  await cp(repository, folder, {
    recursive: true,
    filter: (file) => {
      const name = basename(file);
      return (
        file === repository || (!/^\.(?!vitepress)/.test(name) && !/^(node_modules|dist|build)$/.test(name))
      );
    },
  });
  await symlink(join(repository, "node_modules"), join(folder, "node_modules"));
  return folder;
}

const build = (folder: string) =>
  execa(process.execPath, ["node_modules/vitepress/bin/vitepress.js", "build", "docs"], {
    cwd: folder,
    all: true,
    reject: false,
    timeout: 250_000,
    // Whoever asks for something beyond this machine is refused at once.
    env: { HTTP_PROXY: "http://127.0.0.1:9", HTTPS_PROXY: "http://127.0.0.1:9", NODE_USE_ENV_PROXY: "1" },
  });

/** Milliseconds that a test may take: a build is some ten seconds of one processor that has nothing else to do. */
const timeout = 280_000;

test("the site is built, with the files that its pages link to", { timeout }, async () => {
  const folder = await copy();
  const { all, exitCode } = await build(folder);
  expect(exitCode, all).toBe(0);
  const site = join(folder, "docs/.vitepress/dist");
  expect(await readFile(join(site, "docs/configuration.html"), "utf8")).toContain(
    "hosts.&lt;name&gt;.server.type",
  );
  expect(await readFile(join(site, "examples/fly/fly.toml"), "utf8")).toBe(
    await readFile(join(repository, "examples/fly/fly.toml"), "utf8"),
  );
});

test("a build fails on dead links and names each: of a page, of a heading, of a file", {
  timeout,
}, async () => {
  const folder = await copy();
  await appendFile(
    join(folder, "docs/apps.md"),
    "\n[a](nowhere.md) [b](deploying.md#nowhere) [c](../examples/nowhere.yaml)\n",
  );
  const { all, exitCode } = await build(folder);
  expect(exitCode).toBe(1);
  expect(all).toContain("docs/apps.html: ./nowhere.html (no such file)");
  expect(all).toContain("docs/apps.html: ./deploying.html#nowhere (no such heading)");
  expect(all).toContain("docs/apps.html: ../examples/nowhere.yaml (no such file)");
});
