import { randomBytes } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import type { Server } from "node:http";
import { connect } from "node:net";
import { join, resolve } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { createAdaptorServer, type ServerType } from "@hono/node-server";
import { Command, InvalidArgumentError, Option } from "commander";
import type { ActionMode } from "./actions.ts";
import { openCloud } from "./cloud.ts";
import type { Bootable, Cloud } from "./context.ts";
import type { RequestRecord } from "./http.ts";
import { apiServer } from "./listener.ts";
import { MachinesClient } from "./machines-client.ts";
import { MemoryDriver } from "./memory-driver.ts";
import { serverRecords } from "./records.ts";
import { specOf } from "./server-power.ts";
import { reason } from "./store.ts";

interface Arguments {
  lab: string;
  driver: "nspawn" | "memory";
  port?: number;
  actions: ActionMode;
  datacenter: boolean;
}

const nspawnBoots: Bootable = { images: ["debian-13", "docker-ce"], architectures: ["x86"] };
const settlePatience = 20_000;

async function main({ lab, driver: driverName, port, actions, datacenter }: Arguments): Promise<void> {
  const folder = resolve(lab);
  const file = (name: string) => join(folder, name);
  mkdirSync(folder, { recursive: true });
  if (await answers(file("metadata.sock"))) {
    throw new Error(`another cloud already runs in ${folder}; end it with \`npm run lab -- down\``);
  }
  rmSync(file("cloud.url"), { force: true });
  rmSync(file("metadata.sock"), { force: true });

  const memory = driverName === "memory" ? new MemoryDriver() : undefined;
  const opened = await openCloud({
    driver: memory ?? new MachinesClient(file("machines.sock")),
    token: tokenOf(file("cloud.token")),
    readonlyToken: tokenOf(file("cloud.readonly-token")),
    stateFile: file("cloud.json"),
    actionMode: actions,
    bootable: memory ? null : nspawnBoots,
    legacyDatacenter: datacenter,
    log: console.error,
    onRequest: logRequest,
    ...(memory ? { beforeResume: (cloud) => adoptAll(memory, cloud) } : {}),
  });
  const { cloud } = opened;

  const metadata = createAdaptorServer({ fetch: opened.metadata.fetch });
  await listen(metadata, { path: file("metadata.sock") });
  const api = apiServer(opened.app);
  const bound = await listenOnPort(api, port, cloud.store.port);
  cloud.store.port = bound;
  cloud.store.flush();
  const url = `http://127.0.0.1:${bound}/v1`;
  writeAtomically(file("cloud.url"), `${url}\n`);
  console.log(`cloud: listening on ${url}`);

  const end = async () => {
    for (const server of [api, metadata]) {
      server.close();
      (server as Server).closeIdleConnections();
    }
    await Promise.race([cloud.actions.settled(), sleep(settlePatience)]);
    cloud.store.flush();
    rmSync(file("cloud.url"), { force: true });
    rmSync(file("metadata.sock"), { force: true });
    process.exit(0);
  };
  for (const signal of ["SIGTERM", "SIGINT"] as const) {
    process.once(signal, () => void end());
  }
}

/** A token of this lab: made once, 64 characters, readable by its owner only. */
function tokenOf(file: string): string {
  if (existsSync(file)) {
    return readFileSync(file, "utf8").trim();
  }
  const token = randomBytes(32).toString("hex");
  writeAtomically(file, `${token}\n`);
  return token;
}

function writeAtomically(file: string, text: string): void {
  writeFileSync(`${file}.new`, text, { mode: 0o600 });
  renameSync(`${file}.new`, file);
}

/** Memory machines end with the process; after a restart they are there again, switched off. */
function adoptAll(driver: MemoryDriver, cloud: Cloud): void {
  for (const server of serverRecords(cloud.store).all()) {
    if (server.has_machine) {
      driver.adopt(specOf(cloud, server));
    }
  }
}

/** The port asked for, or the one of the last start while it is free, or any. */
async function listenOnPort(
  server: ServerType,
  asked: number | undefined,
  last: number | null,
): Promise<number> {
  if (asked === undefined && last !== null && (await tryPort(server, last))) {
    return last;
  }
  const port = asked ?? 0;
  if (!(await tryPort(server, port))) {
    throw new Error(`port ${port} of 127.0.0.1 is taken; give another with --port, or none for a free one`);
  }
  const address = server.address();
  return typeof address === "object" && address !== null ? address.port : port;
}

async function tryPort(server: ServerType, port: number): Promise<boolean> {
  try {
    await listen(server, { host: "127.0.0.1", port });
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EADDRINUSE") {
      return false;
    }
    throw error;
  }
}

function listen(server: ServerType, where: { path: string } | { host: string; port: number }): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(where, () => {
      server.off("error", reject);
      resolve();
    });
  });
}

/** Whether somebody listens on a unix socket. */
function answers(socket: string): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = connect(socket);
    probe.once("connect", () => {
      probe.destroy();
      resolve(true);
    });
    probe.once("error", () => resolve(false));
  });
}

function logRequest({ method, path, status }: RequestRecord): void {
  console.log(`${new Date().toISOString()} ${method} ${path} ${status}`);
}

function portNumber(text: string): number {
  const port = Number(text);
  if (!Number.isInteger(port) || port < 1 || port > 65535) {
    throw new InvalidArgumentError("a number from 1 to 65535");
  }
  return port;
}

const program = new Command("cloud")
  .description("The lab's Hetzner Cloud: its API on a loopback port, its servers played by a driver.")
  .requiredOption(
    "--lab <dir>",
    "the lab's folder: cloud.url, cloud.token, cloud.json and metadata.sock go there",
  )
  .addOption(
    new Option("--driver <name>", "who plays the servers").choices(["nspawn", "memory"]).default("nspawn"),
  )
  .option("--port <number>", "listen on this port of 127.0.0.1 instead of a free one", portNumber)
  .addOption(
    new Option("--actions <mode>", "answer at once, or when the work is done")
      .choices(["running", "instant"])
      .default("running"),
  )
  .option(
    "--datacenter",
    "speak of datacenters as before July 2026, for clients that still need them",
    false,
  );

try {
  await main(program.parse().opts<Arguments>());
} catch (error) {
  console.error(`cloud: ${reason(error)}`);
  process.exit(1);
}
