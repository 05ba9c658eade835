/** The middle of some numbers and how far they spread. */
export interface Spread {
  median: number;
  min: number;
  max: number;
}

/** @throws when there are none */
export function spreadOf(numbers: readonly number[]): Spread {
  const sorted = [...numbers].sort((a, b) => a - b);
  const at = (index: number): number => {
    const found = sorted[index];
    if (found === undefined) throw new Error("no numbers, no median");
    return found;
  };
  const middle = (sorted.length - 1) / 2;
  return {
    median: (at(Math.floor(middle)) + at(Math.ceil(middle))) / 2,
    min: at(0),
    max: at(sorted.length - 1),
  };
}

/** What each of one series is of its partner in another, which was taken just before or after it. */
export const ratios = (ones: readonly number[], others: readonly number[]): number[] =>
  ones.flatMap((one, index) => {
    const other = others[index];
    return other === undefined ? [] : [one / other];
  });
