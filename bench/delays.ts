import { type ChildProcess, fork } from "node:child_process";
import { fileURLToPath } from "node:url";
import type { Passed } from "./delay-line.ts";
import type { DelayAnswer, DelayRequest } from "./delay-process.ts";

type Unnumbered = DelayRequest extends infer Request
  ? Request extends DelayRequest
    ? Omit<Request, "call">
    : never
  : never;

/** Delay lines in a process of their own. */
export class Delays {
  readonly #child: ChildProcess;
  readonly #waiting = new Map<number, (answer: DelayAnswer) => void>();
  #calls = 0;

  constructor() {
    this.#child = fork(fileURLToPath(new URL("./delay-process.ts", import.meta.url)));
    this.#child.on("message", (answer: DelayAnswer) => {
      this.#waiting.get(answer.call)?.(answer);
      this.#waiting.delete(answer.call);
    });
    this.#child.on("exit", () => {
      for (const settle of this.#waiting.values())
        settle({ call: 0, failed: "the delay lines' process ended" });
      this.#waiting.clear();
    });
  }

  /** A port on 127.0.0.1 from which that place is `roundTrip` milliseconds away. */
  async open(address: string, port: number, roundTrip: number): Promise<number> {
    return (await this.#ask({ do: "open", address, port, roundTrip })).port ?? 0;
  }

  /** What went through since the last time this was asked. */
  async take(port: number): Promise<Passed> {
    return (await this.#ask({ do: "take", port })).passed ?? { connections: 0, turns: 0, sent: 0 };
  }

  close(): void {
    if (this.#child.connected) this.#child.disconnect();
  }

  async #ask(request: Unnumbered): Promise<DelayAnswer> {
    const call = ++this.#calls;
    const answer = await new Promise<DelayAnswer>((resolve) => {
      this.#waiting.set(call, resolve);
      this.#child.send({ call, ...request });
    });
    if (answer.failed !== undefined) throw new Error(`a delay line: ${answer.failed}`);
    return answer;
  }
}
