import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import type { AddressInfo } from "node:net";
import { join, resolve } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { createAdaptorServer } from "@hono/node-server";
import { Failure, messageOf } from "../../../deployer/failure.ts";
import { recordsOf } from "../../../deployer/runs/record.ts";
import { statusApp } from "./app.ts";
import { Changes } from "./changes.ts";
import { type Keys, keptSecret, keysOf } from "./keys.ts";
import { livePage } from "./model.ts";
import { HostWatch, type HostWatchOptions } from "./watch-hosts.ts";
import { RunWatch } from "./watch-runs.ts";

export interface PageOptions extends Pick<HostWatchOptions, "state" | "read" | "look"> {
  stack: string;
  /** The project's, as the commands that run there know it. */
  folder: string;
  /** A free one when absent. */
  port?: number | undefined;
  /** Seconds between two looks at a host. */
  every: number;
  /** Ends what goes on. */
  ending: AbortController;
}

/** A page that is served. */
export interface ServedPage {
  /** With the token: for the person at this terminal alone. */
  url: string;
  /** End it: connections are closed, and what goes on is given up. Takes a second at most. */
  close: () => Promise<void>;
}

/** Milliseconds that what is under way has when the page is closed. */
const patience = 500;

/** Serve a stack's page on 127.0.0.1. */
export async function servePage(options: PageOptions): Promise<ServedPage> {
  const { stack, folder, port, every, state, read, look, ending } = options;
  const keys = keysOf(await keptSecret(resolve(folder, ".berth/status-key")), stack);
  const records = resolve(folder, recordsOf(stack));
  const changes = new Changes();
  const runs = new RunWatch(records, (ended) => {
    for (const host of ended) hosts.nudge(host);
    changes.tell();
  });
  const hosts: HostWatch = new HostWatch({
    state,
    read,
    look,
    every: every * 1_000,
    grewAt: () => runs.grewAt,
    onChange: changes.tell,
  });
  const app = statusApp({
    keys,
    page: () => livePage({ stack, every, trouble: hosts.trouble, hosts: hosts.hosts, runs: runs.runs }),
    changes,
    hold: () => hosts.hold(),
    want: (milliseconds) => hosts.want(milliseconds),
    records,
    script: await pageScript(),
    ending: ending.signal,
  });
  const server = createAdaptorServer({ fetch: app.fetch, overrideGlobalObjects: false });
  try {
    server.listen(port ?? 0, "127.0.0.1");
    await once(server, "listening");
  } catch (error) {
    throw cannotListen(error, port);
  }
  await runs.start();
  // Whoever starts this opens it in a moment.
  hosts.want(every * 1_000);
  return {
    url: urlOf(server.address() as AddressInfo, keys),
    close: async () => {
      ending.abort();
      runs.stop();
      const closed = new Promise<void>((done) => void server.close(() => done()));
      // What is sent to pages has a moment to come to its end.
      await Promise.race([closed, sleep(patience / 4)]);
      if ("closeAllConnections" in server) server.closeAllConnections();
      await Promise.race([Promise.all([closed, hosts.stop()]), sleep(patience)]);
    },
  };
}

const urlOf = ({ port }: AddressInfo, { token }: Keys): string => `http://127.0.0.1:${port}/open/${token}`;

/** The library that puts markup into place, and what uses it. */
async function pageScript(): Promise<string> {
  const library = createRequire(import.meta.url).resolve("idiomorph/dist/idiomorph.min.js");
  const files = [library, join(import.meta.dirname, "client/script.js")];
  return (await Promise.all(files.map((file) => readFile(file, "utf8")))).join("\n");
}

function cannotListen(error: unknown, port: number | undefined): Failure {
  const code = error instanceof Error && "code" in error ? error.code : undefined;
  return new Failure({
    tried: `listen on 127.0.0.1${port === undefined ? "" : ` port ${port}`}`,
    cameBack:
      code === "EADDRINUSE"
        ? "another program listens there"
        : code === "EACCES"
          ? "this user may not listen there"
          : messageOf(error),
    next: port === undefined ? "try again" : "name another with --port, or none for one that is free",
  });
}
