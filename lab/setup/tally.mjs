/**
 * A test and why it counts as it does.
 * @typedef {{ name: string, reason: string }} NamedResult
 */

/**
 * What a layer came to.
 * @typedef {object} LayerResult
 * @property {import("./layers.mjs").Layer} layer
 * @property {number} passed
 * @property {NamedResult[]} failed
 * @property {(NamedResult & { broken?: true })[]} skipped `broken` are those that a failure above them kept from running; a layer that was not run at all is one skip named after it
 */

/**
 * A layer that did not run.
 * @param {import("./layers.mjs").Layer} layer
 * @param {string} reason
 * @returns {LayerResult}
 */
export const skippedLayer = (layer, reason) => ({
  layer,
  passed: 0,
  failed: [],
  skipped: [{ name: `layer ${layer}`, reason }],
});

/**
 * A layer whose runner ended; a runner that fails without a failed test counts as one failure.
 * @param {import("./layers.mjs").Layer} layer
 * @param {number} exitCode
 * @param {Omit<LayerResult, "layer"> | undefined} record undefined when it left none
 * @returns {LayerResult}
 */
export function ranLayer(layer, exitCode, record) {
  const result = { layer, passed: 0, ...(record ?? { failed: [], skipped: [] }) };
  const unexplained = exitCode !== 0 && result.failed.length === 0;
  if (record && !unexplained) return result;
  const reason = record ? `its runner ended with ${exitCode}` : "its runner left no record";
  return { ...result, failed: [...result.failed, { name: `layer ${layer}`, reason }] };
}

/**
 * The last line: the sum over all layers.
 * @param {readonly LayerResult[]} results
 */
export function summaryLine(results) {
  const sum = { passed: 0, failed: 0, skipped: 0 };
  for (const result of results) {
    sum.passed += result.passed;
    sum.failed += result.failed.length;
    sum.skipped += result.skipped.length;
  }
  return `${sum.passed} passed, ${sum.failed} failed, ${sum.skipped} skipped`;
}

/**
 * What was skipped and why, each reason once: by choice with the tests' names, and of what a failure kept from
 * running how many there were.
 * @param {readonly LayerResult[]} results
 * @returns {string[]} lines for people, none when nothing was skipped
 */
export function skipLines(results) {
  const skips = results.flatMap((result) => result.skipped);
  const byReason = (/** @type {boolean} */ broken) =>
    [...new Set(skips.filter((skip) => (skip.broken ?? false) === broken).map(({ reason }) => reason))].map(
      (reason) => ({ reason, names: skips.filter((skip) => skip.reason === reason).map(({ name }) => name) }),
    );
  return [
    ...byReason(false).flatMap(({ reason, names }) => [`${reason}:`, ...names.map((name) => `  ${name}`)]),
    ...byReason(true).map(({ reason, names }) => `${names.length} tests: ${reason}`),
  ];
}

/**
 * What failed and what was said of it, further lines of that further in.
 * @param {readonly LayerResult[]} results
 * @returns {string[]} lines for people, none when nothing failed
 */
export const failureLines = (results) =>
  results
    .flatMap((result) => result.failed)
    .flatMap(({ name, reason }) => {
      const [first, ...more] = reason.split("\n");
      return [`${name}: ${first}`, ...more.map((line) => `    ${line}`)];
    });

/**
 * How the skips differ from those agreed on. Names that several tests share count each time; what a failure
 * kept from running is told with that failure.
 * @param {readonly LayerResult[]} results
 * @param {string} agreed one name a line; lines starting with # and empty ones are for people
 * @returns {string[]} lines for people, none when they agree
 */
export function skipDifferences(results, agreed) {
  const expected = agreed
    .split("\n")
    .map((line) => line.trim())
    .filter((line) => line !== "" && !line.startsWith("#"));
  const all = results.flatMap((result) => result.skipped);
  const skipped = all.map((skip) => skip.name);
  const byChoice = all.filter((skip) => !skip.broken).map((skip) => skip.name);
  return [
    ...without(byChoice, expected).map((name) => `skipped, but not agreed on: ${name}`),
    ...without(expected, skipped).map((name) => `agreed on as skipped, but not skipped: ${name}`),
  ];
}

/**
 * @param {readonly string[]} names
 * @param {readonly string[]} taken
 */
function without(names, taken) {
  const rest = [...taken];
  return names.filter((name) => {
    const at = rest.indexOf(name);
    if (at !== -1) rest.splice(at, 1);
    return at === -1;
  });
}
