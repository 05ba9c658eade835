import { existsSync } from "node:fs";
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { run } from "../child.mjs";
import { extractDebian } from "../extract.mjs";
import { pins } from "../pins.mjs";
import { onPath } from "../places.mjs";
import { probe } from "../probe.mjs";
import { isStowed, remove, stow } from "../stow.mjs";
import { Trouble } from "../trouble.mjs";
import { atLeast } from "../versions.mjs";

/**
 * A Go to build with, and the environment it needs: the one on PATH, else a private one from Debian.
 * @param {string} cache
 * @param {(doing: string) => void} at
 * @returns {Promise<{ go: string, env: NodeJS.ProcessEnv }>}
 */
export async function findGo(cache, at) {
  const system = onPath("go");
  if (system && atLeast(await probe(cache, [system, "version"]), pins.go)) {
    return { go: system, env: {} };
  }
  const dir = goFolder(cache);
  if (!(await isStowed(dir))) {
    await stow(dir, (temporary) =>
      extractDebian("golang-go", join(temporary, "root"), join(cache, "log/go.log"), at),
    );
  }
  const goroot = await debianGoroot(join(dir, "root/usr/lib"));
  const work = workFolder(cache);
  return {
    go: join(goroot, "bin/go"),
    // Modules and objects are kept apart from the user's, so that they can be removed again.
    env: { GOROOT: goroot, GOPATH: join(work, "path"), GOCACHE: join(work, "cache") },
  };
}

/**
 * Remove the private Go and what was built with it, if there is one. A failure is of no consequence but for the space.
 * @param {string} cache
 */
export async function forgetGo(cache) {
  // Go makes its module cache read-only, folders too.
  await run(["chmod", "-R", "u+w", workFolder(cache)]);
  for (const folder of [workFolder(cache), goFolder(cache)]) await remove(folder).catch(() => {});
}

/** @param {string} cache */
const goFolder = (cache) => join(cache, `go-${pins.suite}`);
/** @param {string} cache */
const workFolder = (cache) => join(cache, "go-work");

/** @param {string} libraries usr/lib of an unpacked Debian */
async function debianGoroot(libraries) {
  const names = (await readdir(libraries)).filter((name) => /^go-\d/.test(name));
  const goroot = names.map((name) => join(libraries, name)).find((path) => existsSync(join(path, "bin/go")));
  if (!goroot) throw new Trouble(`no Go in ${libraries}, though Debian's golang-go was unpacked there`);
  return goroot;
}
