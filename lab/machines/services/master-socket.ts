import { connect } from "node:net";

/** How long haproxy may take to answer; a reload waits for the new process. */
const LIMIT_MS = 15_000;

/** Gives one command to haproxy's master process and returns its answer. */
export function askMaster(socket: string, command: string): Promise<string> {
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  const connection = connect(socket);
  const chunks: Buffer[] = [];
  connection.setTimeout(LIMIT_MS, () =>
    connection.destroy(new Error(`haproxy did not answer "${command}" within ${LIMIT_MS / 1000} s`)),
  );
  connection.on("error", reject);
  connection.on("data", (chunk) => chunks.push(chunk));
  connection.on("close", () => resolve(Buffer.concat(chunks).toString()));
  connection.end(`${command}\n`);
  return promise;
}
