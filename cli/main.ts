import { Command, InvalidArgumentError, Option } from "commander";
import { Failure, messageOf } from "../deployer/failure.ts";
import { type CheckOptions, check } from "./check/check.ts";
import { type CommentOptions, comment } from "./comment/comment.ts";
import { forges } from "./comment/place.ts";
import { type DriftOptions, reportDrift } from "./comment/report-drift.ts";
import { type ReviewedOptions, reviewed } from "./comment/reviewed.ts";
import { addCompletion, separated } from "./completion.ts";
import { addCost } from "./cost/cost.ts";
import { count } from "./count.ts";
import { type DeployOptions, deploy } from "./deploy.ts";
import { type DiffOptions, diff } from "./diff.ts";
import { type DoctorOptions, doctor } from "./doctor/doctor.ts";
import { hosts } from "./hosts.ts";
import { kinds } from "./init/answers.ts";
import { type InitCommandOptions, init } from "./init/init.ts";
import { knownHosts } from "./known-hosts.ts";
import { addLab } from "./lab.ts";
import { addLogs } from "./logs/logs.ts";
import { addPeople } from "./people/people.ts";
import { portNumber } from "./port-number.ts";
import { addReport } from "./report/report.ts";
import { type RescueOptions, rescue } from "./rescue.ts";
import { addReview } from "./review/review.ts";
import { type RollbackOptions, rollback } from "./rollback.ts";
import { print, say } from "./say.ts";
import { addSecrets } from "./secrets/secrets.ts";
import { ssh } from "./ssh.ts";
import { readStack } from "./stack.ts";
import { stackIn, takeStackAnywhere } from "./stack-option.ts";
import { addStatus } from "./status/status.ts";
import { parseJump, type TrustOptions, trust } from "./trust.ts";
import { unhold } from "./unhold.ts";
import { type UnlockOptions, unlock } from "./unlock.ts";
import { up } from "./up.ts";
import type { Verbs } from "./verbs.ts";

/** What a verb resolves to when it is not 0. */
let exitCode = 0;

const program = new Command("berth")
  .description("Works with the hosts of a Pulumi stack of this project: the selected one, or what -s names.")
  .option(
    "-s, --stack <name>",
    "the stack; when absent the selected one, what BERTH_STACK names, or the only one there is",
  )
  .configureHelp({ showGlobalOptions: true })
  .enablePositionalOptions()
  .showHelpAfterError();

const selected = () => program.opts<{ stack?: string }>().stack;
const stack = () => readStack(selected());
const verbs: Verbs = {
  selected,
  stack,
  end: (code) => {
    exitCode = code;
  },
};

program
  .command("init [folder]")
  .description("make a project in a folder: asks what for, overwrites nothing, and tells what to type next")
  .option("-y, --yes", "ask nothing: what no option says is as usual")
  .option("--name <name>", "of the project; the folder's when absent")
  .option("--stack <name>", "of the first stack; prod when absent")
  .addOption(new Option("--on <where>", "where the app runs").choices(kinds))
  .option("--domain <name>", "what people reach it by")
  .option("--type <type>", "type of the server at Hetzner")
  .option("--location <name>", "of the server at Hetzner")
  .option("--address <address>", "of a machine there is already")
  .option("--host-key <key>", "its ed25519 host key, as berth trust shows it")
  .option("--image <reference>", "for Docker and Fly: an image by its digest")
  .option("--region <region>", "of Fly's")
  .option("--flake <reference>", "a flake of your own with the system; one is written when absent")
  .option("--system <name>", "the system in it; web when absent")
  .option("--berth <dependency>", "where package.json gets Berth from; this package when absent")
  .option("--berth-flake <reference>", "flake with Berth's modules")
  .action((folder: string | undefined, options: InitCommandOptions) => init(folder ?? ".", options));

program
  .command("hosts")
  .description("list the hosts: address, type, price, release")
  .option("--json", "as JSON")
  .action(async (options: { json?: true }) => print(hosts(await stack(), options)));

addStatus(program, verbs);
addLogs(program, verbs);
addPeople(program, verbs);
addSecrets(program, verbs);
addCost(program, verbs);
addReport(program, verbs);

program
  .command("up [args...]")
  .description(
    "pulumi up for all hosts: one that fails does not stop the others; ends with a table. Arguments are pulumi's",
  )
  .allowUnknownOption()
  .passThroughOptions()
  .action(async (args: string[]) => {
    const { stack = selected(), rest } = stackIn(args);
    exitCode = await up(rest, stack);
  });

program
  .command("deploy <input> [args...]")
  .description(
    "put an app in a repository of its own live: push its branch, update this input of the flake alone, then up. Further arguments, after --, are pulumi's",
  )
  .option("--app <folder>", "working copy of the app; beside the flake, named like the input, when absent")
  .option("--flake <folder>", "folder of the flake with the systems; the stack's own when absent")
  .option("--no-commit", "leave the lock file uncommitted")
  .option("-y, --yes", "ask nothing")
  .action(async (input: string, args: string[], options: DeployOptions) => {
    exitCode = await deploy(input, args, selected(), options);
  });

program
  .command("diff [host]")
  .description("what the next update changes in the systems: packages, units, sizes, whether a reboot is due")
  .option("--build", "build the new systems and fetch the old ones first, so that nothing is unknown")
  .option("--json", "as JSON")
  .action((host: string | undefined, options: DiffOptions) => diff(selected(), host, options));

