import { request } from "node:http";
import type { DriverInfo } from "./machines.ts";
import { labPlaces } from "./names.ts";

/** How long `quit` may take: it waits for machines to shut down. */
const QUIT_LIMIT_MS = 100_000;

/** How long a daemon that is well may take to tell about itself. */
const INFO_LIMIT_MS = 30_000;

/**
 * Names, addresses and machines of the lab in folder `lab`. (What the cloud needs of the driver, `ServerDriver`, has its
 * client in `lab/cloud`; this one is for those who look after the lab.)
 */
export function driverInfo(lab: string, limitMs = INFO_LIMIT_MS): Promise<DriverInfo> {
  return ask(labPlaces(lab).socket, "info", limitMs) as Promise<DriverInfo>;
}

/** Stops all machines, takes the network down and ends the daemon; resolves when all but its process is gone. */
export async function quitDriver(lab: string): Promise<void> {
  await ask(labPlaces(lab).socket, "quit", QUIT_LIMIT_MS);
}

function ask(socketPath: string, method: string, limitMs: number): Promise<unknown> {
  const { promise, resolve, reject } = Promise.withResolvers<unknown>();
  const headers = { "content-type": "application/json" };
  const call = request(
    { socketPath, path: `/${method}`, method: "POST", headers, agent: false },
    (response) => {
      const chunks: Buffer[] = [];
      response.on("data", (chunk: Buffer) => chunks.push(chunk));
      response.on("error", reject);
      response.on("end", () => {
        const answer = parse(Buffer.concat(chunks).toString());
        if (response.statusCode === 200) resolve(answer.result);
        else
          reject(new Error(`${method}: ${answer.error ?? `status ${response.statusCode} without a reason`}`));
      });
    },
  );
  const limit = setTimeout(() => call.destroy(new Error(`no answer within ${limitMs / 1000} s`)), limitMs);
  call.on("close", () => clearTimeout(limit));
  call.on("error", (error) =>
    reject(new Error(`the lab's server driver (${socketPath}) does not answer: ${error.message}`)),
  );
  call.end('{"args":[]}');
  return promise;
}

function parse(text: string): { result?: unknown; error?: string } {
  try {
    return JSON.parse(text);
  } catch {
    return {};
  }
}
