import { Command, InvalidArgumentError } from "commander";
import { Failure, messageOf } from "../deployer/failure.ts";
import { hosts } from "./hosts.ts";
import { knownHosts } from "./known-hosts.ts";
import { type RescueOptions, rescue } from "./rescue.ts";
import { print, say } from "./say.ts";
import { ssh } from "./ssh.ts";
import { readStack } from "./stack.ts";
import { trust } from "./trust.ts";

/** What a verb resolves to when it is not 0. */
let exitCode = 0;

const program = new Command("berth")
  .description("Works with the hosts of a Pulumi stack of this project: the selected one, or what -s names.")
  .option("-s, --stack <name>", "the stack; the selected one when absent")
  .enablePositionalOptions()
  .showHelpAfterError();

const stack = () => readStack(program.opts<{ stack?: string }>().stack);

program
  .command("hosts")
  .description("list the hosts: address, type, price, release")
  .option("--json", "as JSON")
  .action(async (options: { json?: true }) => print(hosts(await stack(), options)));

program
  .command("ssh <host> [command...]")
  .description(
    "log in to a host as root, or run a command there; only the key that the stack knows is accepted",
  )
  .option("-t, --tty", "give the command a terminal")
  .passThroughOptions()
  .action(async (host: string, command: string[], options: { tty?: true }) => {
    exitCode = await ssh(await stack(), host, command, options);
  });

program
  .command("known-hosts")
  .description("print the hosts' keys as lines for ~/.ssh/known_hosts")
  .option("--write <file>", "put them into a file, in place of those it has of this stack")
  .action(async (options: { write?: string }) => knownHosts(await stack(), options));

program
  .command("rescue <host>")
  .description("boot a host that cannot be reached into Hetzner's rescue system and show what its disks tell")
  .option("--leave", "boot the installed system again")
  .option("--shell", "log in to the rescue system that runs")
  .option("--force", "also when the host can be reached")
  .option("--host-key <key>", "a rescue system runs that was booted by other means; this is its key")
  .option("-n, --lines <lines>", "how much of the last boot's journal to print", count, 200)
  .action(async (host: string, options: RescueOptions) => {
    exitCode = await rescue(await stack(), host, options);
  });

program
  .command("trust <address>")
  .description("show the host key that a machine answers with, to compare and to write down; changes nothing")
  .option("-p, --port <port>", "port of ssh", portNumber, 22)
  .action(async (address: string, { port }: { port: number }) => print(await trust(address, port)));

try {
  await program.parseAsync();
  process.exitCode = exitCode;
} catch (error) {
  say(error instanceof Failure || !isMistakeInCode(error) ? messageOf(error) : String(error.stack));
  process.exitCode = 1;
}

function count(text: string): number {
  const number = Number(text);
  if (Number.isInteger(number) && number > 0) return number;
  throw new InvalidArgumentError("A whole number above 0 is needed.");
}

function portNumber(text: string): number {
  const port = Number(text);
  if (Number.isInteger(port) && port > 0 && port < 65_536) return port;
  throw new InvalidArgumentError("A port is a number from 1 to 65535.");
}

/** Whether an error was thrown by the language and not on purpose, so that its stack is of use. */
function isMistakeInCode(error: unknown): error is Error {
  return [TypeError, ReferenceError, RangeError, SyntaxError].some((kind) => error instanceof kind);
}
