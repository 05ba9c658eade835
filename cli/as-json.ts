/** What every verb prints with --json. */
export interface Printed<Item> {
  verb: string;
  stack: string;
  /** Whether the command ends with 0. */
  well: boolean;
  /** One for each host, or whatever the verb tells of. */
  items: readonly Item[];
}

/**
 * The answer of a verb for programs: one object, the same keys in all of them.
 * @param more what is said of all items together
 */
export const asJson = <Item>(
  verb: string,
  stack: string,
  items: readonly Item[],
  { well = true, ...more }: { well?: boolean } & Record<string, unknown> = {},
): string => JSON.stringify({ verb, stack, well, ...more, items } satisfies Printed<Item>, undefined, 2);
