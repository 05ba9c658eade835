import { z } from "zod";
import { type ServiceSpec, serviceSpec } from "../../config/container-spec.ts";
import { type Brought, bringImage, identityOf, pullReference } from "../../deployer/docker/bring.ts";
import { lackingLayers, type WantedImage } from "../../deployer/docker/decide.ts";
import { driftOf } from "../../deployer/docker/drift.ts";
import { type Look, look } from "../../deployer/docker/look.ts";
import { containerName, shortId } from "../../deployer/docker/names.ts";
import { type ReleaseHooks, releaseService } from "../../deployer/docker/release.ts";
import { removeService } from "../../deployer/docker/remove.ts";
import { type DockerHost, dockerHostOf } from "../../deployer/docker/script.ts";
import { Failure, messageOf } from "../../deployer/failure.ts";
import type { CallContext, DiffKind, Properties, ResourceHandler } from "../framework/types.ts";
import { bringable, keptHere, megabytes, packedLayers, withBringable } from "./images.ts";
import { sessionOf, wayToHost } from "./sessions.ts";

const layers = z.array(z.object({ diffId: z.string(), size: z.number() }));

const inputs = wayToHost.extend({
  spec: serviceSpec,
  /** An image of this machine, or one that the host pulls by its digest. */
  image: z.union([
    bringable.extend({ layers: layers.optional(), platform: z.string().optional() }),
    z.strictObject({
      reference: z.string(),
      /** Its id, where this machine knows it. */
      id: z.string().optional(),
      platform: z.string().optional(),
      login: z.strictObject({ user: z.string(), password: z.string() }).optional(),
    }),
  ]),
});
type Inputs = z.infer<typeof inputs>;

/** What an image is known by before anybody has it. */
function wantedImage({ image }: Inputs): WantedImage {
  const architecture = image.platform?.split("/")[1];
  return "reference" in image
    ? { id: identityOf(image), architecture, layers: undefined }
    : { id: image.id, architecture, layers: image.layers };
}

function bringer(folder: string, { stack, spec, image }: Inputs, call: CallContext) {
  const { signal } = call;
  const service = { stack, service: spec.name };
  const status = (line: string) => call.status(line);
  return async (host: DockerHost, found: Look): Promise<Brought> => {
    if ("reference" in image) return await pullReference(host, service, image, { signal, status });
    const { id, path, drvPath } = image;
    const packed = packedLayers(folder);
    return await withBringable({ id, path, ...(drvPath !== undefined && { drvPath }) }, call, (opened) =>
      bringImage(host, service, opened, found, { packed, signal, status }),
    );
  };
}

async function release(folder: string, news: Properties, call: CallContext): Promise<Properties> {
  const wanted = inputs.parse(news);
  const { stack, spec } = wanted;
  const started = Date.now();
  const host = await dockerHostOf(await sessionOf(wanted), call.signal);
  const hooks: ReleaseHooks = {
    status: (line) => call.status(line),
    warn: (line) => call.log("warning", line),
    signal: call.signal,
  };
  const image = wantedImage(wanted);
  const released = await releaseService(
    host,
    { stack, spec, image, bring: bringer(folder, wanted, call) },
    hooks,
  );
  const seconds = ((Date.now() - started) / 1000).toFixed(1);
  const came = released.bytes > 0 ? `, ${megabytes(released.bytes)} sent` : "";
  call.log(
    "info",
    released.changed
      ? `${host.session.label}: ${released.container} is live after ${seconds} s (image ${released.way}${came})`
      : `${host.session.label}: ${released.container} runs and is well; nothing was changed`,
  );
  return { container: released.container, imageId: image.id, drift: [] };
}

/** What a preview tells. Pure. */
export function foresee(spec: ServiceSpec, imageId: string, old: Properties | undefined): string {
  const before = typeof old?.["imageId"] === "string" ? old["imageId"] : undefined;
  const image =
    before === undefined
      ? `image ${shortId(imageId)}`
      : before === imageId
        ? `image ${shortId(imageId)}, as before`
        : `image ${shortId(before)} → ${shortId(imageId)}`;
  const same = old?.["container"] === containerName(spec, imageId);
  const how =
    spec.switch === "proxy"
      ? "starts beside what runs, gets its ports once it is healthy"
      : "what runs is stopped first";
  return same
    ? `${image}; what runs is asked, and stays`
    : `${image}; ${before === undefined ? "a first release" : how}`;
}

/** What the host lacks of the image; undefined where it cannot be told now. */
async function toSend(wanted: Inputs, call: CallContext): Promise<string | undefined> {
  const image = wantedImage(wanted);
  if (!image.layers) return undefined;
  try {
    const host = await dockerHostOf(await sessionOf(wanted), call.signal);
    const found = await look(
      host,
      { stack: wanted.stack, service: wanted.spec.name, ids: [image.id] },
      call.signal,
    );
    if (found.images.some(({ id }) => id === image.id)) return "nothing to send";
    const lacking = lackingLayers(image.layers, found);
    const bytes = lacking.reduce((sum, { size }) => sum + size, 0);
    return `${lacking.length} of ${image.layers.length} layers to send, ${megabytes(bytes)} before packing`;
  } catch {
    // A host that is only being made has nothing yet.
    return undefined;
  }
}

