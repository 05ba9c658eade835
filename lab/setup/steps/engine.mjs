import { existsSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import { dirname, join } from "node:path";
import { must, run } from "../child.mjs";
import { pins } from "../pins.mjs";
import { checkout, node24, onPath } from "../places.mjs";
import { probe } from "../probe.mjs";
import { bytesIn, isStowed, remove, stow } from "../stow.mjs";
import { atLeast } from "../versions.mjs";
import { findGo, forgetGo } from "./go.mjs";

/** A download that has not moved for this long is given up, in milliseconds. */
const STALL = 20_000;
const BINARIES = ["pulumi", "pulumi-language-nodejs"];

/** The language host's way to its options makes another engine of it. @param {string} cache */
const folder = (cache) => join(cache, `engine-${pins.pulumi}-options`);

/** @type {import("../steps.mjs").Step} */
export const engineStep = {
  name: "engine",
  title: "Pulumi engine",
  why: `version ${pins.pulumi}: by download, else built from Go modules (about 5 min)`,
  diskMB: 5000,
  async check({ cache }) {
    if (await systemEngine(cache)) return { path: [], env: {} };
    const dir = folder(cache);
    return (await isStowed(dir)) ? { path: [join(dir, "bin")], env: {} } : undefined;
  },
  async make({ cache, at, say }) {
    await stow(folder(cache), async (temporary) => {
      const trouble = await download(temporary, cache, at);
      if (!trouble) return;
      say(`Pulumi engine: download not possible (${trouble}); building it from Go modules`);
      await remove(temporary);
      await build(temporary, cache, at);
    });
    await forgetGo(cache);
  },
};

/** The engine on PATH, if it is new enough and has its language host beside it or on PATH. @param {string} cache */
async function systemEngine(cache) {
  const pulumi = onPath("pulumi");
  if (!pulumi || pulumi.startsWith(`${cache}/`)) return undefined;
  const host = [join(dirname(pulumi), "pulumi-language-nodejs"), onPath("pulumi-language-nodejs")];
  if (!host.some((file) => file && existsSync(file))) return undefined;
  return atLeast(await probe(cache, [pulumi, "version"]), pins.pulumi) ? pulumi : undefined;
}

/**
 * Try Pulumi's own download through the Automation API.
 * @param {string} root
 * @param {string} cache
 * @param {(doing: string) => void} at
 * @returns {Promise<string | undefined>} why it failed, in one line
 */
async function download(root, cache, at) {
  at("download");
  const temporary = join(root, "tmp");
  const stalled = new AbortController();
  let size = 0;
  let since = Date.now();
  const watch = setInterval(async () => {
    const now = await bytesIn(root);
    if (now > size) since = Date.now();
    size = now;
    if (Date.now() - since > STALL) stalled.abort();
  }, 1_000);
  try {
    await mkdir(temporary, { recursive: true });
    const { code, output } = await run([node24, join(checkout, "lab/setup/engine/download.mjs"), root], {
      env: { ...process.env, TMPDIR: temporary },
      log: join(cache, "log/engine.log"),
      signal: stalled.signal,
    });
    await remove(temporary);
    if (code === 0 && BINARIES.every((name) => existsSync(join(root, "bin", name)))) return undefined;
    if (stalled.signal.aborted) return `nothing came for ${STALL / 1000} s`;
    return (
      output
        .split("\n")
        .filter((line) => line.trim())
        .at(-1)
        ?.slice(0, 160) ?? `exit code ${code}`
    );
  } finally {
    clearInterval(watch);
  }
}

/**
 * Build the engine and its language host from the modules that the go.sum files beside this pin.
 * @param {string} root
 * @param {string} cache
 * @param {(doing: string) => void} at
 */
async function build(root, cache, at) {
  const { go, env } = await findGo(cache, at);
  const { languageHost, pulumi } = pins;
  const sdk = "github.com/pulumi/pulumi/sdk/v3";
  const base = {
    log: join(cache, "log/engine.log"),
    deadline: 40 * 60_000,
    onLine: at,
    env: { ...process.env, ...env, CGO_ENABLED: "0", GOTOOLCHAIN: "auto", GOWORK: "off" },
  };
  /** @type {(module: string, version: string, tags: string, target: string, file: string) => Promise<string>} */
  const compile = (module, version, tags, target, file) => {
    at(`compiling ${file}`);
    const flags = ["-v", "-mod=readonly", "-trimpath", "-buildvcs=false", "-tags", tags];
    const linker = `-s -w -X ${sdk}/go/common/version.Version=v${version}`;
    return must(
      `building ${target}`,
      [go, "build", ...flags, "-ldflags", linker, "-o", join(root, file), target],
      {
        ...base,
        cwd: join(checkout, "lab/setup/engine", module),
      },
    );
  };
  at("fetching modules");
  const host = "pulumi-language-nodejs";
  await compile("language-host", languageHost, "osusergo", `${sdk}/nodejs/cmd/${host}`, `lib/${host}`);
  await compile("language-host", languageHost, "osusergo", "./options", `bin/${host}`);
  await compile(
    "cli",
    pulumi,
    "osusergo,grpcnotrace",
    "github.com/pulumi/pulumi/pkg/v3/cmd/pulumi",
    "bin/pulumi",
  );
}
