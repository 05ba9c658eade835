import { z } from "zod";

/** What became of a short-lived stack, or how it is: an item of what the verbs print as JSON. */
export const reviewItem = z.object({
  stack: z.string(),
  /** Number of the pull request; null where the stack's marks do not say. */
  pull: z.int().nullable(),
  state: z.enum([
    /** It runs what its pull request has. */
    "up",
    /** An update of it failed; what is there stays until its end. */
    "failed",
    /** It is there, and nothing was done about it. */
    "there",
    /** It was taken down. */
    "gone",
    /** It was not touched, and a person has to look. */
    "refused",
  ]),
  /** When it ends, in UTC; null where the stack's marks do not say. */
  until: z.iso.datetime().nullable(),
  /** Why it is in this state, where there is more to say. */
  because: z.string().default(""),
  /** What was deployed. */
  commit: z.string().optional(),
  /** URLs by the names of hosts, load balancers and apps. */
  addresses: z.record(z.string(), z.string()).default({}),
  /** Net a month. */
  monthly: z.number().optional(),
  /** About what that is an hour. */
  hourly: z.number().optional(),
  /** Three letters, e.g. "EUR". */
  currency: z
    .string()
    .regex(/^[A-Z]{3}$/)
    .optional(),
});
export type ReviewItem = z.infer<typeof reviewItem>;

/** What `--json` prints, so far as it is read again. */
export const reviewReport = z.looseObject({ verb: z.literal("review"), items: z.array(reviewItem) });
