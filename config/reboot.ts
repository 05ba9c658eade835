import { z } from "zod";

const days = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"] as const;
const hoursWanted = "whole hours from 1 to 24";

/** When a host may be rebooted because a release needs it. */
export const reboot = z
  .strictObject({
    /**
     * "told": never, it is only said that a reboot is due. "now": by the update that makes it due. "window": by an update that runs within the
     * window.
     */
    when: z
      .enum(["told", "now", "window"], "one of told, now and window")
      .optional()
      .meta({ example: "now" }),
    /** Day and time in UTC at which the window opens; "daily" for every day. */
    window: z
      .string()
      .regex(
        /^(Sun|Mon|Tue|Wed|Thu|Fri|Sat|daily) ([01]\d|2[0-3]):[0-5]\d$/,
        "a day (Sun to Sat, or daily) and a time in UTC",
      )
      .optional()
      .meta({ example: '"Sun 03:00"' }),
    /** How long the window stays open. */
    hours: z.int(hoursWanted).min(1, hoursWanted).max(24, hoursWanted).default(2).meta({ example: "2" }),
  })
  .refine(
    ({ when, window }) => (when ?? "window") === "window" || window === undefined,
    "a window belongs to when: window",
  )
  .refine(({ when, window }) => when !== "window" || window !== undefined, "when: window needs a window")
  .transform(({ when, window, hours }): RebootPolicy => {
    if (window === undefined) return when === "now" ? { when } : { when: "told" };
    return { when: "window", window, hours };
  });

/** The rule that a host's reboots follow. */
export type RebootPolicy =
  | { when: "told" }
  | { when: "now" }
  | { when: "window"; window: string; hours: number };

const minutesOfDay = 24 * 60;

/** The rule as a stack's state has it. */
export const rebootPolicy = z.union([
  z.strictObject({ when: z.enum(["told", "now"]) }),
  z.strictObject({ when: z.literal("window"), window: z.string(), hours: z.number() }),
]);

/** Whether the policy lets a host be rebooted at this moment. Pure. */
export function mayReboot(policy: RebootPolicy, now: Date): boolean {
  if (policy.when !== "window") return policy.when === "now";
  const [day = "", time = ""] = policy.window.split(" ");
  const [hour = 0, minute = 0] = time.split(":").map(Number);
  const opens = hour * 60 + minute;
  const today = now.getUTCHours() * 60 + now.getUTCMinutes();
  const isOpenOn = (weekday: number) => day === "daily" || days[weekday] === day;
  const weekday = now.getUTCDay();
  const length = policy.hours * 60;
  return (
    (isOpenOn(weekday) && today >= opens && today < opens + length) ||
    // Opened yesterday, and goes on past midnight.
    (isOpenOn((weekday + 6) % 7) && today + minutesOfDay < opens + length)
  );
}

/** The policy in words, for what a reboot waits for. */
export function describeReboot(policy: RebootPolicy): string {
  if (policy.when === "told") return "`reboot` only has it told";
  if (policy.when === "now") return "the next update reboots it";
  return `an update within ${policy.hours} h from ${policy.window} UTC reboots it`;
}
