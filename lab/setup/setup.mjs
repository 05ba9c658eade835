import { join } from "node:path";
import { gatherFacts } from "./facts.mjs";
import { missingPackages } from "./packages.mjs";
import { cacheFolder } from "./places.mjs";
import { labRefusal, refusal, spaceRefusal } from "./preflight.mjs";
import { HELPER, openRoot } from "./root-client.mjs";
import { stepsFor } from "./steps.mjs";
import { Interrupted, Trouble } from "./trouble.mjs";
import { inTurn } from "./turn.mjs";

/**
 * @typedef {import("./steps.mjs").Step} Step
 * @typedef {import("./steps.mjs").Need} Need
 * @typedef {import("./steps.mjs").Found} Found
 * @typedef {import("./root-client.mjs").Root} Root
 * @typedef {import("./report.mjs").Report} Report
 */

/**
 * @typedef {object} Wanted
 * @property {ReadonlySet<Need>} needs
 * @property {boolean} tests packages that only tests use are wanted too
 * @property {boolean} startsLab a lab will be started: the root helper is kept for it
 */

/** What root is asked for besides the steps: every lab needs it. */
const LAB_REASON = "start the daemon that runs the lab's servers and their network";

/**
 * Make what is missing. Warm, this only looks, and says nothing.
 * @param {Wanted} wanted
 * @param {Report} report
 * @returns {Promise<{ env: NodeJS.ProcessEnv, close: () => Promise<void> }>} the environment for programs that use what was made;
 *   `close` ends the root helper
 * @throws {Trouble} before anything is made, when it cannot be made here
 */
export async function setUp(wanted, report) {
  const cache = cacheFolder();
  const groups = stepsFor(wanted.needs, wanted);
  const found = await checkAll(groups.flat(), cache);
  const missing = groups.flat().filter((step) => !found.get(step));
  await refuseEarly(wanted, missing, cache);
  const root = await rootFor(wanted, missing, cache, report);
  const interruption = new AbortController();
  const interrupt = () => interruption.abort();
  process.once("SIGINT", interrupt);
  try {
    for (const group of groups) {
      const steps = group.filter((step) => missing.includes(step));
      const works = steps.map(async (step) => found.set(step, await makeStep(step, cache, root, report)));
      await together(works, interruption.signal);
    }
  } catch (error) {
    await root?.close();
    throw error;
  } finally {
    process.off("SIGINT", interrupt);
  }
  const tools = mergeFound(groups.flat().flatMap((step) => found.get(step) ?? []));
  const path = [...tools.path, process.env.PATH].join(":");
  const env = { ...process.env, ...tools.env, PATH: path, ...(root ? { [HELPER]: root.socket } : {}) };
  return { env, close: async () => root?.close() };
}

/**
 * The environment of tools that are there already; makes nothing.
 * @param {ReadonlySet<Need>} needs
 * @returns {Promise<Found>}
 * @throws {Trouble} naming what is missing
 */
export async function findTools(needs) {
  const steps = stepsFor(needs, { tests: false }).flat();
  const found = await checkAll(steps, cacheFolder());
  const missing = steps.filter((step) => !found.get(step)).map((step) => step.title);
  if (missing.length > 0) throw new Trouble(`not set up yet: ${missing.join(", ")}. Next: npm run lab -- up`);
  return mergeFound(steps.flatMap((step) => found.get(step) ?? []));
}

/** Whether builds with Nix need nothing made. */
export async function nixIsReady() {
  return [...(await checkAll(stepsFor(new Set(["nix"]), { tests: true }).flat(), cacheFolder()))].every(
    ([step, found]) => found || step.name === "npm",
  );
}

/**
 * @param {readonly Step[]} steps
 * @param {string} cache
 * @returns {Promise<Map<Step, Found | undefined>>}
 */
async function checkAll(steps, cache) {
  return new Map(
    await Promise.all(steps.map(async (step) => /** @type {const} */ ([step, await step.check({ cache })]))),
  );
}

/**
 * @param {Wanted} wanted
 * @param {readonly Step[]} missing
 * @param {string} cache
 */
async function refuseEarly(wanted, missing, cache) {
  const needsLab = wanted.startsLab || missing.some((step) => step.name !== "npm");
  if (missing.length === 0 && !needsLab) return;
  const facts = await gatherFacts(cache);
  const because =
    refusal(facts) ?? (needsLab ? labRefusal(facts) : undefined) ?? spaceRefusal(facts, missing);
  if (!because) return;
  const packages =
    facts.root === "none" && missing.some((step) => step.name === "packages") ? missingPackages(wanted) : [];
  const byHand =
    packages.length > 0
      ? `\nThe packages that are missing, as root: apt-get install -y ${packages.join(" ")}`
      : "";
  throw new Trouble(because + byHand);
}

/**
 * @param {Wanted} wanted
 * @param {readonly Step[]} missing
 * @param {string} cache
 * @param {Report} report
 */
async function rootFor(wanted, missing, cache, report) {
  const works = await Promise.all(missing.map((step) => step.rootWork?.({ cache })));
  const reasons = [
    ...works.flatMap((work) => (work ? [work.reason] : [])),
    ...(wanted.startsLab ? [LAB_REASON] : []),
  ];
  return reasons.length > 0 ? openRoot(reasons, (line) => report.say(line)) : undefined;
}

/**
 * Make what a step is for, unless another set-up has by now.
 * @param {Step} step
 * @param {string} cache
 * @param {Root | undefined} root
 * @param {Pick<Report, "say" | "step">} report
 * @returns {Promise<Found>} nothing, of an optional step that could not be made: the reason is told
 * @throws {Trouble} when a step that is not optional could not be made
 */
export async function makeStep(step, cache, root, report) {
  const say = (/** @type {string} */ line) => report.say(line);
  return inTurn(cache, step.name, say, async () => {
    // Another set-up may have made it while this one waited for its turn.
    const already = await step.check({ cache });
    if (already) return already;
    try {
      await report.step(step.title, step.why, async (at) => {
        const work = await step.rootWork?.({ cache });
        if (work && !root) throw new Trouble(`${step.title}: root is needed to ${work.reason}`);
        if (work) await root?.ask(work.verb, work.args, at);
        await step.make({ cache, at, say });
      });
    } catch (error) {
      if (!step.optional || !(error instanceof Trouble)) throw error;
      say(`${step.title}: going without: ${error.message}`);
      return { path: [], env: {} };
    }
    const made = await step.check({ cache });
    if (!made)
      throw new Trouble(`${step.title}: made, but not found afterwards. Logs: ${join(cache, "log")}`);
    return made;
  });
}

/**
 * All of them to their end, or until Ctrl-C; the first failure is the one that is told.
 * @param {Promise<unknown>[]} works
 * @param {AbortSignal} interrupted
 */
async function together(works, interrupted) {
  const cut = new Promise((resolve) => interrupted.addEventListener("abort", resolve, { once: true }));
  const results = await Promise.race([Promise.allSettled(works), cut]);
  if (interrupted.aborted) throw new Interrupted("set-up was interrupted; the next run goes on from here");
  const failed = Array.isArray(results) && results.find((result) => result.status === "rejected");
  if (failed) throw failed.reason;
}

/**
 * @param {readonly Found[]} found
 * @returns {Found}
 */
export function mergeFound(found) {
  return { path: found.flatMap((one) => one.path), env: Object.assign({}, ...found.map((one) => one.env)) };
}
