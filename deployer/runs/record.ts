import { appendFileSync, mkdirSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { messageOf } from "../failure.ts";
import { masker } from "../mask.ts";
import { type NewRunEvent, parseEvents, type RunEvent } from "./events.ts";

/** The variable that names the record of the update that goes on, for the program and the provider alike. */
export const recordVariable = "BERTH_RUN";

/** Where a stack's updates are recorded, relative to the project. */
export const recordsOf = (stack: string): string => join(".berth/runs", stack);

/**
 * Where an update that begins now is recorded, relative to the project.
 * @param who what tells it from others that begin in the same second, e.g. a process id
 */
export const recordFile = (stack: string, now: Date, who: string | number): string =>
  join(recordsOf(stack), `${now.toISOString().replaceAll(":", "").slice(0, 17)}Z-${who}.jsonl`);

/** Secrets that this process was told: no record of its has them. */
const secrets = new Set<string>();
let masked: ((text: string) => string) | undefined;

/** Keep these out of what is recorded from now on, beside what `masker` knows by itself. */
export function keepOutOfRecords(values: Iterable<unknown>): void {
  for (const value of values) if (typeof value === "string") secrets.add(value);
  masked = undefined;
}

/** As JSON, every text in it masked. */
function withoutSecrets(event: NewRunEvent & { at: string }): string {
  masked ??= masker(process.env, secrets);
  const mask = masked;
  return JSON.stringify(event, (key, value: unknown) =>
    typeof value === "string" && key !== "at" ? mask(value) : value,
  );
}

/** The record of one update: JSON lines, appended one by one, so that several processes can write it and none needs to end well. */
export class RunRecord {
  readonly file: string;
  #onTrouble: ((line: string) => void) | undefined;

  /** @param onTrouble told once, when the file cannot be written; the update goes on */
  constructor(file: string, onTrouble?: (line: string) => void) {
    this.file = file;
    this.#onTrouble = onTrouble;
  }

  add(event: NewRunEvent): void {
    try {
      mkdirSync(dirname(this.file), { recursive: true, mode: 0o700 });
      const line = withoutSecrets({ at: new Date().toISOString(), ...event });
      appendFileSync(this.file, `${line}\n`, { mode: 0o600 });
    } catch (error) {
      this.#onTrouble?.(`this update is not recorded: ${messageOf(error)}`);
      this.#onTrouble = undefined;
    }
  }
}

/** What a record tells; nothing where there is none. */
export const readRecord = async (file: string): Promise<RunEvent[]> =>
  parseEvents(await readFile(file, "utf8").catch(() => ""));
