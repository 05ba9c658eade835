import { Command } from "commander";
import { describe, expect, test } from "vitest";
import { stackIn, takeStackAnywhere } from "../../../cli/stack-option.ts";

/** A program with a verb of each kind, and what each was called with. */
async function called(...args: string[]) {
  const program = new Command("berth").option("-s, --stack <name>").enablePositionalOptions().exitOverride();
  const seen: { verb: string; args: string[]; stack: string | undefined }[] = [];
  const see = (verb: string, given: string[]) =>
    void seen.push({ verb, args: given, stack: program.opts<{ stack?: string }>().stack });
  program
    .command("hosts [host]")
    .option("--json")
    .action((host?: string) => see("hosts", host === undefined ? [] : [host]));
  program
    .command("ssh <host> [command...]")
    .passThroughOptions()
    .action((host: string, command: string[]) => see("ssh", [host, ...command]));
  program
    .command("init")
    .option("--stack <name>")
    .action(({ stack = "" }: { stack?: string }) => see("init", [stack]));
  const secrets = program.command("secrets").action(() => see("secrets", []));
  secrets.command("set <name>").action((name: string) => see("secrets set", [name]));
  takeStackAnywhere(program);
  await program.parseAsync(args, { from: "user" });
  return seen[0];
}

describe("-s", () => {
  test.each([
    ["before the verb", ["-s", "lab", "hosts"], "hosts"],
    ["behind it", ["hosts", "-s", "lab"], "hosts"],
    ["behind its argument", ["hosts", "web1", "--stack", "lab"], "hosts"],
    ["between its options", ["hosts", "--json", "-slab", "web1"], "hosts"],
    ["with an equals sign", ["hosts", "--stack=lab"], "hosts"],
    ["behind a verb of a verb", ["secrets", "set", "db", "-s", "lab"], "secrets set"],
    ["between a verb and its own", ["secrets", "-s", "lab", "set", "db"], "secrets set"],
    ["before the host of ssh", ["ssh", "-s", "lab", "web1"], "ssh"],
    ["said twice, as it is said last", ["-s", "prod", "hosts", "-s", "lab"], "hosts"],
  ])("names the stack %s", async (_, args, verb) => {
    expect(await called(...args)).toMatchObject({ verb, stack: "lab" });
  });

  test("is left to a verb that has one of its own", async () => {
    expect(await called("-s", "lab", "init", "--stack", "new")).toEqual({
      verb: "init",
      args: ["new"],
      stack: "lab",
    });
  });

  test("is the remote command's own behind its first word", async () => {
    expect(await called("ssh", "web1", "ls", "-s", "/tmp")).toEqual({
      verb: "ssh",
      args: ["web1", "ls", "-s", "/tmp"],
      stack: undefined,
    });
  });
});

describe("-s among another program's arguments", () => {
  test.each([
    [["--yes", "-s", "lab", "--refresh"], {}, { stack: "lab", rest: ["--yes", "--refresh"] }],
    [["--stack=lab"], {}, { stack: "lab", rest: [] }],
    [["-slab", "-y"], {}, { stack: "lab", rest: ["-y"] }],
    [["--skip-preview", "-y"], {}, { rest: ["--skip-preview", "-y"] }],
    [["-y", "--", "-s", "lab"], {}, { rest: ["-y", "--", "-s", "lab"] }],
    [["-y", "-s"], {}, { rest: ["-y", "-s"] }],
    [["-s", "lab", "ls", "-s", "/"], { leading: true }, { stack: "lab", rest: ["ls", "-s", "/"] }],
    [["ls", "-s", "/"], { leading: true }, { rest: ["ls", "-s", "/"] }],
    [["-s", "lab"], { leading: true }, { stack: "lab", rest: [] }],
    [[], { leading: true }, { rest: [] }],
  ])("%j %j", (args, options, expected) => {
    expect(stackIn(args, options)).toEqual(expected);
  });
});
