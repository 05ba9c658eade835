import { z } from "zod";

/** Faults on demand, ordered by `POST /lab/faults` or in place. Each hits what fits next, then is gone. */
export const flyFault = z.discriminatedUnion("kind", [
  z.strictObject({
    /** A request is answered with an error; `when: after` carries it out all the same. */
    kind: z.literal("answer"),
    method: z.string().optional(),
    /** Path below /v1: a regular expression that must match all of it. */
    path: z.string(),
    status: z.int().min(400).max(599),
    /** Fly's name of what is wrong. */
    code: z.string().default("unknown"),
    when: z.enum(["before", "after"]).default("before"),
    times: z.int().min(1).default(1),
    skip: z.int().min(0).default(0),
  }),
  /** The platform takes an update and goes back to what was there, without a word. */
  z.strictObject({
    kind: z.literal("silent-revert"),
    times: z.int().min(1).default(1),
    skip: z.int().min(0).default(0),
  }),
  /** A lease is gone before its time; `taken` leaves it with somebody else for so many seconds. */
  z.strictObject({
    kind: z.literal("lost-lease"),
    taken: z.int().min(0).default(0),
    times: z.int().min(1).default(1),
    skip: z.int().min(0).default(0),
  }),
  /** No host of a region has room for a new machine. */
  z.strictObject({
    kind: z.literal("capacity"),
    region: z.string(),
    times: z.int().min(1).default(1),
    skip: z.int().min(0).default(0),
  }),
  /** Checks of the next machines that start take so many seconds to pass for the first time. */
  z.strictObject({
    kind: z.literal("slow-checks"),
    seconds: z.number().min(0),
    times: z.int().min(1).default(1),
    skip: z.int().min(0).default(0),
  }),
]);
export type FlyFault = z.output<typeof flyFault>;

export class FlyFaults {
  #pending: FlyFault[] = [];

  /** @throws ZodError for a fault that there is not */
  add(fault: z.input<typeof flyFault>): void {
    this.#pending.push(flyFault.parse(fault));
  }

  /** Whether every fault has hit. */
  get done(): boolean {
    return this.#pending.length === 0;
  }

  /** The fault that hits now, of those of a kind that fit; counts it. */
  take<K extends FlyFault["kind"]>(
    kind: K,
    fits: (fault: Extract<FlyFault, { kind: K }>) => boolean = () => true,
  ): Extract<FlyFault, { kind: K }> | undefined {
    const fitting = this.#pending.filter(
      (fault): fault is Extract<FlyFault, { kind: K }> =>
        fault.kind === kind && fits(fault as Extract<FlyFault, { kind: K }>),
    );
    const hit = fitting.find(({ skip }) => skip === 0);
    for (const waiting of fitting) if (waiting !== hit && waiting.skip > 0) waiting.skip--;
    if (hit) hit.times--;
    this.#pending = this.#pending.filter(({ times }) => times > 0);
    return hit;
  }
}
