import { randomBytes } from "node:crypto";
import { createReadStream } from "node:fs";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { Readable, Transform } from "node:stream";
import { pipeline } from "node:stream/promises";
import { createGzip } from "node:zlib";
import pMap from "p-map";
import { type Image, type ImageLayer, sha256 } from "../image/archive.ts";
import type { PackedLayer, PackedLayers } from "../image/pack.ts";
import { manifestOf } from "../image/push.ts";
import { schema2 } from "../image/registry.ts";
import { privateFolder, removePrivateFolder } from "../private-folder.ts";

/** An image as a registry on this machine shows it, to be pulled by its digest. */
export interface RegistryView {
  /** Of this machine's 127.0.0.1. */
  port: number;
  /** Path and digest of the image in it: "<random>/image@sha256:…". */
  name: string;
  /** Digest of its manifest. */
  digest: string;
  /** What each layer is pulled as. */
  layers: readonly (PackedLayer & { diffId: string })[];
  /** Bytes of layers and configuration that were asked for. */
  sent: () => number;
}

/** Layers that are packed at once. */
const together = 4;

/**
 * Show an image as a read-only registry on a port of 127.0.0.1 for as long as `use` takes. Whoever finds the port needs its random path.
 * @param lacking layers that will be asked for: they are packed. The others are told of as what they were pulled as; they are not here.
 */
export async function withRegistryView<Result>(
  image: Image,
  {
    lacking,
    packed,
    pulledAs,
  }: {
    lacking: readonly ImageLayer[];
    packed: PackedLayers;
    pulledAs: ReadonlyMap<string, PackedLayer>;
  },
  use: (view: RegistryView) => Promise<Result>,
): Promise<Result> {
  const folder = await privateFolder();
  const blobs = new Map<string, () => Readable>();
  try {
    const layers = await pMap(
      image.layers,
      async (layer, index) => {
        const had = lacking.includes(layer) ? undefined : pulledAs.get(layer.diffId);
        const shown = had ?? (await packedLayer(layer, packed, join(folder, String(index)), blobs));
        return { ...shown, diffId: layer.diffId };
      },
      { concurrency: together },
    );
    blobs.set(image.id, () => Readable.from([Buffer.from(image.config)]));
    const manifest = manifestOf(image, layers);
    const path = `${randomBytes(8).toString("hex")}/image`;
    const shown = new Shown(path, manifest, blobs);
    const server = createServer((request, response) => shown.answer(request, response));
    await new Promise<void>((resolve, reject) =>
      server.once("error", reject).listen(0, "127.0.0.1", resolve),
    );
    try {
      const { port } = server.address() as AddressInfo;
      return await use({
        port,
        name: `${path}@${shown.digest}`,
        layers,
        digest: shown.digest,
        sent: () => shown.sent,
      });
    } finally {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    }
  } finally {
    await removePrivateFolder(folder);
  }
}

/** A layer that was packed before is packed again only as it is sent. */
async function packedLayer(
  layer: ImageLayer,
  packed: PackedLayers,
  file: string,
  blobs: Map<string, () => Readable>,
): Promise<PackedLayer> {
  const known = await packed.known(layer);
  if (known) {
    blobs.set(known.digest, () => packedStream(layer));
    return known;
  }
  const { packed: fresh } = await packed.pack(layer, file);
  blobs.set(fresh.digest, () => createReadStream(file));
  return fresh;
}

function packedStream(layer: ImageLayer): Readable {
  const gzip = createGzip({ level: 6 });
  // Its reader sees the error.
  pipeline(createReadStream(layer.file), gzip).catch((error: Error) => gzip.destroy(error));
  return gzip;
}

class Shown {
  readonly digest: string;
  sent = 0;
  readonly #path: string;
  readonly #manifest: string;
  readonly #blobs: ReadonlyMap<string, () => Readable>;

  constructor(path: string, manifest: string, blobs: ReadonlyMap<string, () => Readable>) {
    this.#path = `/v2/${path}/`;
    this.#manifest = manifest;
    this.#blobs = blobs;
    this.digest = sha256(Buffer.from(manifest));
  }

  answer({ url = "", method }: IncomingMessage, response: ServerResponse): void {
    if (method !== "GET" && method !== "HEAD") return void response.writeHead(405).end();
    if (url === "/v2/") return void response.writeHead(200).end("{}");
    if (!url.startsWith(this.#path)) return void response.writeHead(404).end();
    const [kind, digest = ""] = url.slice(this.#path.length).split("/");
    const headers = { "docker-content-digest": digest };
    if (kind === "manifests" && digest === this.digest) {
      const length = Buffer.byteLength(this.#manifest);
      response.writeHead(200, { ...headers, "content-type": schema2, "content-length": length });
      return void response.end(method === "HEAD" ? undefined : this.#manifest);
    }
    const blob = kind === "blobs" ? this.#blobs.get(digest) : undefined;
    if (!blob) return void response.writeHead(404).end();
    response.writeHead(200, { ...headers, "content-type": "application/octet-stream" });
    if (method === "HEAD") return void response.end();
    // Whoever pulls checks the digest; a connection that breaks is its reader's to notice.
    pipeline(blob(), this.#counted(), response).catch(() => undefined);
  }

  #counted(): Transform {
    return new Transform({
      transform: (chunk: Buffer, _, done) => {
        this.sent += chunk.length;
        done(null, chunk);
      },
    });
  }
}
