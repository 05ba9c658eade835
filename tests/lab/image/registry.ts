import { spawn } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { stringify } from "yaml";

/** The user that may push. The line is what `htpasswd -B` makes of the password. */
export const login = { username: "x", password: "a token" };
const htpasswd = "x:$2y$05$YEdoOicAxirUxfhVS2LKVOU1bn3iRXPAeEfgCmwbyF3KY5T.l5ZGO\n";

export interface TestRegistry {
  /** Its host and port, as references name it. */
  host: string;
  /** What it was asked for: method, path and status. */
  asked: () => Promise<string[]>;
  stop: () => Promise<void>;
}

/** Debian's docker-registry on loopback, which lets nobody in without the login above. */
export async function startRegistry(): Promise<TestRegistry> {
  const folder = await mkdtemp(join(tmpdir(), "berth-registry-"));
  const port = await freePort();
  await writeFile(join(folder, "htpasswd"), htpasswd);
  const config = {
    version: 0.1,
    log: { accesslog: { disabled: false }, level: "warn" },
    storage: { filesystem: { rootdirectory: join(folder, "storage") }, delete: { enabled: true } },
    http: { addr: `127.0.0.1:${port}` },
    auth: { htpasswd: { realm: "test", path: join(folder, "htpasswd") } },
  };
  await writeFile(join(folder, "config.yml"), stringify(config));
  const server = spawn("docker-registry", ["serve", join(folder, "config.yml")], {
    stdio: ["ignore", "pipe", "pipe"],
  });
  let log = "";
  for (const stream of [server.stdout, server.stderr])
    stream.on("data", (chunk: Buffer) => {
      log += chunk.toString();
    });
  const gone = new Promise<void>((resolve) => server.once("close", () => resolve()));
  for (let tries = 0; ; tries++) {
    const up = await fetch(`http://127.0.0.1:${port}/v2/`).catch(() => undefined);
    if (up?.status === 401) break;
    if (tries === 200 || server.exitCode !== null) throw new Error(`docker-registry does not answer: ${log}`);
    await sleep(50);
  }
  return {
    host: `127.0.0.1:${port}`,
    asked: async () => {
      // Its log is written behind the answer.
      await sleep(100);
      return [...log.matchAll(/"(GET|HEAD|POST|PUT|PATCH|DELETE) (\S+) HTTP\/1.1" (\d+)/g)].map(
        ([, method, path, status]) => `${method} ${new URL(path ?? "", "http://x").pathname} ${status}`,
      );
    },
    stop: async () => {
      server.kill();
      await gone;
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** A port that nobody listens on, a moment ago at least. */
export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (address === null || typeof address === "string") throw new Error("no port");
  return address.port;
}
