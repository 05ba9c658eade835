import { get } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";

/** What came back of requests that went on all the time. */
export interface Answers {
  /** Bodies of each loop, in its order. */
  loops: string[][];
  /** What went wrong, with the milliseconds from the beginning. */
  failures: { at: number; what: string }[];
}

/** One request over a connection of its own; its body. Throws on any status but 200. */
export function ask(url: string, timeout = 30_000): Promise<string> {
  return new Promise((resolve, reject) => {
    const request = get(url, { agent: false, timeout }, (response) => {
      let body = "";
      response.on("data", (chunk: Buffer) => (body += chunk));
      response.on("error", reject);
      response.on("end", () =>
        response.statusCode === 200 ? resolve(body) : reject(new Error(`status ${response.statusCode}`)),
      );
    });
    request.on("timeout", () => request.destroy(new Error(`no answer within ${timeout} ms`)));
    request.on("error", reject);
  });
}

/** Ask these addresses, each in a loop of its own, until `during` is over, and once more after that. */
export async function askingDuring<T>(
  urls: readonly string[],
  during: () => Promise<T>,
): Promise<[T, Answers]> {
  const answers: Answers = { loops: urls.map(() => []), failures: [] };
  const began = Date.now();
  let over = false;
  const loop = async (url: string, seen: string[]) => {
    for (let last = false; !last; ) {
      last = over;
      await ask(url).then(
        (body) => seen.push(body),
        (error: Error) => answers.failures.push({ at: Date.now() - began, what: error.message }),
      );
      await sleep(15);
    }
  };
  const loops = urls.map((url, index) => loop(url, answers.loops[index] ?? []));
  try {
    return [await during(), answers];
  } finally {
    over = true;
    await Promise.all(loops);
  }
}

/** A row of answers without what repeats. */
export const changesOf = (row: readonly string[]): string[] =>
  row.filter((one, index) => one !== row[index - 1]);
