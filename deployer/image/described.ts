import { createHash } from "node:crypto";
import { createReadStream, existsSync } from "node:fs";
import { mkdir, readFile, rename, writeFile } from "node:fs/promises";
import { basename, join } from "node:path";
import { pipeline } from "node:stream/promises";
import { z } from "zod";
import { Failure } from "../failure.ts";
import { jsonOrUndefined } from "../json.ts";
import type { Image } from "./archive.ts";
import { type OpenOptions, withImage } from "./open.ts";

const described = z.strictObject({
  /** "sha256:" and the digest of its configuration: the same wherever it goes. */
  id: z.string(),
  /** As Docker calls it, e.g. "amd64". */
  architecture: z.string(),
  os: z.string(),
  /** Base first; bytes of each layer's tar. */
  layers: z.array(z.strictObject({ diffId: z.string(), size: z.int() })),
  /** Ports that its configuration exposes, e.g. ["8080/tcp"]. */
  ports: z.array(z.string()),
  /** Who it runs as; "" for root. */
  user: z.string(),
});

/** What an image is, without its content. */
export type ImageDescription = z.infer<typeof described>;

const configuration = z.looseObject({
  created: z.string().optional(),
  config: z
    .looseObject({
      ExposedPorts: z.record(z.string(), z.unknown()).nullish(),
      User: z.string().nullish(),
    })
    .nullish(),
});

/** How an image is read, and since when it was built: one that bears a later date is refused. */
export interface DescribeOptions extends OpenOptions {
  began?: Date;
}

/** Raised when what is kept has another shape. */
const shape = 1;
/** A clock that jumps a little is no reason to refuse an image. */
const tolerance = 60_000;

/**
 * What an image in the store is. It is read once: a store path never has another content.
 * @param folder where that is kept
 */
export async function describeStored(
  path: string,
  folder: string,
  options: DescribeOptions = {},
): Promise<ImageDescription> {
  const file = join(folder, `${basename(path)}.${shape}.json`);
  const known = described.safeParse(jsonOrUndefined(await readFile(file, "utf8").catch(() => "")));
  if (known.success) return known.data;
  const description = await describeArchive(path, { began: new Date(), ...options });
  try {
    await mkdir(folder, { recursive: true });
    await writeFile(`${file}.${process.pid}`, JSON.stringify(description));
    await rename(`${file}.${process.pid}`, file);
  } catch {
    // That it cannot be kept stops nobody: it is read again.
  }
  return description;
}

/** What an image is: see `withImage`. */
export async function describeArchive(
  path: string,
  { began, ...options }: DescribeOptions = {},
): Promise<ImageDescription> {
  return await withImage(path, async (image) => description(path, image, began), options);
}

function description(path: string, image: Image, began: Date | undefined): ImageDescription {
  const { created, config } = configuration.parse(
    jsonOrUndefined(Buffer.from(image.config).toString("utf8")),
  );
  if (began && isNow(created, began))
    throw notReproducible(path, `it says that it was made at ${created}, just now`);
  const { id, architecture, os, layers } = image;
  return {
    id,
    architecture,
    os,
    layers: layers.map(({ diffId, size }) => ({ diffId, size })),
    ports: Object.keys(config?.ExposedPorts ?? {}).sort(),
    user: config?.User ?? "",
  };
}

/** Whether an image bears the time of its own making, so that another run makes another image. Pure. */
export function isNow(created: string | undefined, began: Date): boolean {
  const at = created === undefined ? Number.NaN : Date.parse(created);
  return at >= began.getTime() - tolerance;
}

/** An image that is another one each time it is built. */
export const notReproducible = (what: string, cameBack: string): Failure =>
  new Failure({
    tried: `read the image ${what}`,
    cameBack,
    stands: "Each run would make another image of the same inputs, and release it; nothing was changed",
    next: 'leave created out of the package, or fix it: created = "1970-01-01T00:00:01Z"',
  });

/** "sha256:" and the digest of a file's bytes; undefined where there is no such file. */
export async function digestOfFile(path: string): Promise<string | undefined> {
  if (!existsSync(path)) return undefined;
  const hash = createHash("sha256");
  await pipeline(createReadStream(path), hash);
  return `sha256:${hash.digest("hex")}`;
}

/** Bytes of all layers' tars. */
export const sizeOf = ({ layers }: Pick<ImageDescription, "layers">): number =>
  layers.reduce((sum, { size }) => sum + size, 0);
