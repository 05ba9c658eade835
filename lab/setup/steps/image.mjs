import { existsSync } from "node:fs";
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { checkout, node24 } from "../places.mjs";
import { probe } from "../probe.mjs";

const machines = join(checkout, "lab/machines");

/** All that decides which image it is. @returns {Promise<string[]>} */
export async function imageInputs() {
  const recipe = join(machines, "image");
  const files = (await readdir(recipe, { recursive: true })).sort().map((name) => join(recipe, name));
  return [join(machines, "image.ts"), node24, ...files];
}

/**
 * The Debian image that the lab's servers run; `lab/machines` makes it and names its folder after all it is made from.
 * @type {import("../steps.mjs").Step}
 */
export const imageStep = {
  name: "image",
  title: "image of the lab's servers",
  why: "Debian 13 with systemd, sshd, cloud-init, Nix and nginx (about 1 min)",
  diskMB: 1500,
  async check({ cache }) {
    if (!existsSync(node24)) return undefined;
    const command = [node24, join(checkout, "lab/setup/image-path.ts"), cache];
    const folder = await probe(cache, command, await imageInputs());
    return folder && existsSync(folder) ? { path: [], env: {} } : undefined;
  },
  async rootWork({ cache }) {
    const reason = "make the Debian image the lab's servers run";
    return { verb: "image", args: ["--cache", cache], reason };
  },
  async make() {},
};
