import tab from "@bomb.sh/tab/commander";
import type { Command } from "commander";
import { findProject, type Project, readYaml, stackFile, stackFileOf, stacksOf } from "./project.ts";

/** Arguments of verbs that are a host of the stack, by their name. */
const hostArgument = "host";

/**
 * Let shells complete the program's words: verbs and options by the program itself, stacks and hosts by the files of the project that the
 * shell is in. No program is run for it and no state is read, so that a keystroke costs nothing but this command's start.
 */
export function addCompletion(program: Command): void {
  const completed = tab(program);
  const stack = completed.options.get("stack");
  if (stack) stack.handler = (add) => each(stackNames(process.cwd()), add);
  for (const command of completed.commands.values()) {
    const host = command.arguments.get(hostArgument);
    if (host) host.handler = (add) => each(hostNames(process.cwd(), stackIn(separated(process.argv))), add);
  }
}

/** The words of a line that is being completed, "--stack=prod" in two: as one, it would have its verb taken for its value. Pure. */
export function separated(argv: readonly string[]): string[] {
  const start = argv.indexOf("--") + 1;
  if (argv[2] !== "complete" || start !== 4) return [...argv];
  const last = argv.length - 1;
  return argv.flatMap((word, index) => {
    const [, name, value] = /^(--[a-z-]+)=(.*)$/.exec(word) ?? [];
    return index < start || index === last || name === undefined || value === undefined
      ? [word]
      : [name, value];
  });
}

const each = (names: readonly string[], add: (name: string, description: string) => void): void => {
  for (const name of names) add(name, "");
};

/** What -s names on the command line that is being completed. Pure. */
export function stackIn(words: readonly string[]): string | undefined {
  const given = words.slice(words.indexOf("--") + 1);
  for (const [index, word] of given.entries()) {
    if (word === "-s" || word === "--stack") return given[index + 1];
  }
  return undefined;
}

/** Stacks of the project of a folder; none outside of one. */
export function stackNames(folder: string): string[] {
  return quietly(() => {
    const project = findProject(folder);
    return project ? stacksOf(project) : [];
  });
}

/** Hosts of a stack by its file, of all stacks where none is named. */
export function hostNames(folder: string, stack: string | undefined): string[] {
  return quietly(() => {
    const project = findProject(folder);
    if (!project) return [];
    const stacks = stack === undefined ? stacksOf(project) : [stack];
    return [...new Set(stacks.flatMap((name) => quietly(() => hostsOf(project, name))))].sort();
  });
}

function hostsOf(project: Project, stack: string): string[] {
  const { values } = stackFile(readYaml(stackFileOf(project, stack)).value, project.name);
  const hosts: unknown = JSON.parse(values["berth:hosts"] ?? "{}");
  return typeof hosts === "object" && hosts !== null ? Object.keys(hosts) : [];
}

/** In the middle of a line nobody wants to hear what is wrong with a file. */
function quietly(names: () => string[]): string[] {
  try {
    return names();
  } catch {
    return [];
  }
}
