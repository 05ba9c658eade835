import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { Command } from "commander";
import { z } from "zod";
import { realClock } from "../../deployer/clock.ts";
import { DockerDriver } from "./docker-driver.ts";
import type { GuestDriver } from "./driver.ts";
import { MemoryDriver } from "./memory-driver.ts";
import { playedImage } from "./played-images.ts";
import { imageInRegistry } from "./registry-images.ts";
import { startSimulator } from "./simulator.ts";
import { sshDocker } from "./ssh-docker.ts";

interface Arguments {
  lab: string;
  foreign: string[];
  docker?: string;
}

const place = z.strictObject({ configFile: z.string(), alias: z.string(), address: z.string() });

/** What runs the machines: an engine of containers, or nothing at all. */
function driverOf(token: string, docker: string | undefined): GuestDriver {
  if (docker !== undefined) return new DockerDriver(sshDocker(place.parse(JSON.parse(docker))), token);
  return new MemoryDriver(realClock, async (image) => {
    const found = await imageInRegistry(image, token);
    return found && { facts: found.facts, image: playedImage(found.labels) };
  });
}

async function main({ lab, foreign, docker }: Arguments): Promise<void> {
  const folder = resolve(lab);
  mkdirSync(folder, { recursive: true });
  const at = (name: string) => join(folder, name);
  const token = readFileSync(at("fly.token"), "utf8").trim();
  rmSync(at("fly.json"), { force: true });
  const simulator = await startSimulator({ token, driver: driverOf(token, docker), foreign });
  const { endpoint, proxy } = simulator;
  writeFileSync(at("fly.json.new"), JSON.stringify({ endpoint, proxy }));
  renameSync(at("fly.json.new"), at("fly.json"));
  console.log(`fly: the API listens on ${endpoint}, the proxy on ${proxy}`);
  const end = async () => {
    await simulator.close();
    process.exit(0);
  };
  process.once("SIGTERM", end);
  process.once("SIGINT", end);
}

const program = new Command("fly")
  .description("The lab's Fly.io: its machines API and its proxy on loopback ports.")
  .requiredOption("--lab <dir>", "the lab's folder: fly.token is read there, fly.json goes there")
  .option(
    "--docker <place>",
    'machines are containers of this host\'s engine: {"configFile":"of ssh","alias":"its name there","address":"…"}',
  )
  .option("--foreign <names...>", "names of apps that are another organisation's", []);

try {
  await main(program.parse().opts<Arguments>());
} catch (error) {
  console.error(`fly: ${error instanceof Error ? error.message : String(error)}`);
  process.exit(1);
}
