import { mkdir, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { extractDebian } from "../extract.mjs";
import { pins } from "../pins.mjs";
import { isStowed, stow } from "../stow.mjs";

/** Where Debian's registry is kept, alone: the package's service would listen on all of this machine's interfaces. @param {string} cache */
export const registryFolder = (cache) => join(cache, `docker-registry-${pins.suite}`);

/** @type {import("../steps.mjs").Step} */
export const registryStep = {
  name: "docker-registry",
  title: "container registry",
  get why() {
    return `Debian ${pins.suite}'s docker-registry, unpacked, for the tests`;
  },
  diskMB: 120,
  async check({ cache }) {
    const folder = registryFolder(cache);
    return (await isStowed(folder)) ? { path: [join(folder, "bin")], env: {} } : undefined;
  },
  async make({ cache, at }) {
    await stow(registryFolder(cache), async (temporary) => {
      const unpacked = join(temporary, "unpacked");
      await extractDebian("docker-registry", unpacked, join(cache, "log/docker-registry.log"), at);
      await mkdir(join(temporary, "bin"));
      await rename(join(unpacked, "usr/bin/docker-registry"), join(temporary, "bin/docker-registry"));
      await rm(unpacked, { recursive: true });
    });
  },
};
