/** `npm test [LAYER…] [vitest filters and options]`: set up what the layers need, run them in order, count. */
import { existsSync } from "node:fs";
import { mkdtemp, readdir, readFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gatherFacts } from "./facts.mjs";
import { handOver } from "./hand-over.mjs";
import { chooseLayers, layers } from "./layers.mjs";
import { cacheFolder, checkout } from "./places.mjs";
import { judgeLayers, refusal } from "./preflight.mjs";
import { duration, Report } from "./report.mjs";
import { nixIsReady, setUp } from "./setup.mjs";
import { remove } from "./stow.mjs";
import { failureLines, ranLayer, skipDifferences, skipLines, skippedLayer, summaryLine } from "./tally.mjs";
import { runMain, Trouble } from "./trouble.mjs";

/** @typedef {import("./layers.mjs").Layer} Layer @typedef {import("./tally.mjs").LayerResult} LayerResult */

/** Skips that continuous integration accepts. */
const AGREED_SKIPS = "tests/skips.ci.txt";

const say = (/** @type {string} */ line) => void process.stdout.write(`${line}\n`);

/**
 * @param {string} head
 * @param {readonly string[]} lines
 */
function sayList(head, lines) {
  if (lines.length > 0) say([`\n${head}:`, ...lines.map((line) => `  ${line}`)].join("\n"));
}

await runMain("npm test", async () => {
  const { layers: wanted, rest } = chooseLayers(process.argv.slice(2));
  const facts = await gatherFacts(cacheFolder());
  const because = refusal(facts);
  if (because) throw new Trouble(because);
  const { run, skip } = judgeLayers(facts, wanted, { nixReady: await nixIsReady() });
  for (const { layer, reason } of skip) say(`layer ${layer} (${layers[layer].about}) is skipped: ${reason}`);
  const needs = new Set(run.map((layer) => layers[layer].needs));
  const { env, close } = await setUp({ needs, tests: true, startsLab: needs.has("lab") }, new Report());
  // A lab of the tests' own, so that they leave alone the one that someone works with.
  const testEnv = { ...env, BERTH_LAB: process.env.BERTH_LAB ?? join(checkout, ".lab-test") };
  /** @type {LayerResult[]} */
  const results = skip.map(({ layer, reason }) => skippedLayer(layer, reason));
  const records = await mkdtemp(join(tmpdir(), "berth-test-"));
  try {
    for (const layer of run) {
      say(`\n== ${layer}: ${layers[layer].about}`);
      results.push(await runLayer(layer, rest, testEnv, join(records, `${layer}.json`)));
    }
  } finally {
    await remove(records);
    if (needs.has("lab") && !process.env.BERTH_LAB) await handOver(["lab/cli.ts", "reset"], testEnv);
    await close();
  }
  return conclude(results, wanted.length === Object.keys(layers).length && rest.length === 0);
});

/**
 * @param {Layer} layer
 * @param {readonly string[]} rest
 * @param {NodeJS.ProcessEnv} env
 * @param {string} record
 * @returns {Promise<LayerResult>}
 */
async function runLayer(layer, rest, env, record) {
  const start = Date.now();
  const result = layer === "check" ? await runCheck(env) : await runVitest(layer, rest, env, record);
  say(`== ${layer}: ${summaryLine([result])} in ${duration(Date.now() - start)}`);
  return result;
}

/**
 * Formatter and linter, then types, and those of set-up against what the oldest Node has: each is one result.
 * @param {NodeJS.ProcessEnv} env
 */
async function runCheck(env) {
  const tsc = ["node_modules/typescript/bin/tsc", "--noEmit"];
  const codes = {
    "biome check": await handOver(
      ["node_modules/@biomejs/biome/bin/biome", "check", "--error-on-warnings", "."],
      env,
    ),
    tsc: await handOver(tsc, env),
    "tsc of what the oldest Node runs": await handOver([...tsc, "--project", "lab/setup"], env),
    "tsc of what a browser runs": await handOver([...tsc, "--project", "cli/status/web/client"], env),
  };
  const failed = Object.entries(codes)
    .filter(([, code]) => code !== 0)
    .map(([name, code]) => ({ name, reason: `ended with ${code}` }));
  const passed = Object.keys(codes).length - failed.length;
  return ranLayer("check", failed.length, { passed, failed, skipped: [] });
}

/**
 * @param {Exclude<Layer, "check">} layer
 * @param {readonly string[]} rest
 * @param {NodeJS.ProcessEnv} env
 * @param {string} record
 */
async function runVitest(layer, rest, env, record) {
  if (!(await hasTests(layer))) {
    say(`no tests in tests/${layer}: a layer that tests nothing has failed`);
    return ranLayer(layer, 1, { passed: 0, failed: [], skipped: [] });
  }
  const vitest = [
    "node_modules/vitest/vitest.mjs",
    "run",
    "--project",
    layer,
    "--reporter=default",
    "--reporter=./tests/record.ts",
    "--reporter=./tests/lab/conformance/reporter.ts",
  ];
  // A filter may well match nothing in one layer of several.
  const lenient = rest.length > 0 ? ["--passWithNoTests"] : [];
  const code = await handOver([...vitest, ...lenient, ...rest], { ...env, BERTH_TEST_RECORD: record });
  const written = existsSync(record) ? JSON.parse(await readFile(record, "utf8")) : undefined;
  // Under a filter everything that it leaves out is reported as skipped.
  return ranLayer(layer, code, written && rest.length > 0 ? { ...written, skipped: [] } : written);
}

/** @param {string} layer */
async function hasTests(layer) {
  const names = await readdir(join(checkout, "tests", layer), { recursive: true }).catch(() => []);
  return names.some((name) => name.endsWith(".test.ts"));
}

/**
 * @param {readonly LayerResult[]} results
 * @param {boolean} whole everything was run, so that the skips can be compared
 * @returns {Promise<number>} exit code
 */
async function conclude(results, whole) {
  sayList("Skipped", skipLines(results));
  const agreed = await readFile(join(checkout, AGREED_SKIPS), "utf8");
  const differences = process.env.CI === "true" && whole ? skipDifferences(results, agreed) : [];
  sayList(`The skips are not those of ${AGREED_SKIPS}`, differences);
  const failures = failureLines(results);
  sayList("Failed", failures);
  const nothing = results.every(
    (result) => result.passed + result.failed.length + result.skipped.length === 0,
  );
  if (nothing) say("No test matched.");
  say(`\n${summaryLine(results)}`);
  return differences.length > 0 || nothing || failures.length > 0 ? 1 : 0;
}
