import { createReadStream, createWriteStream, openAsBlob } from "node:fs";
import { mkdir, readFile, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";
import { createGzip } from "node:zlib";
import { z } from "zod";
import { jsonOrUndefined } from "../json.ts";
import { type ImageLayer, Meter } from "./archive.ts";

/** A layer as a registry keeps it. */
export interface PackedLayer {
  /** "sha256:" and the digest of its gzipped tar. */
  digest: string;
  /** Bytes of that. */
  size: number;
}

const packedLayer = z.strictObject({ digest: z.string(), size: z.int() });

/** What gzip makes of the same bytes depends on who packs: what another version has packed is another blob. */
const packer = `zlib-${process.versions.zlib}`;

/** What the layers of earlier images came to when they were packed, so that one that a registry has is not packed again to find out. */
export class PackedLayers {
  readonly #folder: string;

  /** @param folder where it is kept; made when there is something to keep */
  constructor(folder: string) {
    this.#folder = join(folder, packer);
  }

  /** What a layer came to; undefined where it was never packed. */
  async known({ diffId }: Pick<ImageLayer, "diffId">): Promise<PackedLayer | undefined> {
    const text = await readFile(this.#file(diffId), "utf8").catch(() => "");
    return packedLayer.safeParse(jsonOrUndefined(text)).data;
  }

  /** Pack a layer into a file. */
  async pack(layer: ImageLayer, file: string): Promise<{ packed: PackedLayer; content: Blob }> {
    const meter = new Meter();
    await pipeline(
      createReadStream(layer.file),
      createGzip({ level: 6 }),
      meter,
      createWriteStream(file, { mode: 0o600 }),
    );
    const packed = { digest: meter.digest, size: meter.size };
    await this.#keep(layer.diffId, packed);
    return { packed, content: await openAsBlob(file) };
  }

  /** That it cannot be kept stops nobody: it is packed again. */
  async #keep(diffId: string, packed: PackedLayer): Promise<void> {
    const file = this.#file(diffId);
    try {
      await mkdir(this.#folder, { recursive: true });
      await writeFile(`${file}.${process.pid}`, JSON.stringify(packed));
      await rename(`${file}.${process.pid}`, file);
    } catch {}
  }

  #file(diffId: string): string {
    return join(this.#folder, `${diffId.replace("sha256:", "")}.json`);
  }
}