/** What leads to the same host, or to the same image, by another way. */
const inert = new Set(["address", "port", "user", "hostKey", "loginKey", "jump", "image"]);
const asText = (value: unknown): string => JSON.stringify(value ?? null);

/** The image that inputs name, or undefined while it is not known. */
function imageIn(properties: Properties): string | undefined {
  const image = z
    .union([
      z.looseObject({ reference: z.string(), id: z.string().optional() }).transform(identityOf),
      z.looseObject({ id: z.string() }).transform(({ id }) => id),
    ])
    .safeParse(properties["image"]);
  return image.success ? image.data : undefined;
}

/**
 * A service that runs as one container on a machine with Docker. An update brings the image, starts the new container beside the old one (or
 * after it), and hands the ports over once it is healthy; one that is not healthy is returned from.
 *
 * - inputs: the way to the host, `spec` (all that is decided of the service), `image` (one of this machine's, or a reference by digest).
 * - outputs: `container`, `imageId`, `drift` (what was seen not to be as it was left).
 */
export const dockerHostService = (folder = keptHere): ResourceHandler => ({
  secretOutputs: ["loginKey"],

  async diff(olds, news) {
    const detailed: Record<string, DiffKind> = {};
    for (const key of new Set([...Object.keys(olds.inputs), ...Object.keys(news)])) {
      if (inert.has(key) || asText(olds.inputs[key]) === asText(news[key])) continue;
      detailed[key] = key === "host" || key === "stack" ? "update-replace" : "update";
    }
    const now = imageIn(news);
    if (now === undefined || now !== olds.outputs["imageId"]) detailed["image"] = "update";
    const before = z.looseObject({ name: z.string() }).safeParse(olds.inputs["spec"]).data?.name;
    const wanted = z.looseObject({ name: z.string() }).safeParse(news["spec"]).data?.name;
    if (before !== wanted && wanted !== undefined) detailed["spec"] = "update-replace";
    const { drift } = olds.outputs;
    if (Array.isArray(drift) && drift.length > 0) detailed["drift"] = "update";
    // Two of them would want the same ports.
    return { changes: Object.keys(detailed).length > 0, detailed, deleteBeforeReplace: true };
  },

  async preview(news, old, call) {
    const wanted = inputs.safeParse(news);
    if (!wanted.success) return { ...news, container: undefined, imageId: undefined, drift: [] };
    const { spec, host } = wanted.data;
    const { id } = wantedImage(wanted.data);
    const bytes = await toSend(wanted.data, call);
    call.log(
      "info",
      `${host}: ${spec.name}: ${foresee(spec, id, old)}${bytes === undefined ? "" : `; ${bytes}`}`,
    );
    return { ...news, container: containerName(spec, id), imageId: id, drift: [] };
  },

  async create(news, call) {
    const outputs = await release(folder, news, call);
    const { stack, host, spec } = inputs.parse(news);
    return { id: `${stack}/${host}/${spec.name}`, outputs: { ...news, ...outputs } };
  },

  async update(_id, _olds, news, call) {
    return { ...news, ...(await release(folder, news, call)) };
  },

  async read(id, state, call) {
    if (Object.keys(state.inputs).length === 0)
      throw new Failure({
        tried: `import ${id}`,
        cameBack: "a HostService is not imported, as its id does not tell how its host is reached",
        next: "run pulumi up: it takes over what it finds running of the service, as long as this stack has made it",
      });
    const known = inputs.safeParse(state.inputs);
    if (!known.success) return state;
    const { stack, spec } = known.data;
    try {
      const host = await dockerHostOf(await sessionOf(known.data), call.signal);
      const found = await look(host, { stack, service: spec.name }, call.signal);
      const kept = {
        container: String(state.outputs["container"]),
        imageId: String(state.outputs["imageId"]),
      };
      const drift = driftOf(kept, found);
      for (const line of drift)
        call.log("warning", `${host.session.label}: ${line}; the next pulumi up puts that right`);
      return { inputs: state.inputs, outputs: { ...state.outputs, drift } };
    } catch (error) {
      call.log("warning", `${known.data.host} could not be read, its state is kept: ${messageOf(error)}`);
      return state;
    }
  },

  async delete(_id, state, call) {
    const { stack, spec, ...way } = inputs.parse(state.inputs);
    const host = await dockerHostOf(await sessionOf({ stack, ...way }), call.signal);
    await removeService(
      host,
      { stack, service: spec.name, seconds: spec.stop.seconds },
      (line) => call.status(line),
      call.signal,
    );
  },
});
