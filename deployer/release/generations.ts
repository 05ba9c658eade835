import type { Answer } from "../remote/scripts.ts";

/** A release that a host can return to. */
export type Generation = Answer<"generations">["generations"][number];

/** Newest first; a release that was kept several times by its newest number. */
export function releasesOf(generations: readonly Generation[]): Generation[] {
  const newestFirst = generations.toSorted((a, b) => b.number - a.number);
  return newestFirst.filter(
    (one, index) => newestFirst.findIndex(({ toplevel }) => toplevel === one.toplevel) === index,
  );
}

export type Choice = { to: Generation } | { refused: string };

/**
 * The release to return to. Pure. Without a number the one that ran before the current one: where that came by a rollback itself, the one
 * before its first time, so that each rollback goes further back.
 * @param held whether the current one came by a rollback
 * @param settled whether the current one is the profile as well: what is on trial may be kept or not
 * @param number of a generation
 * @param reboot whether a reboot that is due is wanted, for which the release that runs will do
 */
export function chooseGeneration(
  generations: readonly Generation[],
  {
    current,
    held,
    settled = true,
    number,
    reboot = false,
  }: {
    current: string | null;
    held: boolean;
    settled?: boolean;
    number?: number | undefined;
    reboot?: boolean | undefined;
  },
): Choice {
  const newestFirst = generations.toSorted((a, b) => b.number - a.number);
  const numbers = newestFirst.map((one) => one.number).join(", ");
  if (number !== undefined) {
    const to = newestFirst.find((one) => one.number === number);
    if (!to) return { refused: `there is no generation ${number}; there are ${numbers || "none"}` };
    return to.toplevel === current && settled && !reboot
      ? { refused: `generation ${number} runs already` }
      : { to };
  }
  const own = newestFirst.filter(({ toplevel }) => toplevel === current);
  const from = held ? own.at(-1) : own[0];
  const to = newestFirst.find(
    (one) => one.toplevel !== current && (from === undefined || one.number < from.number),
  );
  if (to) return { to };
  return {
    refused: `there is no release before the one that runs; the generations are ${numbers || "none"}`,
  };
}
