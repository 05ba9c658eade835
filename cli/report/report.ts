import { readdir, writeFile } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import type { Command } from "commander";
import { Failure, messageOf } from "../../deployer/failure.ts";
import { readRecord, recordsOf } from "../../deployer/runs/record.ts";
import { asJson } from "../as-json.ts";
import { openOnDesktop } from "../desktop.ts";
import { print, say } from "../say.ts";
import { nameOfStack } from "../stack-name.ts";
import type { Verbs } from "../verbs.ts";
import { type Report, reportOf } from "./model.ts";
import { reportPage } from "./page.ts";

export interface ReportOptions {
  json?: true;
  open?: true;
}

export function addReport(program: Command, { selected, end }: Verbs): void {
  program
    .command("report [record]")
    .description(
      "make the report of an update anew, of its record; the latest one's when absent. Asks no host. Ends with 1 when a host does not run what was wanted",
    )
    .option("--open", "show it in the browser")
    .option("--json", "what it tells, as JSON; writes no file")
    .action(async (record: string | undefined, options: ReportOptions) =>
      end(await report(selected(), record, options)),
    );
}

/**
 * Make an update's report anew.
 * @param record a file; the stack's latest when absent
 * @returns 0 when every host ran what was wanted
 */
export async function report(
  selected: string | undefined,
  record: string | undefined,
  { json = false, open = false }: { json?: boolean; open?: boolean },
): Promise<number> {
  const file = record === undefined ? await latestOf(await nameOfStack(selected)) : resolve(record);
  const told = await read(file);
  const well = told.hosts.every(({ done }) => done === true);
  if (json) {
    const { stack, hosts, ...more } = told;
    print(asJson("report", stack, hosts, { well, record: file, ...more }));
    return well ? 0 : 1;
  }
  const page = await write(file, told);
  print(page);
  if (open) await show(page);
  return well ? 0 : 1;
}

/** Write the report beside its record. That it cannot be written is told, and is no part of how the update went. */
export async function writeReport(record: string): Promise<void> {
  try {
    say(`The report is ${await write(record, await read(record))}`);
  } catch (error) {
    say(`there is no report: ${messageOf(error)}`);
  }
}

async function read(record: string): Promise<Report> {
  // Its folder is its stack's: a record that was cut off early names none.
  const told = reportOf(await readRecord(record), dirname(record).split("/.berth/runs/").at(1) ?? "");
  if (told) return told;
  throw new Failure({
    tried: `read the record ${record}`,
    cameBack: "there is no such file, or nothing in it is a record's",
    next: "name a file that berth up has told: they are below .berth/runs, a folder a stack",
  });
}

async function write(record: string, told: Report): Promise<string> {
  const page = `${record.replace(/\.jsonl$/, "")}.html`;
  await writeFile(page, reportPage(told), { mode: 0o600 });
  return page;
}

async function latestOf(stack: string): Promise<string> {
  const folder = resolve(recordsOf(stack));
  const records = (await readdir(folder).catch(() => [])).filter((name) => name.endsWith(".jsonl")).sort();
  const last = records.at(-1);
  if (last !== undefined) return join(folder, last);
  throw new Failure({
    tried: `find the latest update of stack ${stack}`,
    cameBack: `no record is in ${folder}`,
    next: "run berth up in this folder, or name a record",
  });
}

/** Show a file in the browser of who asks. */
async function show(page: string): Promise<void> {
  const trouble = await openOnDesktop(pathToFileURL(page).href);
  if (trouble !== undefined) say(`no browser was opened: ${trouble}; the file is ${page}`);
}
