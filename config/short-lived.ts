import { z } from "zod";

/** Terms of a stack that lives for a pull request, and no longer than its time. */
export const shortLived = z.strictObject({
  /** Name of the stack that they are of, so that a copied file makes no other stack short-lived. */
  stack: z.string().min(1, "the stack's name").meta({ example: "pr-7" }),
  /** Number of its pull request. */
  pull: z.int("a number").positive("a number").meta({ example: "7" }),
  /** Tells it from an earlier stack of the same name. */
  id: z.uuid("an id").meta({ example: "0b2b5ddc-3a6f-4a0d-9c39-6a1f2f2d8a10" }),
  /** When its time is over, in UTC. */
  until: z.iso.datetime("a time in UTC").meta({ example: '"2026-11-22T18:00:00.000Z"' }),
});

export type ShortLived = z.infer<typeof shortLived>;

/** Name of the entry in a stack's state that has its terms; made before anything else. */
export const shortLivedRecord = "berth:short-lived";

/** The stack of a pull request. */
export const stackOfPull = (pull: number): string => `pr-${pull}`;

/** The number that a stack's name has, undefined where it is no pull request's. */
export function pullOfStack(stack: string): number | undefined {
  const [, digits] = /^pr-([1-9]\d{0,9})$/.exec(stack) ?? [];
  return digits === undefined ? undefined : Number(digits);
}

/** Whether a name says which stack it is of: it has that name as a part of its own, e.g. "shop-pr-7" or "www.pr-7.example.org". */
export const namesStack = (name: string, stack: string): boolean =>
  name.split(".").some((label) => `-${label}-`.includes(`-${stack}-`));
