/** Seconds of what a time is counted in. */
const units: Readonly<Record<string, number>> = {
  s: 1,
  sec: 1,
  m: 60,
  min: 60,
  h: 3_600,
  d: 86_400,
  days: 86_400,
};

/**
 * When a log is to begin: so long ago ("30min", "2h", "3d"), "today", "yesterday", or a time here ("2026-11-22", "2026-11-22 10:00",
 * "2026-11-22T10:00:00Z"). Pure.
 * @returns seconds since 1970; undefined for anything else
 */
export function sinceOf(text: string, now: Date): number | undefined {
  const [, count, unit = ""] = /^(\d{1,6}) ?([a-z]+)$/.exec(text.trim()) ?? [];
  const seconds = units[unit];
  if (count !== undefined && seconds !== undefined)
    return Math.floor(now.getTime() / 1000) - Number(count) * seconds;
  const days = ["today", "yesterday"].indexOf(text.trim());
  if (days >= 0) return new Date(now.getFullYear(), now.getMonth(), now.getDate() - days).getTime() / 1000;
  const [, date, time = "00:00", zone = ""] =
    /^(\d{4}-\d{2}-\d{2})(?:[T ](\d{2}:\d{2}(?::\d{2})?))?(Z|[+-]\d{2}:\d{2})?$/.exec(text.trim()) ?? [];
  const at = date === undefined ? Number.NaN : Date.parse(`${date}T${time}${zone}`);
  return Number.isNaN(at) ? undefined : Math.floor(at / 1000);
}
