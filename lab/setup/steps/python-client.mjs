import { readFileSync } from "node:fs";
import { join } from "node:path";
import { must } from "../child.mjs";
import { checkout } from "../places.mjs";
import { isStowed, stow } from "../stow.mjs";

/** The client and all it uses, each at one version. */
const REQUIREMENTS = join(checkout, "lab/setup/python-client.txt");

/** Debian's own Python, whose pip the package python3-pip is, whatever else comes first on PATH. */
export const PYTHON = "/usr/bin/python3";

/**
 * The version of `hcloud` among requirements.
 * @param {string} requirements
 */
export function clientVersion(requirements = readFileSync(REQUIREMENTS, "utf8")) {
  const version = /^hcloud==([\d.]+)$/m.exec(requirements)?.[1];
  if (!version) throw new Error(`${REQUIREMENTS} names no version of hcloud`);
  return version;
}

/** Where the client is kept: a folder for PYTHONPATH. @param {string} cache */
export const pythonClientFolder = (cache) => join(cache, `python-client-${clientVersion()}`);

/** @type {import("../steps.mjs").Step} */
export const pythonClientStep = {
  name: "python-client",
  title: "Python client of the Hetzner Cloud API",
  get why() {
    return `hcloud ${clientVersion()}, for the tests`;
  },
  diskMB: 40,
  optional: true,
  async check({ cache }) {
    return (await isStowed(pythonClientFolder(cache))) ? { path: [], env: {} } : undefined;
  },
  async make({ cache, at }) {
    await stow(pythonClientFolder(cache), async (temporary) => {
      // Wheels alone: nothing that was downloaded is run before a test imports it.
      const pip = [PYTHON, "-m", "pip", "install", "--no-deps", "--only-binary=:all:", "--retries=2"];
      const patience = ["--timeout=15", "--disable-pip-version-check"];
      await must(
        "installing the Python client",
        [...pip, ...patience, "--target", temporary, "-r", REQUIREMENTS],
        {
          env: { ...process.env, PIP_USER: "0", PIP_ROOT_USER_ACTION: "ignore", PIP_NO_INPUT: "1" },
          log: join(cache, "log/python-client.log"),
          deadline: 5 * 60_000,
          onLine: at,
        },
      );
    });
  },
};
