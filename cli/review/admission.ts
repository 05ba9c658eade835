import { toCents } from "../../config/catalogue.ts";
import type { CostItem } from "../cost/items.ts";

/** What a short-lived stack may cost, and how many there may be. */
export interface Limits {
  /** Net a month, in the catalogue's currency. */
  cap: number;
  /** Stacks at once. */
  most: number;
  /** Whether what has no known price may be in it. */
  unpriced: boolean;
}

export interface Price {
  /** Net a month of everything whose price is known. */
  monthly: number;
  /** About what that is an hour. */
  hourly: number;
  /** What nobody knows the price of. */
  unknown: string[];
}

/** Hetzner bills by the hour until the month's price is reached, which is after 620 hours or a few more. */
const billedHours = 620;

/** What a stack costs, by its items. A container on a host of the stack is in that host's price. Pure. */
export function priceOf(items: readonly CostItem[]): Price {
  const monthly = toCents(items.reduce((sum, item) => sum + (item.monthly ?? 0), 0));
  return {
    monthly,
    hourly: Math.round((monthly / billedHours) * 10_000) / 10_000,
    unknown: items
      .filter((item) => item.monthly === null && item.kind !== "container")
      .map(({ of, what }) => `${of}: ${what}`),
  };
}

/** Why a stack of this price is not made; undefined where it may be. Pure. */
export function overCap(
  { monthly, unknown }: Price,
  { cap, unpriced }: Limits,
  currency: string,
): string | undefined {
  const money = (amount: number) => `${amount.toFixed(2)} ${currency}/month`;
  if (monthly > cap) return `it would cost ${money(monthly)}, and its cap is ${money(cap)}`;
  if (unknown.length > 0 && !unpriced)
    return `nobody knows what this costs, so no cap holds: ${unknown.join("; ")}`;
  return undefined;
}

/** Why there is no place for one more; undefined where there is. Pure. */
export function overMost(others: readonly string[], { most }: Limits): string | undefined {
  return others.length < most
    ? undefined
    : `there are ${others.length} short-lived stacks already, and ${most} at most: ${others.join(", ")}`;
}
