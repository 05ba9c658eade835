import { createReadStream } from "node:fs";
import { pipeline } from "node:stream/promises";
import { pack } from "tar-stream";
import type { Image } from "./archive.ts";

/**
 * An image as `docker load` reads it, under one name.
 * @param tag "name:tag"
 */
export function writeArchive(image: Image, tag: string) {
  const archive = pack();
  const layers = image.layers.map(({ diffId }) => `${diffId.replace("sha256:", "")}.tar`);
  const config = `${image.id.replace("sha256:", "")}.json`;
  const write = async () => {
    for (const [index, { file, size }] of image.layers.entries()) {
      // A layer that is there twice is written once.
      if (layers.indexOf(layers[index] ?? "") === index)
        await pipeline(createReadStream(file), archive.entry({ name: layers[index] ?? "", size }));
    }
    archive.entry({ name: config }, Buffer.from(image.config));
    archive.entry(
      { name: "manifest.json" },
      JSON.stringify([{ Config: config, RepoTags: [tag], Layers: layers }]),
    );
    archive.finalize();
  };
  write().catch((error: Error) => archive.destroy(error));
  return archive;
}
