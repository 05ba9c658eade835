import { messageOf } from "../../deployer/failure.ts";
import { type Journal, round } from "./journal.ts";

/** A step did not see what it must see. */
export class NotHeld extends Error {
  override readonly name = "NotHeld";
}

/** Throw unless a condition holds. */
export function hold(condition: boolean, otherwise: string): asserts condition {
  if (!condition) throw new NotHeld(otherwise);
}

/** Run steps one after the other: a line each with its time, and a record in the journal. */
export class Steps {
  readonly #journal: Journal;
  readonly #print: (line: string) => void;

  constructor(journal: Journal, print: (line: string) => void) {
    this.#journal = journal;
    this.#print = print;
  }

  /** `work` returns what was seen, in one line. A step that throws ends the run. */
  async step(name: string, work: () => Promise<string>): Promise<void> {
    const started = Date.now();
    this.#print(`-- ${name}`);
    const end = (ok: boolean, detail: string) => {
      const seconds = round((Date.now() - started) / 1000);
      this.#journal.add({ name, ok, seconds, detail });
      this.#journal.write();
      this.#print(`${ok ? "ok" : "FAILED"} ${seconds.toFixed(1).padStart(6)} s  ${name}: ${detail}`);
    };
    try {
      end(true, await work());
    } catch (error) {
      end(false, messageOf(error));
      throw error;
    }
  }
}
