/** Counts what was evaluated, what was run, and what was neither, and says each as it comes. */
export class Tally {
  #counts = { evaluated: 0, run: 0, failed: 0 };
  #skipped: string[] = [];
  readonly #say: (line: string) => void;

  constructor(say: (line: string) => void) {
    this.#say = say;
  }

  /** It has a derivation. Whether that builds, nobody has seen. */
  evaluated(what: string): void {
    this.#counts.evaluated++;
    this.#say(`evaluated  ${what}`);
  }

  /** A program was given it and took it. */
  ran(what: string): void {
    this.#counts.run++;
    this.#say(`ran        ${what}`);
  }

  failed(what: string, because: string): void {
    this.#counts.failed++;
    this.#say(`FAILED     ${what}\n${because.trimEnd().replaceAll(/^/gm, "           ")}`);
  }

  skipped(what: string, because: string): void {
    this.#skipped.push(`SKIPPED    ${what}: ${because}`);
  }

  /** Says what was skipped and the counts. Returns an exit code: 1 where something failed, or where nothing was looked at. */
  conclude(): number {
    const { evaluated, run, failed } = this.#counts;
    for (const line of this.#skipped) this.#say(line);
    this.#say(`${evaluated} evaluated, ${run} run, ${failed} failed, ${this.#skipped.length} skipped`);
    return failed > 0 || evaluated + run === 0 ? 1 : 0;
  }
}
