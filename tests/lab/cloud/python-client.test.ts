import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { execa } from "execa";
import { expect, test } from "vitest";
import { serverTypes } from "../../../lab/cloud/catalogue-data.ts";
import { listeningCloud, publicKeys, token } from "./client.ts";

/** Debian's package belongs to Debian's Python, whatever else is first on PATH. */
const python = "/usr/bin/python3";
const absent =
  spawnSync(python, ["-c", "import hcloud"]).status === 0
    ? ""
    : "the Python client is not installed (Debian package python3-hcloud)";

for (const legacyDatacenter of [true, false]) {
  test(`python3-hcloud drives the life of a server (datacenters shown: ${legacyDatacenter})`, async (ctx) => {
    if (absent) ctx.skip(absent);
    const cloud = await listeningCloud({ legacyDatacenter });
    try {
      const script = join(import.meta.dirname, "python-client.py");
      const { stdout } = await execa(python, [script, cloud.url, token, publicKeys[0]], { timeout: 60_000 });
      expect(JSON.parse(stdout)).toEqual({
        status: "running",
        ipv4: "10.87.12.10",
        firewalls: [true],
        by_label: ["web"],
        types: serverTypes.length,
        rules: [["in", "22"]],
        twice: "uniqueness_error",
        image: ["available", "snapshot", true],
        protected: "protected",
        rescue: [20, true],
        iso: 122630,
        after: "off",
        left: 0,
      });
    } finally {
      cloud.close();
    }
  });
}
