const day = 24 * 60 * 60 * 1000;

/** RFC 3339 as the API writes it, to the second. */
export function timestamp(at: Date | number): string {
  return new Date(at).toISOString().replace(/\.\d+Z$/, "+00:00");
}

/** So many days after a moment; before it when negative. */
export function daysFrom(now: Date, days: number): string {
  return timestamp(now.getTime() + days * day);
}
