/** How often a step that takes long says that it is still at it, in milliseconds. */
const HEARTBEAT = 20_000;

/**
 * Seconds for people: "0.4 s", "12 s", "3 min 5 s".
 * @param {number} ms
 */
export function duration(ms) {
  const seconds = ms / 1000;
  if (seconds < 10) return `${seconds.toFixed(1)} s`;
  if (seconds < 100) return `${Math.round(seconds)} s`;
  return `${Math.floor(seconds / 60)} min ${Math.round(seconds % 60)} s`;
}

/** Progress of set-up, on stderr: stdout belongs to what the command prints. */
export class Report {
  /** @param {(line: string) => void} write */
  constructor(write = (line) => void process.stderr.write(`${line}\n`)) {
    this.write = write;
  }

  /** @param {string} line */
  say(line) {
    this.write(`set-up: ${line}`);
  }

  /**
   * Run one step between its two lines, with a sign of life for as long as it takes.
   * @template T
   * @param {string} title
   * @param {string} why
   * @param {(at: (doing: string) => void) => Promise<T>} work `at` names what is being done just now
   * @returns {Promise<T>}
   */
  async step(title, why, work) {
    const start = Date.now();
    let doing = "";
    this.say(`${title}: ${why}`);
    const heart = setInterval(() => {
      this.say(`${title}: still at it after ${duration(Date.now() - start)}${doing ? `: ${doing}` : ""}`);
    }, HEARTBEAT);
    try {
      const result = await work((line) => {
        doing = line.trim().slice(0, 100) || doing;
      });
      this.say(`${title}: done in ${duration(Date.now() - start)}`);
      return result;
    } finally {
      clearInterval(heart);
    }
  }
}
