import { existsSync } from "node:fs";
import { readdir } from "node:fs/promises";
import { join } from "node:path";
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
 * @returns {Promise<{ go: string, env: NodeJS.ProcessEnv, forget(): Promise<void> }>} `forget` removes what only the build needed
 */
export async function findGo(cache, at) {
  const system = onPath("go");
  if (system && atLeast(await probe(cache, [system, "version"]), pins.go)) {
    return { go: system, env: {}, forget: async () => {} };
  }
  const dir = join(cache, `go-${pins.suite}`);
  if (!(await isStowed(dir))) {
    await stow(dir, (temporary) =>
      extractDebian("golang-go", join(temporary, "root"), join(cache, "log/go.log"), at),
    );
  }
  const goroot = await debianGoroot(join(dir, "root/usr/lib"));
  const work = join(cache, "go-work");
  return {
    go: join(goroot, "bin/go"),
    // Debian's Go is set to never fetch another toolchain; modules are kept apart so that they can be removed again.
    env: { GOROOT: goroot, GOPATH: join(work, "path"), GOCACHE: join(work, "cache"), GOFLAGS: "-modcacherw" },
    forget: async () => {
      await remove(work);
      await remove(dir);
    },
  };
}

/** @param {string} libraries usr/lib of an unpacked Debian */
async function debianGoroot(libraries) {
  const names = (await readdir(libraries)).filter((name) => /^go-\d/.test(name));
  const goroot = names.map((name) => join(libraries, name)).find((path) => existsSync(join(path, "bin/go")));
  if (!goroot) throw new Trouble(`no Go in ${libraries}, though Debian's golang-go was unpacked there`);
  return goroot;
}
