import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";
import { execa } from "execa";
import type { NginxProgram } from "../spa/program.ts";
import type { Generated } from "./generated.ts";

/** Where nginx keeps what it is sent: each build of it has a place of its own, that few may write to. */
export const temporaryPaths = (folder: string): string =>
  ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
    .map((of) => `${of}_temp_path ${folder}/${of};`)
    .join("\n");

/** Listens on the loopback alone, and on ports that nobody needs root for. */
function elsewhere(address: string, port: string): string {
  return `listen ${address.startsWith("[") ? "127.0.0.2" : "127.0.0.1"}:${10_000 + Number(port)}`;
}

/**
 * The nginx.conf of a NixOS system as another machine's nginx can test it: with that one's lists of media types and parameters, and
 * with its logs and state in `folder`.
 */
export function movedTo(folder: string, config: string, mimeTypes: string): string {
  return config
    .replaceAll(/include \/nix\/store\/[^;]*\/mime\.types;/g, `include ${mimeTypes};`)
    .replaceAll(
      /include \/nix\/store\/[^;]*\/(fastcgi\.conf|uwsgi_params);/g,
      `include ${dirname(mimeTypes)}/$1;`,
    )
    .replaceAll(/include \/nix\/store\/([^;/]*);/g, `include ${folder}/$1;`)
    .replaceAll(/^\s*user [^;]*;/gm, "")
    .replace(/^http \{$/m, `http {\n${temporaryPaths(folder)}`)
    .replaceAll(/\/(?:var\/log|var\/cache|run)\/nginx\b/g, folder)
    .replaceAll(/listen (\[[^\]]*\]|[\d.]+):(\d+)/g, (_, address: string, port: string) =>
      elsewhere(address, port),
    );
}

/** What `nginx -t` says against a configuration and what it includes; empty where it takes them. */
export async function objectionsTo(
  { config, includes }: NonNullable<Generated["nginx"]>,
  program: NginxProgram,
): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "berth-nginx-test-"));
  try {
    for (const [path, text] of Object.entries(includes)) await writeFile(join(folder, basename(path)), text);
    const file = join(folder, "nginx.conf");
    await writeFile(file, movedTo(folder, config, program.mimeTypes));
    const [command, ...first] = program.command;
    const tested = await execa(command, [...first, "-t", "-e", "stderr", "-p", folder, "-c", file], {
      reject: false,
      timeout: 30_000,
    });
    return tested.failed ? tested.stderr : "";
  } finally {
    await rm(folder, { recursive: true });
  }
}
