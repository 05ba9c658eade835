import { request as httpRequest } from "node:http";
import { request as httpsRequest } from "node:https";
import { isIP } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import type { HealthCheck } from "../../config/manifest.ts";

/** What one attempt at a check found. */
export type Verdict =
  | { healthy: true; took: number }
  | {
      healthy: false;
      because: string;
      /** This machine has no way to the address at all, so nothing was learnt about the host. */
      noWay?: true;
    };

/** What a network stack says of an address family that this machine has no route for. */
const noWayCodes: readonly (string | undefined)[] = ["ENETUNREACH", "EADDRNOTAVAIL", "EAFNOSUPPORT"];

/** Bytes of a body that are read; a check looks for text near the top. */
const bodyLimit = 256 * 1024;

/** The URL a check asks. */
export const urlOf = (check: HealthCheck): URL => new URL(check.http ?? check.https ?? "");

/**
 * Ask once, over a new connection to `address`; Host and SNI are the URL's, so DNS plays no part.
 * Never throws: whatever goes wrong is the verdict.
 */
export function checkOnce(check: HealthCheck, address: string, timeout: number): Promise<Verdict> {
  const url = urlOf(check);
  const started = Date.now();
  return new Promise((resolve) => {
    const asked = `GET ${url.href}${isIP(address) === 6 ? " over IPv6" : ""}`;
    const unhealthy = (because: string, more: { noWay?: true } = {}) =>
      resolve({ healthy: false, because: `${asked} ${because}`, ...more });
    const failed = (error: NodeJS.ErrnoException, what: string) =>
      error.name === "AbortError" || error.name === "TimeoutError"
        ? unhealthy(`did not answer within ${timeout / 1000} s`)
        : unhealthy(`${what}: ${error.message}`, noWayCodes.includes(error.code) ? { noWay: true } : {});
    const secure = url.protocol === "https:";
    const options = {
      host: address,
      port: url.port || (secure ? 443 : 80),
      path: url.pathname + url.search,
      method: "GET",
      headers: { host: url.host, "user-agent": "berth-health", connection: "close" },
      agent: false as const,
      signal: AbortSignal.timeout(timeout),
      // An address has no SNI.
      ...(secure && isIP(url.hostname.replace(/^\[|\]$/g, "")) === 0 ? { servername: url.hostname } : {}),
    };
    const request = (secure ? httpsRequest : httpRequest)(options, (response) => {
      let body = "";
      response.setEncoding("utf8");
      response.on("data", (chunk: string) => {
        if (body.length < bodyLimit) body += chunk;
      });
      response.on("error", (error) => failed(error, "broke off"));
      response.on("end", () => {
        const status = response.statusCode ?? 0;
        if (status !== check.status)
          return unhealthy(`answered ${status}, expected ${check.status}${excerpt(body)}`);
        if (check.body !== undefined && !body.includes(check.body)) {
          return unhealthy(
            `answered ${status} without the text ${JSON.stringify(check.body)}${excerpt(body)}`,
          );
        }
        resolve({ healthy: true, took: Date.now() - started });
      });
    });
    request.on("error", (error) => failed(error, "failed"));
    request.end();
  });
}

/** What a page says, without its markup and style. */
const excerpt = (body: string): string => {
  const text = body.replaceAll(/<(style|script|head)\b[\s\S]*?<\/\1>|<[^>]*>/gi, " ");
  const line = text.replaceAll(/\s+/g, " ").trim().slice(0, 120);
  return line === "" ? "" : ` (${line})`;
};

/**
 * Ask at every address until every check is healthy or the deadline passes.
 * The verdict is that of the check that held out longest. Of several addresses, those of a family that this machine has no route for
 * are left out, and `onSkip` is told; the first address is always asked.
 */
export async function checkAll(
  checks: readonly HealthCheck[],
  addresses: readonly string[],
  options: { deadline: number; pause?: number; signal?: AbortSignal; onSkip?: (line: string) => void },
): Promise<Verdict> {
  const end = Date.now() + options.deadline;
  const started = Date.now();
  for (const [index, address] of addresses.entries()) {
    for (const check of checks) {
      const optional = index > 0;
      const verdict = await checkUntil(check, address, end, { ...options, optional });
      if (verdict.healthy) continue;
      if (verdict.noWay && optional) {
        options.onSkip?.(`not checked at ${address}: this machine has no route to it`);
        break;
      }
      return {
        healthy: false,
        because: `${verdict.because}, for ${Math.round((Date.now() - started) / 1000)} s`,
      };
    }
  }
  return { healthy: true, took: Date.now() - started };
}

async function checkUntil(
  check: HealthCheck,
  address: string,
  end: number,
  { pause, signal, optional }: { pause?: number; signal?: AbortSignal; optional: boolean },
): Promise<Verdict> {
  for (;;) {
    signal?.throwIfAborted();
    const left = end - Date.now();
    const verdict = await checkOnce(check, address, Math.max(1_000, Math.min(5_000, left)));
    if (verdict.healthy || (optional && verdict.noWay) || Date.now() >= end) return verdict;
    await sleep(pause ?? 250, undefined, { signal });
  }
}
