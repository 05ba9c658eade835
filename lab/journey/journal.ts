import { mkdirSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";

/** One step as the journal keeps it. */
export interface StepRecord {
  name: string;
  ok: boolean;
  /** From the start of the step to its end. */
  seconds: number;
  /** What was seen, one line. */
  detail: string;
}

/** The machine-readable record of a run, rewritten after every step, so that an interrupted run leaves one, too. */
export class Journal {
  readonly #file: string;
  readonly #started = Date.now();
  readonly #steps: StepRecord[] = [];
  #facts: Record<string, unknown> = {};

  constructor(file: string) {
    this.#file = file;
  }

  get steps(): readonly StepRecord[] {
    return this.#steps;
  }

  get seconds(): number {
    return (Date.now() - this.#started) / 1000;
  }

  /** Facts beside the steps: nonces, releases, the probe's counts. */
  note(facts: Record<string, unknown>): void {
    this.#facts = { ...this.#facts, ...facts };
  }

  add(step: StepRecord): void {
    this.#steps.push(step);
  }

  /** Write the record. `ok` is set when the run has ended. */
  write(ok?: boolean): void {
    const record = {
      startedAt: new Date(this.#started).toISOString(),
      ended: ok !== undefined,
      ok: ok ?? false,
      seconds: round(this.seconds),
      ...this.#facts,
      steps: this.#steps,
    };
    // The lab's folder may be gone by now.
    mkdirSync(dirname(this.#file), { recursive: true });
    writeFileSync(this.#file, `${JSON.stringify(record, null, 2)}\n`);
  }
}

export const round = (seconds: number): number => Math.round(seconds * 10) / 10;
