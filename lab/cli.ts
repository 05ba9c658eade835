import { Command } from "commander";
import { findLab } from "./folder.ts";
import { down, env, reset, status, up } from "./lab.ts";
import { exportLines } from "./setup/quoting.mjs";
import { duration } from "./setup/report.mjs";
import { runMain } from "./setup/trouble.mjs";
import { ssh } from "./ssh.ts";
import { statusLines } from "./status.ts";

const say = (line: string) => void process.stderr.write(`lab: ${line}\n`);
const print = (line: string) => void process.stdout.write(`${line}\n`);

let exitCode = 0;
const program = new Command("lab")
  .description(
    "A cloud, its servers and a Pulumi stack on this machine. Its folder is .lab, or what BERTH_LAB names.",
  )
  .showHelpAfterError();

program
  .command("up")
  .description("bring the lab up, setting up what is missing")
  .action(async () => {
    const start = Date.now();
    const lab = await up({ say });
    say(`up after ${duration(Date.now() - start)}`);
    for (const line of statusLines(await status())) print(line);
    print(`\nTo work with it by hand: eval "$(npm run -s lab -- env)"`);
    if (lab.env.PULUMI_OPTION_CONFIG_FILE)
      print(`Its stack's configuration: ${lab.env.PULUMI_OPTION_CONFIG_FILE}`);
  });

program
  .command("down")
  .description("stop the servers and the lab; everything is kept")
  .action(async () => {
    say((await down({ say })) ? "down; npm run lab -- up brings it back" : "was not up");
  });

program
  .command("status")
  .description("show processes, network and servers")
  .option("--json", "as JSON")
  .action(async (options: { json?: true }) => {
    const found = await status();
    if (options.json) print(JSON.stringify(found, undefined, 2));
    else for (const line of statusLines(found)) print(line);
  });

program
  .command("reset")
  .description("remove the lab with everything in it")
  .action(async () => {
    say((await reset({ say })) ? "removed" : "there is none");
  });

program
  .command("env")
  .description("print the lab's environment as shell exports")
  .action(async () => {
    process.stdout.write(exportLines(await env()));
    print(`# A token that may only read is in ${(await findLab()).cloudReadonlyToken}`);
  });

program
  .command("ssh <server> [command...]")
  .description("log in to a server of the stack, or run a command there (after --)")
  .action(async (server: string, command: string[]) => {
    exitCode = await ssh(await env(), server, command);
  });

await runMain("lab", async () => {
  await program.parseAsync();
  return exitCode;
});
