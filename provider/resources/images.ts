import { existsSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import type { Image } from "../../deployer/image/archive.ts";
import { withImage } from "../../deployer/image/open.ts";
import { PackedLayers } from "../../deployer/image/pack.ts";
import type { CallContext, Value } from "../framework/types.ts";
import { buildAt } from "./builds.ts";

/** An image that a NixImage has made, as the resources that bring it somewhere are told of it. */
export const bringable = z.strictObject({
  /** "sha256:…": who it is. */
  id: z.string(),
  /** Where it is read: what was built, or an archive; relative to the project. */
  path: z.string(),
  /** What builds it again where it has left the store. */
  drvPath: z.string().optional(),
});
export type Bringable = z.infer<typeof bringable>;

/** The id of what may be an image, as far as it is known. */
export const idOf = (value: Value): string | undefined => {
  const image = z.looseObject({ id: z.string() }).safeParse(value);
  return image.success ? image.data.id : undefined;
};

/** Where this machine keeps what it knows of images; relative to the project, where Pulumi starts its providers. */
export const keptHere = ".berth";
/** What images in the store are. */
export const describedImages = (folder: string): string => join(folder, "images");
/** The roots of a stack's images. */
export const imageRoots = (folder: string, stack: string, name: string): string =>
  join(folder, "roots", stack, "images", name);
/** What layers come to when they are packed. */
export const packedLayers = (folder: string): PackedLayers => new PackedLayers(join(folder, "layers"));

/** Half an hour to build, in milliseconds. */
export const buildDeadline = 1_800_000;

/** See that what is to be read is there, building it where it has been collected since. */
export async function present({ path, drvPath }: Bringable, call: CallContext): Promise<void> {
  if (drvPath === undefined || existsSync(path)) return;
  const options = {
    deadline: buildDeadline,
    signal: call.signal,
    onProgress: (line: string) => call.status(line),
  };
  await buildAt({ stack: "" }, [call.name, { drvPath, out: path }, options]);
}

/** Read an image, built again where it has to be, and check that it is the one that was meant. */
export async function withBringable<Result>(
  wanted: Bringable,
  call: CallContext,
  use: (image: Image) => Promise<Result>,
): Promise<Result> {
  await present(wanted, call);
  return await withImage(
    wanted.path,
    async (image) => {
      if (image.id !== wanted.id)
        throw new Error(
          `${wanted.path} is the image ${image.id} now, and was ${wanted.id}: it changed during the update; run pulumi up again`,
        );
      return await use(image);
    },
    { signal: call.signal },
  );
}

/** "12.3 MB". */
export const megabytes = (bytes: number): string => `${(bytes / 1e6).toFixed(1)} MB`;
/** As people tell images apart. */
export const shortId = (id: string): string => id.replace("sha256:", "").slice(0, 12);
