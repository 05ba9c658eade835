import { rm } from "node:fs/promises";
import { join } from "node:path";
import pMap from "p-map";
import { z } from "zod";
import { Failure } from "../failure.ts";
import { jsonOrUndefined } from "../json.ts";
import { privateFolder, removePrivateFolder } from "../private-folder.ts";
import { type Image, sha256 } from "./archive.ts";
import type { PackedLayer, PackedLayers } from "./pack.ts";
import { type Repository, schema2 } from "./registry.ts";

/** What a push came to. */
export interface Pushed {
  /** Digest of the manifest: what a machine is told to run. */
  digest: string;
  /** The tag it has, which follows from the image alone. */
  tag: string;
  /** Layers that were sent, and what was sent in all, in bytes. */
  layers: number;
  bytes: number;
}

/** What a registry lacks of an image. */
export interface Lacking {
  /** Whether it has all of it, under the image's tag. */
  nothing: boolean;
  layers: number;
  /** Of their unpacked tars. */
  bytes: number;
}

export interface PushOptions {
  packed: PackedLayers;
  signal?: AbortSignal;
  /** Told of each layer that is sent. */
  onStatus?: (line: string) => void;
}

/** Layers that are packed and sent at once. */
const together = 4;

const imageManifest = z.looseObject({
  config: z.looseObject({ digest: z.string() }),
  layers: z.array(z.looseObject({ digest: z.string() })),
});

/** The tag of an image, by which a registry is asked whether it has it. */
export const tagOf = (image: Pick<Image, "id">): string =>
  `id-${image.id.replace("sha256:", "").slice(0, 12)}`;

/**
 * What would be sent. A layer that was never packed here counts as lacking, unless the whole image is there.
 */
export async function lacking(image: Image, repository: Repository, packed: PackedLayers): Promise<Lacking> {
  if (await present(image, repository)) return { nothing: true, layers: 0, bytes: 0 };
  const missing = await pMap(
    image.layers,
    async (layer) => {
      const known = await packed.known(layer);
      return known && (await repository.hasBlob(known.digest)) ? undefined : layer;
    },
    { concurrency: together },
  );
  const layers = missing.filter((layer) => layer !== undefined);
  return { nothing: false, layers: layers.length, bytes: layers.reduce((sum, { size }) => sum + size, 0) };
}

/** Send what a registry lacks of an image, tag it, and read it back. Sends nothing where it has the image. */
export async function push(image: Image, repository: Repository, options: PushOptions): Promise<Pushed> {
  const tag = tagOf(image);
  const there = await present(image, repository);
  if (there) return { digest: there, tag, layers: 0, bytes: 0 };

  const folder = await privateFolder();
  try {
    const sent = await pMap(
      image.layers,
      (layer, index) => sendLayer(layer, repository, join(folder, String(index)), options),
      { concurrency: together, ...(options.signal && { signal: options.signal }) },
    );
    const sentConfig = await sendConfig(image, repository);
    const text = manifestOf(
      image,
      sent.map(({ layer }) => layer),
    );
    await repository.putManifest(tag, text, schema2);
    const digest = sha256(Buffer.from(text));
    await readBack(image, repository, digest);
    const bytes = sent.reduce((sum, one) => sum + one.sent, sentConfig);
    return { digest, tag, layers: sent.filter((one) => one.sent > 0).length, bytes };
  } finally {
    await removePrivateFolder(folder);
  }
}

/** The digest of the image's manifest, where the repository has it whole. */
async function present(image: Image, repository: Repository): Promise<string | undefined> {
  const found = await repository.manifest(tagOf(image));
  const manifest = imageManifest.safeParse(jsonOrUndefined(found?.text ?? ""));
  // A tag may be moved: what it names is asked for.
  if (!found || !manifest.success || manifest.data.config.digest !== image.id) return undefined;
  return sha256(Buffer.from(found.text));
}

async function sendLayer(
  layer: Image["layers"][number],
  repository: Repository,
  file: string,
  { packed, onStatus }: PushOptions,
): Promise<{ layer: PackedLayer; sent: number }> {
  const known = await packed.known(layer);
  if (known && (await repository.hasBlob(known.digest))) return { layer: known, sent: 0 };
  const { packed: fresh, content } = await packed.pack(layer, file);
  try {
    if (await repository.hasBlob(fresh.digest)) return { layer: fresh, sent: 0 };
    onStatus?.(`sending a layer of ${megabytes(fresh.size)} MB`);
    await repository.putBlob(fresh.digest, content);
    return { layer: fresh, sent: fresh.size };
  } finally {
    await rm(file, { force: true });
  }
}

async function sendConfig({ id, config }: Image, repository: Repository): Promise<number> {
  if (await repository.hasBlob(id)) return 0;
  await repository.putBlob(id, new Blob([config]));
  return config.byteLength;
}

/** Docker's own form, which every registry and engine takes. The same image has the same text. */
export function manifestOf(
  { id, config }: Pick<Image, "id" | "config">,
  layers: readonly PackedLayer[],
): string {
  return JSON.stringify({
    schemaVersion: 2,
    mediaType: schema2,
    config: {
      mediaType: "application/vnd.docker.container.image.v1+json",
      size: config.byteLength,
      digest: id,
    },
    layers: layers.map(({ digest, size }) => ({
      mediaType: "application/vnd.docker.image.rootfs.diff.tar.gzip",
      size,
      digest,
    })),
  });
}

/** That it was taken does not say that it is there: a machine that is told to run it has to find all of it. */
async function readBack(image: Image, repository: Repository, digest: string): Promise<void> {
  const found = await repository.manifest(digest);
  const manifest = imageManifest.safeParse(jsonOrUndefined(found?.text ?? "")).data;
  const blobs = manifest ? [manifest.config.digest, ...manifest.layers.map((layer) => layer.digest)] : [];
  const held = await pMap(blobs, (blob) => repository.hasBlob(blob), { concurrency: together });
  const lost = blobs.filter((_, index) => !held[index]);
  if (manifest?.config.digest === image.id && lost.length === 0) return;
  throw new Failure({
    tried: `read ${repository.name}@${digest} back`,
    cameBack: manifest
      ? `it lacks ${lost.join(", ") || "the image's configuration"}`
      : "there is no such manifest",
    next: "push it again; if it stays so, look at the registry's storage",
  });
}

const megabytes = (bytes: number): string => (bytes / 1e6).toFixed(1);
