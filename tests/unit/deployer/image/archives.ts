import { createHash } from "node:crypto";
import { Readable } from "node:stream";
import { buffer } from "node:stream/consumers";
import { pack } from "tar-stream";

const hex = (bytes: Uint8Array): string => createHash("sha256").update(bytes).digest("hex");

/** A file of an archive: a text, or a symbolic link to another. */
export type Entry = [name: string, content: string | Uint8Array | { to: string }];

/** A tar of these files. */
export async function tarOf(entries: readonly Entry[]): Promise<Buffer> {
  const tar = pack();
  for (const [name, content] of entries) {
    if (typeof content === "object" && "to" in content)
      tar.entry({ name, type: "symlink", linkname: content.to });
    else tar.entry({ name, mode: 0o444, mtime: new Date(0) }, Buffer.from(content));
  }
  tar.finalize();
  return await buffer(tar);
}

/** The files of an image as `docker save` writes them: its layers' tars, its configuration, and the list of both. */
export async function imageEntries(
  layers: readonly (readonly Entry[])[],
  config: Record<string, unknown> = {},
): Promise<{ entries: Entry[]; id: string; diffIds: string[] }> {
  const tars = await Promise.all(layers.map(tarOf));
  const diffIds = tars.map((tar) => `sha256:${hex(tar)}`);
  const text = JSON.stringify({
    architecture: "amd64",
    os: "linux",
    created: "1970-01-01T00:00:01Z",
    config: {},
    ...config,
    rootfs: { type: "layers", diff_ids: diffIds },
  });
  const id = hex(Buffer.from(text));
  const names = tars.map((tar) => `${hex(tar)}/layer.tar`);
  const list = [{ Config: `${id}.json`, RepoTags: ["app:latest"], Layers: names }];
  return {
    entries: [
      ...tars.map((tar, index): Entry => [names[index] ?? "", tar]),
      [`${id}.json`, text],
      ["manifest.json", JSON.stringify(list)],
    ],
    id: `sha256:${id}`,
    diffIds,
  };
}

/** As a stream, in pieces of a few bytes more or less. */
export const streamOf = (bytes: Uint8Array, piece = 1000): Readable =>
  Readable.from(
    (function* () {
      for (let at = 0; at < bytes.length; at += piece) yield Buffer.from(bytes.subarray(at, at + piece));
    })(),
    { objectMode: false },
  );
