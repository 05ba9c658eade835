import { z } from "zod";

const seconds = "a whole number of seconds from 1 to 86400";

/** What goes on around a switch that a switch back does not undo. */
export const releaseRules = z.strictObject({
  /** A command line that the host's shell runs as root, once a release is there and before it is switched to; it runs again when a release is tried again. */
  before: z
    .string("a command line")
    .min(1, "a command line")
    .optional()
    .meta({ example: '"$BERTH_NEW/sw/bin/site-migrate"' }),
  /** Seconds that `before` may take. */
  beforeDeadline: z.int(seconds).min(1, seconds).max(86_400, seconds).default(600).meta({ example: "600" }),
  /** Whether an unhealthy release is returned from: "auto", or "never" as long as the host lets the deployer in. */
  rollback: z.enum(["auto", "never"], "auto or never").default("auto").meta({ example: "never" }),
});

export type ReleaseRules = z.infer<typeof releaseRules>;
