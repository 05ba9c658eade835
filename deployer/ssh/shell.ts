import type { ChildProcess } from "node:child_process";
import { randomBytes } from "node:crypto";
import { type Ended, TimedOut } from "../process.ts";

/** What is being waited for. */
interface Request {
  /** Ends what the script has written. */
  word: string;
  settle: (ended: Ended) => void;
}

/**
 * The far end's `resident.sh` behind a connection's own channel: one script after the other, each for one round trip. One that did not end
 * in time leaves it unusable, as it may still be running there.
 */
export class ResidentShell {
  readonly #child: ChildProcess;
  #stdout: Buffer[] = [];
  #stderr: Buffer[] = [];
  /** In the order in which they were sent, and will be answered. */
  readonly #requests: Request[] = [];
  #usable = true;

  /** @param child has its three streams piped */
  constructor(child: ChildProcess) {
    this.#child = child;
    child.stdout?.on("data", (chunk: Buffer) => this.#hear(this.#stdout, chunk));
    child.stderr?.on("data", (chunk: Buffer) => this.#hear(this.#stderr, chunk));
    // Its end is what tells that nobody listens any more.
    child.stdin?.on("error", () => undefined);
    child.once("close", () => {
      this.#usable = false;
      for (const { settle } of this.#requests.splice(0)) {
        settle({ exitCode: 255, stdout: text(this.#stdout), stderr: text(this.#stderr) });
        this.#stdout = [];
        this.#stderr = [];
      }
    });
  }

  /** Whether a script would be run at once. */
  get idle(): boolean {
    return this.usable && this.#requests.length === 0;
  }

  /** Whether a script would be run, behind those that were sent before. */
  get usable(): boolean {
    return this.#usable && this.#child.exitCode === null;
  }

  /**
   * Run a script to its end, once those that were sent before have ended; a non-zero exit is returned, a lost connection (255) as well.
   * Throws `TimedOut`.
   * @param input its pieces
   */
  async run(
    script: string,
    { input, deadline, signal }: { input: readonly Uint8Array[]; deadline: number; signal?: AbortSignal },
  ): Promise<Ended> {
    signal?.throwIfAborted();
    const word = randomBytes(12).toString("hex");
    if (this.#requests.length === 0) {
      this.#stdout = [];
      this.#stderr = [];
    }
    const ended = new Promise<Ended>((settle) => this.#requests.push({ word, settle }));
    const scriptBytes = Buffer.from(script);
    const inputBytes = input.reduce((sum, { length }) => sum + length, 0);
    const head = Buffer.from(`${scriptBytes.length} ${inputBytes} ${word}\n`);
    const { stdin } = this.#child;
    // Together, and none of it copied.
    stdin?.cork();
    for (const piece of [head, scriptBytes, ...input, Buffer.from(`${word}\n`)]) stdin?.write(piece);
    stdin?.uncork();
    let timer: NodeJS.Timeout | undefined;
    let cancel: (() => void) | undefined;
    const cut = new Promise<never>((_, reject) => {
      timer = setTimeout(
        () =>
          reject(
            new TimedOut({
              tried: "run a script over ssh",
              cameBack: `no end within ${deadline / 1000} s`,
              next: "look at what holds it up, then run pulumi up again",
            }),
          ),
        deadline,
      );
      cancel = () => reject(new Error("ssh was cancelled"));
      signal?.addEventListener("abort", cancel);
    });
    try {
      return await Promise.race([ended, cut]);
    } catch (error) {
      this.#usable = false;
      throw error;
    } finally {
      clearTimeout(timer);
      if (cancel) signal?.removeEventListener("abort", cancel);
    }
  }

  #hear(kept: Buffer[], chunk: Buffer): void {
    kept.push(chunk);
    // What is said between requests is said to nobody.
    for (let [request] = this.#requests; request; [request] = this.#requests) {
      const { word, settle } = request;
      const stdout = split(this.#stdout, new RegExp(`\\n${word} (\\d+)\\n`));
      const stderr = split(this.#stderr, new RegExp(`\\n${word}\\n`));
      if (!stdout || !stderr) return;
      this.#requests.shift();
      this.#stdout = [stdout.behind];
      this.#stderr = [stderr.behind];
      settle({ exitCode: Number(stdout.word), stdout: text([stdout.before]), stderr: text([stderr.before]) });
    }
  }
}

const text = (chunks: readonly Buffer[]): string => Buffer.concat(chunks).toString("utf8");

/** What came before a mark, what the mark holds, and what came behind it; undefined while it has not come. */
function split(chunks: Buffer[], mark: RegExp): { before: Buffer; word: string; behind: Buffer } | undefined {
  const whole = Buffer.concat(chunks);
  // A character a byte, so that places are the same in both.
  const found = mark.exec(whole.toString("latin1"));
  if (!found) return undefined;
  const end = found.index + found[0].length;
  return { before: whole.subarray(0, found.index), word: found[1] ?? "", behind: whole.subarray(end) };
}
