import { setTimeout as sleep } from "node:timers/promises";
import type { HealthCheck } from "../../config/manifest.ts";
import type { SshSession } from "../ssh/session.ts";
import { askHost, type HostCheck } from "./host.ts";
import { askUrl } from "./http.ts";
import { askPort } from "./tcp.ts";
import type { Verdict } from "./verdict.ts";

/** Seconds that an attempt may take. */
export const attemptSeconds = ({ timeout = 5 }: Pick<HealthCheck, "timeout">): number => timeout;

/** A check from outside, made ready to be asked at an address. */
type OutsideCheck = (address: string, timeout: number) => Promise<Verdict>;

/** How a check is asked: from outside at each of the host's addresses, or on the host. */
export function wayOf({
  http,
  https,
  tcp,
  unit,
  command,
  ...expected
}: HealthCheck): { outside: OutsideCheck } | { inside: HostCheck } {
  if (unit !== undefined) return { inside: { unit } };
  if (command !== undefined) return { inside: { command, body: expected.body } };
  if (tcp !== undefined) return { outside: (address, timeout) => askPort(tcp, address, timeout) };
  const url = new URL(http ?? https ?? "");
  return { outside: (address, timeout) => askUrl(url, expected, address, timeout) };
}

/** Whether any of the checks is answered by the host itself. */
export const asksTheHost = (checks: readonly HealthCheck[]): boolean =>
  checks.some((check) => "inside" in wayOf(check));

/** A check as people know it. */
export function nameOf({ http, https, tcp, unit, command }: HealthCheck): string {
  if (tcp !== undefined) return `TCP port ${tcp}`;
  if (unit !== undefined) return unit;
  return http ?? https ?? command ?? "";
}

/** A check was asked once. */
export interface HealthLook {
  check: string;
  /** Where, of one that is asked from outside. */
  address?: string;
  verdict: Verdict;
}

export interface CheckOptions {
  /** Milliseconds for all of them. */
  deadline: number;
  /** Milliseconds between two attempts. @default 250 */
  pause?: number;
  signal?: AbortSignal;
  /** Told of an address that is left out, and of what is healthy but not as it should stay. */
  onNote?: (line: string) => void;
  /** Told of each look. */
  onLook?: ((look: HealthLook) => void) | undefined;
}

/**
 * Ask the checks from outside at every address until every one is healthy or the deadline passes.
 * The verdict is that of the check that held out longest. Of several addresses, those of a family that this machine has no route for
 * are left out, and `onNote` is told; the first address is always asked.
 */
export async function checkOutside(
  checks: readonly HealthCheck[],
  addresses: readonly string[],
  options: CheckOptions,
): Promise<Verdict> {
  const end = Date.now() + options.deadline;
  const started = Date.now();
  for (const [index, address] of addresses.entries()) {
    const optional = index > 0;
    for (const check of checks) {
      const way = wayOf(check);
      if (!("outside" in way)) continue;
      const ask = told(
        (timeout) => way.outside(address, timeout),
        (verdict) => options.onLook?.({ check: nameOf(check), address, verdict }),
      );
      const enough = (verdict: Verdict) => optional && !verdict.healthy && verdict.noWay === true;
      const verdict = await askUntil(ask, end, { ...options, timeout: attemptSeconds(check), enough });
      if (verdict.healthy) {
        if (verdict.note !== undefined) options.onNote?.(`${verdict.note} (at ${address})`);
        continue;
      }
      if (enough(verdict)) {
        options.onNote?.(`not checked at ${address}: this machine has no route to it`);
        break;
      }
      return { healthy: false, because: `${verdict.because}, for ${secondsSince(started)} s` };
    }
  }
  return { healthy: true, took: Date.now() - started };
}

/** Ask the checks that the host itself answers, over the session's connection, until all are healthy or the deadline passes. */
export async function checkInside(
  checks: readonly HealthCheck[],
  session: SshSession,
  options: CheckOptions,
): Promise<Verdict> {
  const end = Date.now() + options.deadline;
  const started = Date.now();
  for (const check of checks) {
    const way = wayOf(check);
    if (!("inside" in way)) continue;
    const ask = told(
      (timeout) => askHost(way.inside, session, timeout),
      (verdict) => options.onLook?.({ check: nameOf(check), verdict }),
    );
    const verdict = await askUntil(ask, end, { ...options, timeout: attemptSeconds(check) });
    if (!verdict.healthy)
      return { healthy: false, because: `${verdict.because}, for ${secondsSince(started)} s` };
  }
  return { healthy: true, took: Date.now() - started };
}

type Ask = (timeout: number) => Promise<Verdict>;

/** The same question, whose every answer is told. */
const told =
  (ask: Ask, tell: (verdict: Verdict) => void): Ask =>
  async (timeout) => {
    const verdict = await ask(timeout);
    tell(verdict);
    return verdict;
  };

const secondsSince = (moment: number): number => Math.round((Date.now() - moment) / 1000);

async function askUntil(
  ask: Ask,
  end: number,
  options: Pick<CheckOptions, "pause" | "signal"> & {
    /** Seconds. */
    timeout: number;
    /** Whether to ask no more, though it is not healthy. */
    enough?: (verdict: Verdict) => boolean;
  },
): Promise<Verdict> {
  const limit = options.timeout * 1000;
  let before: Verdict | undefined;
  for (;;) {
    options.signal?.throwIfAborted();
    const patience = Math.min(limit, Math.max(1_000, end - Date.now()));
    const verdict = await ask(patience);
    if (verdict.healthy || options.enough?.(verdict)) return verdict;
    // What was cut off at the end says less than what was said before.
    const trouble = verdict.late && patience < limit ? (before ?? verdict) : verdict;
    if (Date.now() >= end) return trouble;
    before = trouble;
    await sleep(options.pause ?? 250, undefined, { signal: options.signal });
  }
}
