import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { chmod, chown, mkdir, mkdtemp, open, readFile, rm, writeFile } from "node:fs/promises";
import { type IncomingHttpHeaders, request } from "node:http";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { NginxProgram } from "./program.ts";

/** A user without rights, as which a server runs whose tests are root's. */
export const nobody = process.getuid?.() === 0 ? { uid: 1000, gid: 1000 } : {};

export interface Answer {
  status: number;
  headers: IncomingHttpHeaders;
  body: Buffer;
}

/** An nginx that runs until it is disposed of. */
export interface Nginx {
  /** Asks it with the path exactly as it is. */
  ask(path: string, options?: { method?: string; headers?: Record<string, string> }): Promise<Answer>;
  /** Ends it as the image's stop signal does, and tells with which code and what it logged. */
  stop(): Promise<{ code: number | null; access: string; errors: string }>;
  [Symbol.asyncDispose](): Promise<void>;
}

export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
  const address = server.address();
  await new Promise((closed) => server.close(closed));
  if (address === null || typeof address === "string") throw new Error("no free port");
  return address.port;
}

/**
 * Has nginx test a configuration and starts it, as a user who is not root.
 * @param config text of nginx.conf, given a folder that the server may write to and the port to listen on
 */
export async function startNginx(
  program: NginxProgram,
  config: (folder: string, port: number) => string,
): Promise<Nginx> {
  const folder = await mkdtemp(join(tmpdir(), "berth-nginx-"));
  const port = await freePort();
  await chmod(folder, 0o755);
  await mkdir(join(folder, "var"));
  if (nobody.uid) await chown(join(folder, "var"), nobody.uid, nobody.gid);
  const conf = join(folder, "nginx.conf");
  await writeFile(conf, config(join(folder, "var"), port));

  const [file, ...first] = program.command;
  const args = ["-e", "stderr", "-p", join(folder, "var"), "-c", conf];
  // Files, as nginx opens /dev/stdout anew, which cannot be done with a socket.
  const [access, errors] = [join(folder, "access"), join(folder, "errors")];
  for (const log of [access, errors]) {
    await writeFile(log, "");
    if (nobody.uid) await chown(log, nobody.uid, nobody.gid);
  }
  const [out, err] = [await open(access, "a"), await open(errors, "a")];
  const start = (...words: string[]) => {
    const server = spawn(file, [...first, ...words, ...args], {
      ...nobody,
      stdio: ["ignore", out.fd, err.fd],
    });
    return { server, ended: once(server, "close").then(([code]) => code as number | null) };
  };
  const close = async () => {
    const told = { access: await readFile(access, "utf8"), errors: await readFile(errors, "utf8") };
    await Promise.all([out.close(), err.close()]);
    await rm(folder, { recursive: true, force: true });
    return told;
  };
  if ((await start("-t").ended) !== 0) throw new Error(`nginx -t: ${(await close()).errors}`);
  await writeFile(errors, "");

  const { server, ended } = start();
  const stop = async () => {
    server.kill("SIGQUIT");
    return { code: await ended, ...(await close()) };
  };
  let stopped: ReturnType<typeof stop> | undefined;
  const nginx: Nginx = {
    ask: (path, options = {}) => ask(port, path, options),
    stop: () => (stopped ??= stop()),
    [Symbol.asyncDispose]: async () => void (await nginx.stop()),
  };
  if (!(await answers(port, server)))
    throw new Error(`nginx does not answer on 127.0.0.1:${port}: ${(await nginx.stop()).errors}`);
  return nginx;
}

/** Whether a server begins to answer on a port of this machine within 10 s, unless it ends before. */
export async function answers(port: number, server: ChildProcess): Promise<boolean> {
  const deadline = Date.now() + 10_000;
  while (Date.now() < deadline && server.exitCode === null) {
    const answer = await ask(port, "/").catch(() => undefined);
    if (answer) return true;
    await sleep(50);
  }
  return false;
}

/** One request to 127.0.0.1 with the path exactly as it is. */
export function ask(
  port: number,
  path: string,
  { method = "GET", headers = {} }: { method?: string; headers?: Record<string, string> } = {},
): Promise<Answer> {
  return new Promise((answer, fail) => {
    const asked = request({ host: "127.0.0.1", port, path, method, headers, agent: false, timeout: 5_000 });
    asked.on("timeout", () => asked.destroy(new Error(`no answer to ${method} ${path} within 5 s`)));
    asked.on("error", fail);
    asked.on("response", (response) => {
      const parts: Buffer[] = [];
      response.on("error", fail);
      response.on("data", (part: Buffer) => parts.push(part));
      response.on("end", () =>
        answer({ status: response.statusCode ?? 0, headers: response.headers, body: Buffer.concat(parts) }),
      );
    });
    asked.end();
  });
}
