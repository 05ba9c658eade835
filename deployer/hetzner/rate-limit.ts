/** Requests a whole look needs; so much room has to come back. */
const needed = 16;
const shortest = 1000;
const withoutHeaders = 5000;

/**
 * Milliseconds until there is room for a look at the cloud again. RateLimit-Reset is when the *whole* allowance is back, an hour after it
 * was used up, and the allowance comes back steadily: so the wait is the part of that time that brings back what is needed.
 */
export function rateLimitWait(headers: Headers, now: number): number {
  const number = (name: string): number | undefined => {
    const value = Number(headers.get(name) ?? Number.NaN);
    return Number.isFinite(value) ? value : undefined;
  };
  const limit = number("ratelimit-limit");
  const remaining = number("ratelimit-remaining");
  const reset = number("ratelimit-reset");
  if (reset === undefined) return withoutHeaders;
  const whole = Math.max(reset * 1000 - now, shortest);
  const missing = limit === undefined || remaining === undefined ? 0 : limit - remaining;
  return missing <= needed ? whole : Math.max(Math.ceil((whole / missing) * needed), shortest);
}
