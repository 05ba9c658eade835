import { homedir } from "node:os";
import { isAbsolute, join, resolve } from "node:path";
import { Command, InvalidArgumentError } from "commander";
import { INSTALLER, purge, runDaemon } from "./daemon.ts";
import { ensureDockerLayer } from "./docker-layer.ts";
import { ensureImage } from "./image.ts";
import { serveMetadata } from "./metadata.ts";
import { lineOf } from "./run.ts";
import type { Owner } from "./server.ts";

function ownerOf(text: string): Owner {
  const [, uid, gid] = /^(\d+):(\d+)$/.exec(text) ?? [];
  if (uid === undefined || gid === undefined)
    throw new InvalidArgumentError("give <uid>:<gid>, e.g. 1000:1000");
  return { uid: Number(uid), gid: Number(gid) };
}

function defaultCache(): string {
  const base = process.env.XDG_CACHE_HOME;
  return join(base && isAbsolute(base) ? base : join(homedir(), ".cache"), "berth");
}

function progress(line: string): void {
  process.stderr.write(`lab machines: ${line}\n`);
}

function needRoot(): void {
  if (process.getuid?.() !== 0) throw new Error("this needs root: it makes network namespaces and mounts");
}

const program = new Command("machines").description("The lab's server driver.");

program
  .command("image")
  .description("build the base image unless the cache has it, and print its path")
  .option("--cache <dir>", "folder of cached things", defaultCache())
  .option("--docker", "with the layer that has Docker")
  .action(async ({ cache, docker }: { cache: string; docker?: boolean }) => {
    needRoot();
    const ensure = docker ? ensureDockerLayer : ensureImage;
    process.stdout.write(`${await ensure(resolve(cache), progress)}\n`);
  });

program
  .command("daemon")
  .description("play servers until told to end (SIGTERM, or the method quit)")
  .requiredOption("--lab <dir>", "the lab's folder")
  .requiredOption("--owner <uid:gid>", "who may give orders", ownerOf)
  .option("--cache <dir>", "folder of cached things", defaultCache())
  .option("--installer <dir>", "the installer layer", INSTALLER)
  .action(async (options: { lab: string; cache: string; owner: Owner; installer: string }) => {
    needRoot();
    await runDaemon({
      lab: resolve(options.lab),
      cache: resolve(options.cache),
      owner: options.owner,
      installer: resolve(options.installer),
      progress,
    });
  });

program
  .command("purge")
  .description("remove all of a lab's machines, processes, mounts and networks")
  .requiredOption("--lab <dir>", "the lab's folder")
  .action(async ({ lab }: { lab: string }) => {
    needRoot();
    for (const found of await purge(resolve(lab))) progress(`removed: ${found}`);
  });

program
  .command("metadata", { hidden: true })
  .description("answer servers' questions; started by the daemon inside the lab's namespace")
  .requiredOption("--socket <path>", "the cloud's socket")
  .argument("<address...>", "where to listen")
  .action((addresses: string[], { socket }: { socket: string }) => serveMetadata(addresses, socket));

process.umask(0o022);
program.parseAsync().catch((error: unknown) => {
  progress(lineOf(error));
  process.exitCode = 1;
});