program
  .command("rollback [host]")
  .description(
    "return a host, or all of them, to the release before: on trial, with its checks; the release that was left comes again only when it is let",
  )
  .option("--to <generation>", "to this generation of the host's", count)
  .option("--list", "list what there is to return to")
  .option("--json", "the list as JSON")
  .option("--why <text>", "written on the host and told by every preview")
  .option(
    "--reboot",
    "boot it, on trial, where only that puts it in force (another kernel, another init), whatever the stack's `reboot` says",
  )
  .option("-y, --yes", "ask nothing")
  .action(async (host: string | undefined, options: RollbackOptions) => {
    exitCode = await rollback(await stack(), host, options);
  });

program
  .command("unhold <host>")
  .description("let the release that a host was rolled back from by hand come again")
  .action(async (host: string) => unhold(await stack(), host));

program
  .command("ssh <host> [command...]")
  .description(
    "log in to a host as root, or run a command there; only the key that the stack knows is accepted",
  )
  .option("-t, --tty", "give the command a terminal")
  .passThroughOptions()
  .action(async (host: string, command: string[], options: { tty?: true }) => {
    const { stack = selected(), rest } = stackIn(command, { leading: true });
    exitCode = await ssh(await readStack(stack), host, rest, options);
  });

program
  .command("known-hosts")
  .description("print the hosts' keys as lines for ~/.ssh/known_hosts")
  .option("--write <file>", "put them into a file, in place of those it has of this stack")
  .option("--json", "as JSON")
  .action(async (options: { write?: string; json?: true }) => knownHosts(await stack(), options));

program
  .command("unlock <host>")
  .description(
    "unlock a host's encrypted disk after a restart, with the passphrase among the stack's secrets",
  )
  .option("--stdin", "with the passphrase on stdin")
  .action(async (host: string, options: UnlockOptions) => unlock(await stack(), host, options));

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
  .option("--jump <[user@]address[:port]>", "ask through this machine", jumpHost)
  .option("--jump-key <key>", "that machine's host key, as berth trust shows it")
  .option("-i, --identity <file>", "the private key that opens it; your ssh agent's when absent")
  .action(async (address: string, options: TrustOptions) => print(await trust(address, options)));

program
  .command("check")
  .description(
    "look at the stack's configuration, its flake and its price, and tell all that is wrong; changes nothing",
  )
  .option("--json", "as JSON")
  .action(async (options: CheckOptions) => {
    exitCode = await check(program.opts<{ stack?: string }>().stack, options);
  });

program
  .command("doctor")
  .description(
    "look at what an update needs of this machine and of the accounts, and tell what is wrong; changes nothing",
  )
  .option("--json", "as JSON")
  .action(async (options: DoctorOptions) => {
    exitCode = await doctor(program.opts<{ stack?: string }>().stack, options);
  });

program
  .command("comment")
  .description(
    "keep one comment on a pull request that says what an update of the stack would do, or why its preview failed",
  )
  .option(
    "--from <file>",
    "what pulumi preview --json --show-sames printed, - for stdin; runs it when absent",
  )
  .option("--errors <file>", "what that preview wrote to stderr")
  .option("--print", "print the comment and post nothing")
  .option("--commit <id>", "the commit that was previewed")
  .option("--expect <digest>", "fail where the changes are not those with this digest")
  .option("--log <url>", "where the whole log is")
  .option("--project <name>", "Pulumi's project, where the preview does not say")
  .addOption(forgeOption())
  .option("--api <url>", "base of the forge's API, likewise")
  .option("--repository <path>", "owner/name, at GitLab the project's path or id, likewise")
  .option("--number <number>", "of the pull request, likewise", count)
  .action(async (options: CommentOptions) => {
    exitCode = await comment(selected(), options);
  });

program
  .command("reviewed")
  .description(
    "print which changes of a merged commit were reviewed in its pull request; fails where other files are to be deployed",
  )
  .option("--commit <id>", "the commit to be deployed, found in the workflow's variables when absent")
  .option("--project <name>", "Pulumi's project, where Pulumi.yaml is not at hand")
  .addOption(forgeOption())
  .option("--api <url>", "base of the forge's API, likewise")
  .option("--repository <path>", "owner/name, at GitLab the project's path or id, likewise")
  .action(async (options: ReviewedOptions) => reviewed(selected(), options));

program
  .command("drift")
  .description(
    "keep one open issue that says how the stack differs from what its last update left; closes it where nothing does",
  )
  .option(
    "--from <file>",
    "what pulumi refresh --preview-only --json printed, - for stdin; runs it when absent",
  )
  .option("--errors <file>", "what that wrote to stderr")
  .option("--print", "print the issue and open, change or close none")
  .option("--log <url>", "where the whole log is")
  .option("--project <name>", "Pulumi's project, where Pulumi.yaml is not at hand")
  .addOption(forgeOption())
  .option("--api <url>", "base of the forge's API, likewise")
  .option("--repository <path>", "owner/name, at GitLab the project's path or id, likewise")
  .action(async (options: DriftOptions) => {
    exitCode = await reportDrift(selected(), options);
  });

addReview(program, verbs);
addLab(program, verbs);

takeStackAnywhere(program);
addCompletion(program);

try {
  await program.parseAsync(separated(process.argv));
  process.exitCode = exitCode;
} catch (error) {
  say(error instanceof Failure || !isMistakeInCode(error) ? messageOf(error) : String(error.stack));
  process.exitCode = 1;
}

function forgeOption(): Option {
  return new Option("--forge <kind>", "found in the workflow's variables when absent").choices(forges);
}

function jumpHost(text: string): TrustOptions["jump"] {
  const jump = parseJump(text);
  if (jump) return jump;
  throw new InvalidArgumentError("A machine is written as address, user@address or user@address:port.");
}

/** Whether an error was thrown by the language and not on purpose, so that its stack is of use. */
function isMistakeInCode(error: unknown): error is Error {
  return [TypeError, ReferenceError, RangeError, SyntaxError].some((kind) => error instanceof kind);
}
