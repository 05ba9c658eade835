import { spawn } from "node:child_process";
import { once } from "node:events";
import { chmod, cp, mkdir, mkdtemp, open, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { repository } from "../nix.ts";
import { type Answer, answers, ask, freePort, nobody } from "./nginx.ts";
import type { NginxProgram } from "./program.ts";

/** A run of apps/spa/serve.sh, the way `nix run .#spa` has it. */
export interface Served {
  ask(path: string): Promise<Answer>;
  /** Interrupts it, and tells its exit code, what it said and what it left in its temporary folder. */
  stop(): Promise<{ code: number | null; errors: string; left: string[] }>;
  [Symbol.asyncDispose](): Promise<void>;
}

/** Starts it, not as root, on a free port unless `env` says otherwise; throws what it says when it ends without having answered. */
export async function serveSpa(
  program: NginxProgram,
  config: string,
  env: Record<string, string>,
): Promise<Served> {
  const folder = await mkdtemp(join(tmpdir(), "berth-serve-"));
  await chmod(folder, 0o755);
  const at = (name: string) => join(folder, name);
  // Where that user may read them.
  await cp(join(repository, "apps/spa/serve.sh"), at("serve.sh"));
  await writeFile(at("nginx.conf"), config);
  await mkdir(at("bin"));
  await mkdir(at("tmp"));
  await chmod(at("tmp"), 0o1777);
  const PATH = [await pathTo(program, at("bin")), process.env.PATH].join(":");

  const port = await freePort();
  // A file, as nginx opens /dev/stdout anew, which cannot be done with a socket.
  const access = await open(at("access"), "w");
  await access.chmod(0o666);
  const server = spawn("sh", ["-eu", at("serve.sh")], {
    ...nobody,
    cwd: folder,
    env: { PATH, TMPDIR: at("tmp"), SPA_CONFIG: at("nginx.conf"), PORT: String(port), ...env },
    stdio: ["ignore", access.fd, "pipe"],
  });
  const ended = once(server, "close").then(([code]) => code as number | null);
  const errors = text(server.stderr as NonNullable<typeof server.stderr>);
  const stop = async () => {
    server.kill("SIGINT");
    const told = { code: await ended, errors: await errors, left: await readdir(at("tmp")) };
    await access.close();
    await rm(folder, { recursive: true, force: true });
    return told;
  };
  let stopped: ReturnType<typeof stop> | undefined;
  const served: Served = {
    ask: (path) => ask(port, path),
    stop: () => (stopped ??= stop()),
    [Symbol.asyncDispose]: async () => void (await served.stop()),
  };
  if (!(await answers(port, server))) throw new Error((await served.stop()).errors);
  return served;
}

/** A folder for PATH in which the program is called nginx. */
async function pathTo({ command }: NginxProgram, folder: string): Promise<string> {
  if (command[0] !== "nginx") {
    const words = command.map((word) => `'${word}'`).join(" ");
    await writeFile(join(folder, "nginx"), `#!/bin/sh\nexec ${words} "$@"\n`, { mode: 0o755 });
  }
  return folder;
}
