import { existsSync } from "node:fs";
import { rm } from "node:fs/promises";
import { z } from "zod";
import { Failure } from "../../deployer/failure.ts";
import {
  describeArchive,
  describeStored,
  digestOfFile,
  type ImageDescription,
  sizeOf,
} from "../../deployer/image/described.ts";
import { builderMachine } from "../../deployer/nix/builder.ts";
import { rootRelease } from "../../deployer/nix/roots.ts";
import type { CallContext, Properties, ResourceHandler, Value } from "../framework/types.ts";
import { buildAt } from "./builds.ts";
import { buildDeadline, describedImages, idOf, imageRoots, keptHere, megabytes, shortId } from "./images.ts";

const inputs = z.strictObject({
  stack: z.string(),
  /** The image's name in the stack. */
  name: z.string(),
  /** What Nix builds: a program that writes a docker-archive, or an archive. */
  package: z.strictObject({ path: z.string(), drvPath: z.string(), out: z.string() }).optional(),
  /** Or an archive that is there; relative to the project. */
  archive: z.string().optional(),
  /** Digest of the archive's bytes. */
  digest: z.string().optional(),
  /** What it must run on, as Docker calls it; anything when absent. */
  architecture: z.string().optional(),
  /** The machine that builds, where it is not this one. */
  builder: builderMachine.optional(),
  loginKey: z.string().optional(),
});
type Inputs = z.infer<typeof inputs>;

/** Store paths of this image and the one before it are kept from being collected. */
const kept = 2;

const readable = (wanted: Inputs): string => wanted.package?.out ?? wanted.archive ?? "";

/** What it is, read only. */
async function describe(
  folder: string,
  wanted: Inputs,
  call: CallContext,
  began?: Date,
): Promise<ImageDescription> {
  // An archive was made before; what Nix builds must not bear the time of that.
  const options = { signal: call.signal, ...(began && wanted.package && { began }) };
  return wanted.package
    ? await describeStored(wanted.package.out, describedImages(folder), options)
    : await describeArchive(readable(wanted), options);
}

function outputsOf(wanted: Inputs, image: ImageDescription): Properties {
  const { id, architecture, os, layers, ports, user } = image;
  if (wanted.architecture !== undefined && wanted.architecture !== architecture)
    throw new Failure({
      tried: `take the image ${wanted.name}`,
      cameBack: `it is for ${architecture}, and what it shall run on is ${wanted.architecture}`,
      stands: "Nothing was changed on any host",
      next: wanted.package
        ? "name the other system's package: image.system"
        : "write the archive on, or for, such a machine",
    });
  return {
    imageId: id,
    path: readable(wanted),
    platform: `${os}/${architecture}`,
    layers: layers.map((layer) => ({ ...layer })),
    size: sizeOf(image),
    ports: [...ports],
    user,
  };
}

async function make(folder: string, news: Properties, call: CallContext): Promise<Properties> {
  const wanted = inputs.parse(news);
  const began = new Date();
  if (wanted.package) {
    const { drvPath, out } = wanted.package;
    const { stack, name, builder, loginKey } = wanted;
    call.status("building the image");
    await buildAt(
      {
        stack,
        ...(loginKey !== undefined && { loginKey }),
        ...(builder && { builds: { on: "builder", builder, caches: [], keep: kept } }),
      },
      [
        name,
        { drvPath, out },
        { deadline: buildDeadline, signal: call.signal, onProgress: (line) => call.status(line) },
      ],
    );
    await rootRelease(imageRoots(folder, stack, name), out, kept);
  }
  call.status("reading the image");
  const outputs = outputsOf(wanted, await describe(folder, wanted, call, began));
  call.log("info", `${wanted.name}: ${tellImage(outputs)}`);
  return outputs;
}

const unknownYet: Properties = Object.fromEntries(
  ["imageId", "path", "platform", "layers", "size", "ports", "user"].map((key) => [key, undefined]),
);

