import { resolve } from "node:path";
import { messageOf } from "../deployer/failure.ts";
import { remote } from "../deployer/remote/scripts.ts";
import { RunRecord, readRecord, recordFile, recordVariable } from "../deployer/runs/record.ts";
import { type HostResult, isDone, seenToRun, summarise } from "../deployer/runs/summary.ts";
import { SshSession } from "../deployer/ssh/session.ts";
import { readDeployments } from "./deployments.ts";
import { inTerminal } from "./in-terminal.ts";
import { writeReport } from "./report/report.ts";
import { print, say } from "./say.ts";
import { readStack, type StackView, targetOf } from "./stack.ts";
import { nameOfStack } from "./stack-name.ts";
import { summaryTable } from "./summary-table.ts";

/**
 * `pulumi up --continue-on-error` with a table of all hosts at the end, and a report beside the record.
 * @param args for pulumi, e.g. `--yes`
 * @param selected the stack's name; the selected one's when absent
 * @param aside stdout is for something else: everything goes to stderr
 * @returns 0 when every host runs what is wanted; pulumi's exit code, or 1, otherwise
 */
export async function up(
  args: readonly string[],
  selected: string | undefined,
  { aside = false }: { aside?: boolean } = {},
): Promise<number> {
  const stack = await nameOfStack(selected);
  // The program and the provider have folders of their own to work in.
  const file = resolve(recordFile(stack, new Date(), process.pid));
  const exitCode = await inTerminal("pulumi", ["up", "--continue-on-error", "-s", stack, ...args], {
    env: { [recordVariable]: file },
    aside,
  });
  const known = Object.entries(await readDeployments(stack));
  const releases = Object.fromEntries(known.map(([host, { release }]) => [host, release]));
  const left = known.flatMap(([host, { inputs }]) =>
    inputs.drift === "report" ? [[host, inputs.toplevel] as const] : [],
  );
  const results = summarise(await readRecord(file), releases, Object.fromEntries(left));
  const reports = new Set(left.map(([host]) => host));
  // Declined, or given up before there was anything to do.
  if (!results) return exitCode;
  const seen = await lookAtUnchanged(stack, results, reports);
  if (aside)
    process.stderr.write(`
${summaryTable(seen)}`);
  else
    print(`
${summaryTable(seen)}`);
  const ended = seen.every(isDone) || exitCode !== 0 ? exitCode : 1;
  new RunRecord(file, say).add({ event: "summary", exitCode: ended, results: seen });
  say(`The record of this update is ${file}`);
  await writeReport(file);
  return ended;
}

/** The state says that there was nothing to do there; the hosts themselves say whether that is so. */
async function lookAtUnchanged(
  stack: string,
  results: readonly HostResult[],
  reports: ReadonlySet<string>,
): Promise<HostResult[]> {
  if (!results.some(({ outcome }) => outcome === "unchanged")) return [...results];
  const view = await readStack(stack);
  return Promise.all(
    results.map((result) =>
      result.outcome === "unchanged" ? lookAt(view, result, reports.has(result.host)) : result,
    ),
  );
}

async function lookAt(view: StackView, result: HostResult, isLeft: boolean): Promise<HostResult> {
  const session = await SshSession.create(targetOf(view, result.host));
  try {
    const { current } = await remote(session, "observe", {}, { deadline: 20_000 });
    return seenToRun(result, current ?? undefined, isLeft);
  } catch (error) {
    return { ...result, outcome: "not reached", after: undefined, because: messageOf(error) };
  } finally {
    await session.close();
  }
}
