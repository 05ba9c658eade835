import { InvalidArgumentError } from "commander";

/** An option's whole number above 0. */
export function count(text: string): number {
  const number = Number(text);
  if (Number.isInteger(number) && number > 0) return number;
  throw new InvalidArgumentError("A whole number above 0 is needed.");
}
