import { existsSync } from "node:fs";
import { z } from "zod";
import { Failure, messageOf } from "../../deployer/failure.ts";
import { lacking, push, tagOf } from "../../deployer/image/push.ts";
import { parseReference, renderReference } from "../../deployer/image/reference.ts";
import { Repository } from "../../deployer/image/registry.ts";
import type { CallContext, Properties, ResourceHandler } from "../framework/types.ts";
import { bringable, idOf, keptHere, megabytes, packedLayers, shortId, withBringable } from "./images.ts";

const inputs = z.strictObject({
  image: bringable,
  /** Registry and repository, without a tag: "registry.example.org/me/site". */
  repository: z.string(),
  user: z.string().optional(),
  password: z.string().optional(),
});
type Inputs = z.infer<typeof inputs>;

function repositoryOf({ repository, user, password }: Omit<Inputs, "image">, call: CallContext): Repository {
  return new Repository(parseReference(repository), {
    signal: call.signal,
    ...(password !== undefined && { login: { username: user ?? "", password } }),
  });
}

const pinned = (repository: string, digest: string): string => {
  const { registry, repository: path } = parseReference(repository);
  return renderReference({ registry, repository: path, digest });
};

async function send(folder: string, news: Properties, call: CallContext): Promise<Properties> {
  const wanted = inputs.parse(news);
  const repository = repositoryOf(wanted, call);
  const started = Date.now();
  call.status(`asking ${repository.name} what it has`);
  const pushed = await withBringable(wanted.image, call, (image) =>
    push(image, repository, {
      packed: packedLayers(folder),
      signal: call.signal,
      onStatus: (line) => call.status(line),
    }),
  );
  const { digest, tag, layers, bytes } = pushed;
  const seconds = ((Date.now() - started) / 1000).toFixed(1);
  call.log(
    "info",
    bytes === 0
      ? `${repository.name}:${tag} was there; nothing was sent`
      : `${repository.name}:${tag}: ${layers} layers, ${megabytes(bytes)} sent in ${seconds} s; read back as ${digest}`,
  );
  return { digest, tag, reference: pinned(wanted.repository, digest) };
}

/** What the registry has of it; the digest where it has all. */
async function foresee(folder: string, news: Properties, call: CallContext): Promise<string | undefined> {
  const known = inputs.safeParse(news);
  if (!known.success || !existsSync(known.data.image.path)) return undefined;
  const repository = repositoryOf(known.data, call);
  try {
    const { image } = known.data;
    const { nothing, layers, bytes } = await withBringable(image, call, (opened) =>
      lacking(opened, repository, packedLayers(folder)),
    );
    const what = `${repository.name}:${tagOf(image)}`;
    if (nothing) {
      call.log("info", `${what} is there already`);
      return (await repository.manifest(tagOf(image)))?.digest;
    }
    call.log("info", `${what}: ${layers} layers to send, ${megabytes(bytes)} at most`);
  } catch (error) {
    call.log("info", `what ${repository.name} has of it is not known yet: ${messageOf(error)}`);
  }
  return undefined;
}

/**
 * An image in a registry, by its digest. Only the layers that it lacks are sent; what was sent is read back.
 *
 * - inputs: `image` (id, path, drvPath), `repository`, `user`, `password` (secret).
 * - outputs: `digest` of the manifest, `reference` with it, `tag`.
 *
 * Refreshing asks the registry whether it still has it. Deleting leaves the image: others may run it.
 */
export const registryPush = (folder = keptHere): ResourceHandler => ({
  secretOutputs: ["password"],

  async diff(olds, news) {
    const changed = ["repository", "user", "password"].filter((key) => olds.inputs[key] !== news[key]);
    const id = idOf(news["image"]);
    // Where it lies and what builds it says nothing about which one it is.
    if (id === undefined || id !== idOf(olds.inputs["image"])) changed.push("image");
    if (olds.outputs["digest"] === "") changed.push("digest");
    return {
      changes: changed.length > 0,
      detailed: Object.fromEntries(changed.map((path) => [path, "update" as const])),
    };
  },

  async preview(news, old, call) {
    const id = idOf(news["image"]);
    const before = idOf(old?.["image"]);
    const same = id === before && old?.["repository"] === news["repository"] && old?.["digest"] !== "";
    const held = same && typeof old?.["digest"] === "string" ? old["digest"] : undefined;
    const digest = id === undefined ? undefined : (held ?? (await foresee(folder, news, call)));
    if (before !== undefined && id !== undefined && before !== id)
      call.log("info", `${String(news["repository"])}: image ${shortId(before)} → ${shortId(id)}`);
    return {
      ...news,
      digest,
      reference: digest && pinned(String(news["repository"]), digest),
      tag: id && tagOf({ id }),
    };
  },

  async create(news, call) {
    const outputs = await send(folder, news, call);
    return { id: String(news["repository"]), outputs: { ...news, ...outputs } };
  },

  async update(_id, _olds, news, call) {
    return { ...news, ...(await send(folder, news, call)) };
  },

  async read(id, state, call) {
    const known = inputs.safeParse(state.inputs);
    if (!known.success)
      throw new Failure({
        tried: `import ${id}`,
        cameBack: "a RegistryPush is not imported, as its id does not tell who may look there",
        next: "run pulumi up: it finds the image in the registry, and sends nothing that is there",
      });
    const digest = String(state.outputs["digest"] ?? "");
    if (digest === "") return state;
    try {
      const repository = repositoryOf(known.data, call);
      if (await repository.manifest(digest)) return state;
      call.log("warning", `${repository.name}@${digest} is gone; the next pulumi up sends it again`);
      return { inputs: state.inputs, outputs: { ...state.outputs, digest: "" } };
    } catch (error) {
      call.log("warning", `${known.data.repository} was not asked, its state is kept: ${messageOf(error)}`);
      return state;
    }
  },

  async delete(_id, { outputs }, call) {
    call.log("info", `${String(outputs["reference"])} stays in the registry: others may run it`);
  },
});
