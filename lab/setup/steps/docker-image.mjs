import { existsSync } from "node:fs";
import { join } from "node:path";
import { checkout, node24 } from "../places.mjs";
import { probe } from "../probe.mjs";
import { imageInputs } from "./image.mjs";

const machines = join(checkout, "lab/machines");

/**
 * What the image with Docker has over the lab's own. The lab makes it by itself where a server is ordered with it; the tests have it
 * made beforehand.
 * @type {import("../steps.mjs").Step}
 */
export const dockerImageStep = {
  name: "docker-image",
  title: "Docker for the lab's servers",
  why: "Debian 13's docker.io over that image (about half a minute)",
  diskMB: 500,
  async check({ cache }) {
    if (!existsSync(node24)) return undefined;
    const command = [node24, join(checkout, "lab/setup/image-path.ts"), cache, "--docker"];
    const parts = ["docker-layer.ts", "docker-layer.sh"].map((name) => join(machines, name));
    const folder = await probe(cache, command, [...(await imageInputs()), ...parts]);
    return folder && existsSync(folder) ? { path: [], env: {} } : undefined;
  },
  async rootWork({ cache }) {
    const reason = "make the image with Docker that the lab's servers run";
    return { verb: "docker-image", args: ["--cache", cache], reason };
  },
  async make() {},
};
