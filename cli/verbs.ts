import type { StackView } from "./stack.ts";

/** What every verb is given beside its own arguments. */
export interface Verbs {
  /** What -s names. */
  selected: () => string | undefined;
  /** The stack, as its last update left it. */
  stack: () => Promise<StackView>;
  /** With what the command ends when it is not 0. */
  end: (exitCode: number) => void;
}
