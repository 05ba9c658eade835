import { createInterface } from "node:readline";

/**
 * The lines of a stream. readline emits its input's errors once more as its own, which end the process when nobody listens for them:
 * a connection that is reset would end a server. Whoever reads listens for errors on the stream itself.
 * @param {NodeJS.ReadableStream} input
 * @returns {import("node:readline").Interface}
 */
export function readLines(input) {
  return createInterface({ input, crlfDelay: Number.POSITIVE_INFINITY }).on("error", () => {});
}
