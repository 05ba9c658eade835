import { createHash } from "node:crypto";
import { createWriteStream } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { Readable, Transform } from "node:stream";
import { pipeline } from "node:stream/promises";
import { createGunzip } from "node:zlib";
import { extract, type Header } from "tar-stream";
import { z } from "zod";
import { Failure, messageOf } from "../failure.ts";
import { jsonOrUndefined } from "../json.ts";

/** A layer of an image, unpacked as a file. */
export interface ImageLayer {
  /** "sha256:" and the digest of its tar, as the image's configuration names it. */
  diffId: string;
  file: string;
  /** Bytes of its tar. */
  size: number;
}

/** An image that lies in a folder. */
export interface Image {
  /** "sha256:" and the digest of its configuration: the same wherever it goes, however its layers are packed. */
  id: string;
  /** Its configuration as it was written, byte by byte. */
  config: Uint8Array<ArrayBuffer>;
  /** As Docker calls it, e.g. "amd64". */
  architecture: string;
  os: string;
  /** Base first. */
  layers: readonly ImageLayer[];
}

const manifestFile = z
  .array(z.looseObject({ Config: z.string(), Layers: z.array(z.string()) }))
  .length(1, "it holds more than one image, or none");
const configFile = z.looseObject({
  architecture: z.string(),
  os: z.string(),
  rootfs: z.looseObject({ diff_ids: z.array(z.string().regex(/^sha256:[0-9a-f]{64}$/)) }),
});

/** Bytes of the longest configuration that is read. */
const longestText = 8 * 1024 * 1024;

/** A member of the archive: a file in the folder, or another name for one. */
type Member = { file: string; size: number; digest: string } | { target: string };

/**
 * Read what `docker save` and nixpkgs' image builders write (a tar, gzipped or not) into a folder, and check every layer against the
 * configuration. Throws a Failure that says what is wrong with it.
 */
export async function readArchive(source: Readable, folder: string): Promise<Image> {
  try {
    return await imageOf(await unpack(source, folder));
  } catch (error) {
    throw new Failure({
      tried: "read the image's archive",
      cameBack: error instanceof z.ZodError ? z.prettifyError(error) : messageOf(error),
      next: "build it with streamLayeredImage or buildLayeredImage, or write it with docker save",
    });
  }
}

/** Every file of a tar under a number; the archive's own names are never paths here. */
async function unpack(source: Readable, folder: string): Promise<Map<string, Member>> {
  const members = new Map<string, Member>();
  const { whole, zipped } = await peek(source);
  const tar = extract();
  const writing = (async () => {
    for await (const entry of tar) {
      const name = plain(entry.header.name);
      const target = targetOf(entry.header, name);
      if (target !== undefined) members.set(name, { target });
      if (entry.header.type !== "file") {
        entry.resume();
        continue;
      }
      const file = join(folder, String(members.size));
      const meter = new Meter();
      await pipeline(entry, meter, createWriteStream(file, { mode: 0o600, flags: "wx" }));
      members.set(name, { file, size: meter.size, digest: meter.digest });
    }
  })();
  await Promise.all([writing, zipped ? pipeline(whole, createGunzip(), tar) : pipeline(whole, tar)]);
  return members;
}

const plain = (name: string): string => name.replace(/^\.\//, "");

/** What a link in the archive is another name of: `docker save` writes a layer that is there twice once. */
function targetOf({ type, linkname }: Header, name: string): string | undefined {
  if (!linkname || (type !== "symlink" && type !== "link")) return undefined;
  if (type === "link") return plain(linkname);
  return new URL(linkname, `file:///${name}`).pathname.slice(1);
}

/** The same bytes from their beginning, and whether they begin like gzip. */
async function peek(source: Readable): Promise<{ whole: Readable; zipped: boolean }> {
  const chunks = source[Symbol.asyncIterator]() as AsyncIterator<Buffer>;
  let head = Buffer.alloc(0);
  for (let next = await chunks.next(); !next.done; next = await chunks.next()) {
    head = Buffer.concat([head, next.value]);
    if (head.length >= 2) break;
  }
  if (head.length === 0) throw new Error("it is empty");
  const whole = Readable.from(following(head, chunks), { objectMode: false });
  return { whole, zipped: head[0] === 0x1f && head[1] === 0x8b };
}

async function* following(head: Buffer, chunks: AsyncIterator<Buffer>): AsyncGenerator<Buffer> {
  yield head;
  for (let next = await chunks.next(); !next.done; next = await chunks.next()) yield next.value;
}

async function imageOf(members: Map<string, Member>): Promise<Image> {
  const text = async (name: string): Promise<Uint8Array<ArrayBuffer>> => {
    const { file, size } = found(members, name);
    if (size > longestText) throw new Error(`${name} is ${size} bytes long`);
    return new Uint8Array(await readFile(file));
  };
  const [manifest] = manifestFile.parse(json(await text("manifest.json")));
  if (!manifest) throw new Error("it holds no image");
  const config = await text(plain(manifest.Config));
  const { architecture, os, rootfs } = configFile.parse(json(config));
  if (rootfs.diff_ids.length !== manifest.Layers.length)
    throw new Error(
      `it has ${manifest.Layers.length} layers, and its configuration names ${rootfs.diff_ids.length}`,
    );
  const layers = manifest.Layers.map((name, index): ImageLayer => {
    const { file, size, digest } = found(members, plain(name));
    const diffId = rootfs.diff_ids[index] ?? "";
    if (digest !== diffId)
      throw new Error(`its layer ${name} is ${digest}, and its configuration says ${diffId}`);
    return { diffId, file, size };
  });
  return { id: sha256(config), config, architecture, os, layers };
}

function found(members: Map<string, Member>, name: string): Exclude<Member, { target: string }> {
  const member = members.get(name);
  const file = member && "target" in member ? members.get(member.target) : member;
  if (!file || "target" in file) throw new Error(`it has no ${name}`);
  return file;
}

const json = (bytes: Uint8Array): unknown => jsonOrUndefined(Buffer.from(bytes).toString("utf8"));

/** "sha256:" and the digest of these bytes. */
export const sha256 = (bytes: Uint8Array): string =>
  `sha256:${createHash("sha256").update(bytes).digest("hex")}`;

/** Passes bytes on, and tells their number and digest once they have ended. */
export class Meter extends Transform {
  readonly #hash = createHash("sha256");
  size = 0;
  #digest: string | undefined;

  get digest(): string {
    this.#digest ??= `sha256:${this.#hash.digest("hex")}`;
    return this.#digest;
  }

  override _transform(chunk: Buffer, _: BufferEncoding, done: (error: null, chunk: Buffer) => void): void {
    this.size += chunk.length;
    this.#hash.update(chunk);
    done(null, chunk);
  }
}
