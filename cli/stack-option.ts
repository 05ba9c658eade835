import { type Command, Option } from "commander";

/** Let every verb take -s after its name, too. The help shows it once, among the program's options. */
export function takeStackAnywhere(program: Command): void {
  for (const verb of verbsOf(program)) {
    // Its own means another thing: the stack that is to be made.
    if (verb.options.some(({ long }) => long === "--stack")) continue;
    verb.addOption(new Option("-s, --stack <name>").hideHelp());
    verb.on("option:stack", (name: string) => void program.setOptionValue("stack", name));
  }
}

/** Every verb, and every verb of a verb. */
export const verbsOf = (command: Command): Command[] =>
  command.commands.flatMap((verb) => [verb, ...verbsOf(verb)]);

/**
 * Take -s out of arguments that are another program's, up to "--".
 * @param leading only before the first argument that is no option of Berth's: what follows is a command of its own
 */
export function stackIn(
  args: readonly string[],
  { leading = false }: { leading?: boolean } = {},
): { stack?: string; rest: string[] } {
  const rest: string[] = [];
  let stack: string | undefined;
  for (let at = 0; at < args.length; at++) {
    const arg = args[at] ?? "";
    const [, joined] = /^(?:--stack=|-s(?=[^-]))(.+)$/.exec(arg) ?? [];
    const next = args[at + 1];
    if (joined !== undefined) stack = joined;
    else if ((arg === "-s" || arg === "--stack") && next !== undefined) {
      stack = next;
      at++;
    } else if (arg === "--" || leading)
      return { ...(stack !== undefined && { stack }), rest: [...rest, ...args.slice(at)] };
    else rest.push(arg);
  }
  return { ...(stack !== undefined && { stack }), rest };
}
