import { spawn } from "node:child_process";
import { createReadStream } from "node:fs";
import { stat } from "node:fs/promises";
import { addAbortSignal } from "node:stream";
import { Failure } from "../failure.ts";
import { privateFolder, removePrivateFolder } from "../private-folder.ts";
import { lastLines } from "../process.ts";
import { type Image, readArchive } from "./archive.ts";

/** How an image is read. */
export interface OpenOptions {
  /** Milliseconds to write or read it. @default 10 minutes */
  deadline?: number;
  signal?: AbortSignal;
}

/**
 * Read an image that Nix has built, and remove what was unpacked of it afterwards.
 * @param path what was built: a program that writes the archive (`streamLayeredImage`) or the archive itself (`buildLayeredImage`)
 */
export async function withImage<Result>(
  path: string,
  use: (image: Image) => Promise<Result>,
  options: OpenOptions = {},
): Promise<Result> {
  const folder = await privateFolder();
  try {
    return await use(await openImage(path, folder, options));
  } finally {
    await removePrivateFolder(folder);
  }
}

async function openImage(path: string, folder: string, options: OpenOptions): Promise<Image> {
  const found = await stat(path).catch(() => undefined);
  if (!found?.isFile()) throw unusable(path, found ? "it is no file" : "there is no such path");
  const { deadline = 600_000, signal } = options;
  const limit = AbortSignal.timeout(deadline);
  const ends = signal ? AbortSignal.any([limit, signal]) : limit;
  try {
    if ((found.mode & 0o111) === 0)
      return await readArchive(createReadStream(path, { signal: ends }), folder);
    return await readWritten(path, folder, ends);
  } catch (error) {
    signal?.throwIfAborted();
    if (limit.aborted) throw unusable(path, `it was not there after ${deadline / 1000} s`);
    throw error;
  }
}

/** What a program writes; that it failed explains what is wrong with that. */
async function readWritten(path: string, folder: string, signal: AbortSignal): Promise<Image> {
  const writer = spawn(path, [], { stdio: ["ignore", "pipe", "pipe"], signal, killSignal: "SIGKILL" });
  let said = "";
  writer.stderr.on("data", (chunk: Buffer) => {
    said = (said + chunk.toString("utf8")).slice(-4_000);
  });
  const ended = new Promise<number>((resolve, reject) =>
    writer.once("close", (code) => resolve(code ?? 128)).once("error", reject),
  );
  const [code, image] = await Promise.allSettled([
    ended,
    readArchive(addAbortSignal(signal, writer.stdout), folder),
  ]);
  if (code.status === "rejected")
    throw unusable(path, `it cannot be started: ${(code.reason as Error).message}`);
  if (code.value !== 0)
    throw unusable(path, `it ended with ${code.value}: ${lastLines(said, 3) || "without a word"}`);
  if (image.status === "rejected") throw image.reason;
  return image.value;
}

const unusable = (path: string, cameBack: string): Failure =>
  new Failure({
    tried: `read the image ${path}`,
    cameBack,
    next: "name a package of the flake that is an image: streamLayeredImage or buildLayeredImage makes one",
  });
