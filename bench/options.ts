import { Command, InvalidArgumentError } from "commander";

export const cases = ["unchanged", "app", "large"] as const;
export type Case = (typeof cases)[number];

/** What is measured, and how often. */
export interface Options {
  hosts: number[];
  /** Added round trips in milliseconds. */
  latency: number[];
  cases: Case[];
  /** Timed runs of each contestant in each case. */
  runs: number;
  /** Whether to measure `pulumi up` and `preview` as well. */
  pulumi: boolean;
  /** Minutes after which no further run is started. */
  minutes: number;
  /** Seconds that a timed run waits for an idle processor at most. */
  idle: number;
  /** Write bench/results.md. */
  write: boolean;
}

const numbers =
  (least: number, most: number) =>
  (text: string): number[] =>
    text.split(",").map((word) => {
      const number = Number(word);
      if (!/^\d+$/.test(word) || number < least || number > most)
        throw new InvalidArgumentError(`${word} is no whole number from ${least} to ${most}.`);
      return number;
    });

const number =
  (least: number, most: number) =>
  (text: string): number => {
    const [one = 0, ...more] = numbers(least, most)(text);
    if (more.length > 0) throw new InvalidArgumentError("One number is meant.");
    return one;
  };

function namesOfCases(text: string): Case[] {
  const names = text.split(",");
  const unknown = names.find((name) => !cases.some((one) => one === name));
  if (unknown !== undefined) throw new InvalidArgumentError(`${unknown} is none of ${cases.join(", ")}.`);
  return cases.filter((one) => names.includes(one));
}

/** Read the command line; ends the process on a wrong one. */
export function readOptions(argv: readonly string[]): Options {
  const command = new Command("npm run bench --")
    .description(
      "Time Berth's deployer against plain `nix copy` + ssh, in a lab of its own. No account, no cost.",
    )
    // A machine has a limit on inotify instances, of which every host takes some.
    .option("--hosts <numbers>", "how many hosts at once", numbers(1, 20), [1, 4, 10])
    .option("--latency <ms>", "added round trips, in milliseconds", numbers(0, 1_000), [0, 50])
    .option("--cases <names>", `of ${cases.join(", ")}`, namesOfCases, [...cases])
    .option("--runs <number>", "timed runs of each", number(1, 100), 5)
    .option("--no-pulumi", "leave out pulumi preview and up")
    .option("--minutes <number>", "start nothing new after these", number(1, 240), 45)
    .option("--idle <seconds>", "wait so long for an idle processor at most", number(0, 600), 20)
    .option("--write", "write bench/results.md", false)
    .showHelpAfterError()
    .parse([...argv], { from: "user" });
  return command.opts<Options>();
}
