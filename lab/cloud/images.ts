import { z } from "zod";
import { serveActionReads } from "./actions-api.ts";
import type { Image, ServerType } from "./catalogue.ts";
import { given, idOf, idParam } from "./collection.ts";
import type { Cloud } from "./context.ts";
import { ApiError, notFound, refusedField } from "./errors.ts";
import type { Api, ApiRequest } from "./http.ts";
import { type ImageRecord, imageRecords, liveImages } from "./image-records.ts";
import { matches, parseSelector } from "./labels.ts";
import { filterValues, isOn, paginate, sortBy } from "./query.ts";
import { serverRecords } from "./records.ts";
import { removeImage } from "./snapshots.ts";
import { reason } from "./store.ts";
import { labels } from "./validate.ts";

const update = z.object({
  description: z.string().nullish(),
  type: z.literal("snapshot").nullish(),
  labels: labels.nullish(),
});
const protection = z.object({ delete: z.boolean().nullish() });

/** An image as the API shows it: one of Hetzner's, or one made from a server. */
type ShownImage = Image | ReturnType<typeof shownImage>;

export function serveImages(api: Api, cloud: Cloud): void {
  const records = imageRecords(cloud.store);
  const shown = (): ShownImage[] => [...cloud.catalogue().images, ...liveImages(cloud.store).map(shownImage)];
  const one = (request: ApiRequest): ShownImage => {
    const found = shown().find(({ id }) => id === idOf(request));
    if (found === undefined) {
      throw notFound("image", idOf(request));
    }
    return found;
  };
  /** The user's image a request wants to change. */
  const own = (request: ApiRequest, verb: string): ImageRecord => {
    const image = records.get(one(request).id);
    if (image === undefined) {
      throw new ApiError("forbidden", `only images of type snapshot and backup can be ${verb}`);
    }
    if (image.status === "creating") {
      throw new ApiError("locked", "cannot perform operation because image is locked");
    }
    return image;
  };

  serveActionReads(api, cloud, {
    many: "images",
    one: "image",
    what: "image",
    records: { get: (wanted) => shown().find(({ id }) => id === wanted) },
  });
  api.get("/images", ({ query }) => {
    const found = sortBy(shown().filter(imageFilter(query)), query, ["id", "name", "created"]);
    const { items, meta } = paginate(found, query);
    return { status: 200, body: { images: items, meta } };
  });
  api.get(`/images/${idParam}`, (request) => ({ status: 200, body: { image: one(request) } }));
  api.put(`/images/${idParam}`, (request) => {
    const image = own(request, "updated");
    const { description, type, labels } = request.body(update);
    records.change(image, given({ description: description ?? undefined, labels: labels ?? undefined }));
    if (type != null) {
      records.change(image, { type, bound_to: null });
    }
    return { status: 200, body: { image: shownImage(image) } };
  });
  api.delete(`/images/${idParam}`, async (request) => {
    const image = own(request, "deleted");
    if (image.protection.delete) {
      throw new ApiError("protected", "image deletion is protected");
    }
    ensureUnused(cloud, image);
    await removeImage(cloud, image).catch((error) => {
      cloud.log(`cloud: image ${image.id} could not be deleted: ${reason(error)}`);
      throw new ApiError("service_error", `the lab could not delete the image: ${reason(error)}`);
    });
    return { status: 204 };
  });
  api.post(`/images/${idParam}/actions/change_protection`, async (request) => {
    const found = one(request);
    const image = records.get(found.id);
    if (image?.type !== "snapshot") {
      throw new ApiError("unsupported_error", `images of type ${found.type} cannot be protected`);
    }
    const body = request.body(protection);
    records.change(image, { protection: { delete: body.delete ?? image.protection.delete } });
    const [action] = await cloud.actions.answer(
      cloud.actions.start({ command: "change_protection", resources: [{ id: image.id, type: "image" }] }),
    );
    return { status: 201, body: { action } };
  });
}

/** A user's image as the API shows it. */
export function shownImage(image: ImageRecord) {
  return { ...image, name: null, rapid_deploy: false, deprecated: null };
}

/** The image a server was made from, with `deleted` set when it is gone since. */
export function imageOfServer(cloud: Cloud, id: number): ShownImage | null {
  const own = imageRecords(cloud.store).get(id);
  return own ? shownImage(own) : (cloud.catalogue().images.find((image) => image.id === id) ?? null);
}

/** The image for a type's architecture; 422 or 412 when it cannot be used. */
export function chooseImage(
  cloud: Cloud,
  wanted: number | string,
  type: ServerType,
  disk = type.disk,
): ShownImage {
  const own = liveImages(cloud.store).find(({ id }) => String(id) === String(wanted));
  const image = own ? shownImage(own) : cloud.catalogue().image(wanted, type.architecture);
  if (image === undefined) {
    throw refusedField("image", `image '${wanted}' not found for architecture '${type.architecture}'`);
  }
  const runs = cloud.bootable;
  const known = image.name === null || runs?.images.includes(image.name);
  if (runs && !(known && runs.architectures.includes(type.architecture))) {
    throw new ApiError(
      "resource_unavailable",
      `the lab has only ${runs.images.join(", ")} on ${runs.architectures.join(", ")}; it cannot run ${image.name ?? image.description} on a ${type.name} (${type.architecture})`,
    );
  }
  if (image.architecture !== type.architecture) {
    throw refusedField(
      "image",
      `image '${image.name ?? image.id}' is for ${image.architecture}, server type '${type.name}' is ${type.architecture}`,
    );
  }
  if (image.status !== "available") {
    throw refusedField("image", `image '${image.id}' cannot be used, it is ${image.status}`);
  }
  if (image.disk_size > disk) {
    throw refusedField("image", "image disk is bigger than server type disk");
  }
  return image;
}

/** 423 while a server is being laid from the image. */
function ensureUnused(cloud: Cloud, image: ImageRecord): void {
  const using = serverRecords(cloud.store)
    .all()
    .find((server) => server.image === image.id && ["initializing", "rebuilding"].includes(server.status));
  if (using !== undefined) {
    throw new ApiError(
      "locked",
      `image is locked: server '${using.name}' (${using.id}) is being made from it`,
    );
  }
}

function imageFilter(query: URLSearchParams): (image: ShownImage) => boolean {
  const selector = parseSelector(query.get("label_selector") ?? "");
  const withDeprecated = isOn(query, "include_deprecated");
  const wanted = (["name", "type", "status", "architecture", "bound_to"] as const).map((field) => ({
    field,
    values: filterValues(query, field),
  }));
  return (image) =>
    matches(image.labels, selector) &&
    (withDeprecated || image.deprecated === null) &&
    wanted.every(({ field, values }) => values?.includes(String(image[field])) ?? true);
}
