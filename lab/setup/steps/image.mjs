import { existsSync } from "node:fs";
import { join } from "node:path";
import { run } from "../child.mjs";
import { checkout, node24 } from "../places.mjs";

/** The Debian image that the lab's servers run; `lab/machines` knows how it is made and when it is out of date. @type {import("../steps.mjs").Step} */
export const imageStep = {
  name: "image",
  title: "image of the lab's servers",
  why: "Debian 13 with systemd, sshd, cloud-init, Nix and nginx (about 1 min)",
  diskMB: 1200,
  async check({ cache }) {
    if (!existsSync(node24)) return undefined;
    const command = [node24, join(checkout, "lab/machines/main.ts"), "image", "--cache", cache, "--check"];
    const { code } = await run(command, { deadline: 20_000 });
    return code === 0 ? { path: [], env: {} } : undefined;
  },
  async rootWork({ cache }) {
    return { verb: "image", args: ["--cache", cache], reason: "make the Debian image the lab's servers run" };
  },
  async make() {},
};