const layersOf = (image: Properties | undefined): { diffId: string; size: number }[] => {
  const layers = z
    .array(z.object({ diffId: z.string(), size: z.number() }))
    .safeParse(image?.["layers"] ?? []);
  return layers.success ? layers.data : [];
};

const tellImage = (image: Properties): string =>
  `image ${shortId(String(image["imageId"]))}, ${layersOf(image).length} layers, ${megabytes(Number(image["size"]))} unpacked`;

/** What a preview tells of an image that is known. Pure. */
export function tellChange(old: Properties | undefined, image: Properties): string {
  const before = idOf({ id: old?.["imageId"] });
  const now = String(image["imageId"]);
  if (before === undefined) return tellImage(image);
  if (before === now) return `image ${shortId(now)}, the same as before`;
  const had = new Set(layersOf(old).map(({ diffId }) => diffId));
  const fresh = layersOf(image).filter(({ diffId }) => !had.has(diffId));
  const bytes = fresh.reduce((sum, { size }) => sum + size, 0);
  return `image ${shortId(before)} → ${shortId(now)}; ${fresh.length} of ${layersOf(image).length} layers are new, ${megabytes(bytes)} unpacked`;
}

/** What tells one image from another; where it is built does not. */
const telling = ["name", "stack", "digest", "architecture"] as const;
const outOf = (value: Value): unknown =>
  z.looseObject({ out: z.string() }).safeParse(value).data?.out ?? value ?? null;

/**
 * An image: what Nix builds of the flake, or an archive. It is built and read on `up`; a preview reads it where it is in the store already.
 *
 * - inputs: `stack`, `name`, `package` (path in the flake, derivation, output) or `archive`, `architecture`, `builder`, `loginKey`.
 * - outputs: `imageId`, `path`, `platform`, `layers` (diff id and bytes of the tar), `size`, `ports`, `user`.
 */
export const nixImage = (folder = keptHere): ResourceHandler => ({
  secretOutputs: ["loginKey"],

  async check(news) {
    const { archive } = news;
    if (typeof archive !== "string") return { inputs: news };
    const digest = await digestOfFile(archive);
    if (digest === undefined)
      return {
        inputs: news,
        failures: [
          {
            property: "archive",
            reason: `there is no file ${archive}; docker save writes one, relative to the project`,
          },
        ],
      };
    return { inputs: { ...news, digest } };
  },

  async diff(olds, news) {
    const changed = telling.filter((key) => olds.inputs[key] !== news[key]);
    const source = outOf(olds.inputs["package"]) !== outOf(news["package"]) ? ["package"] : [];
    const paths = [...changed, ...source];
    return {
      changes: paths.length > 0,
      detailed: Object.fromEntries(
        paths.map((path) => [path, path === "stack" ? ("update-replace" as const) : ("update" as const)]),
      ),
    };
  },

  async preview(news, old, call) {
    const wanted = inputs.safeParse(news);
    if (!wanted.success) return { ...news, ...unknownYet };
    const path = readable(wanted.data);
    if (!existsSync(path)) {
      call.log("info", `${wanted.data.name}: the image is not built yet; its id is known once it is`);
      return { ...news, ...unknownYet, path };
    }
    const outputs = outputsOf(wanted.data, await describe(folder, wanted.data, call));
    call.log("info", `${wanted.data.name}: ${tellChange(old, outputs)}`);
    return { ...news, ...outputs };
  },

  async create(news, call) {
    const outputs = await make(folder, news, call);
    return { id: `${String(news["stack"])}/${String(news["name"])}`, outputs: { ...news, ...outputs } };
  },

  async update(_id, _olds, news, call) {
    return { ...news, ...(await make(folder, news, call)) };
  },

  async delete(_id, { inputs }) {
    const [stack, name] = [String(inputs["stack"]), String(inputs["name"])];
    await rm(imageRoots(folder, stack, name), { recursive: true, force: true });
  },
});
