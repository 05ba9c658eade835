import { createHash, randomBytes } from "node:crypto";
import { existsSync } from "node:fs";
import { mkdir, readFile, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { buffer } from "node:stream/consumers";
import { execa } from "execa";
import { pack } from "tar-stream";
import { cacheFolder } from "../../../lab/setup/places.mjs";
import { findGo } from "../../../lab/setup/steps/go.mjs";

const source = join(import.meta.dirname, "app/main.go");

/** The app's program, built once for this source; static, so that an image needs nothing else. */
async function program(): Promise<Buffer> {
  const digest = createHash("sha256")
    .update(await readFile(source))
    .digest("hex")
    .slice(0, 12);
  const file = join(cacheFolder(), `test-app-${digest}`);
  if (!existsSync(file)) {
    const { go, env } = await findGo(cacheFolder(), () => undefined);
    const built = `${file}.${process.pid}`;
    const flags = ["-trimpath", "-ldflags", "-s -w -buildid="];
    await execa(go, ["build", ...flags, "-o", built, source], {
      env: { ...env, CGO_ENABLED: "0", GOFLAGS: "-mod=mod", GOTOOLCHAIN: "local" },
      timeout: 240_000,
    });
    await rename(built, file);
  }
  return await readFile(file);
}

interface File {
  name: string;
  content: string | Uint8Array;
  mode?: number;
}

async function layerOf(files: readonly File[]): Promise<Buffer> {
  const tar = pack();
  for (const { name, content, mode = 0o644 } of files)
    tar.entry({ name, mode, mtime: new Date(0) }, Buffer.from(content));
  tar.finalize();
  return await buffer(tar);
}

const sha256 = (bytes: Uint8Array): string => createHash("sha256").update(bytes).digest("hex");

/** What tells one release of the app from another. */
export interface AppImage {
  version: string;
  /** How it fares: "well" when absent; see the app's source. */
  mode?: "unwell" | "crash" | "tires" | "alone";
  /** Bytes of a layer below the app that nothing packs. */
  ballast?: Buffer;
  architecture?: string;
  /** More of the image's configuration. */
  config?: Record<string, unknown>;
}

/** An image on this machine, as resources are told of it. */
export interface BuiltImage {
  id: string;
  /** A docker-archive. */
  path: string;
  layers: { diffId: string; size: number }[];
  architecture: string;
}

/** Write an image of the app into a folder: a layer of ballast, one of the program, one of what is special about this release. */
export async function appImage(folder: string, wanted: AppImage): Promise<BuiltImage> {
  const { version, mode, ballast, architecture = "amd64", config = {} } = wanted;
  const layers = [
    ...(ballast ? [await layerOf([{ name: "ballast", content: ballast }])] : []),
    await layerOf([{ name: "app", content: await program(), mode: 0o755 }]),
    await layerOf([
      { name: "release/version", content: version },
      ...(mode ? [{ name: "release/mode", content: mode }] : []),
    ]),
  ];
  const text = JSON.stringify({
    architecture,
    os: "linux",
    created: "1970-01-01T00:00:01Z",
    config: { Cmd: ["/app"], User: "1000:1000", ...config },
    rootfs: { type: "layers", diff_ids: layers.map((layer) => `sha256:${sha256(layer)}`) },
  });
  const id = sha256(Buffer.from(text));
  const tar = pack();
  const names = layers.map((layer) => `${sha256(layer)}.tar`);
  for (const [index, layer] of layers.entries()) tar.entry({ name: names[index] ?? "" }, layer);
  tar.entry({ name: `${id}.json` }, text);
  tar.entry(
    { name: "manifest.json" },
    JSON.stringify([{ Config: `${id}.json`, RepoTags: ["app:1"], Layers: names }]),
  );
  tar.finalize();
  await mkdir(folder, { recursive: true });
  const path = join(folder, `${id}.tar`);
  await writeFile(path, await buffer(tar));
  return {
    id: `sha256:${id}`,
    path,
    layers: layers.map((layer) => ({ diffId: `sha256:${sha256(layer)}`, size: layer.length })),
    architecture,
  };
}

/** Bytes that no packer makes smaller. */
export const incompressible = (bytes: number): Buffer => randomBytes(bytes);
