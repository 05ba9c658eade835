import type { ServiceSpec } from "../../config/container-spec.ts";
import type { Look } from "./look.ts";
import { localTag } from "./names.ts";

/** What is known of the image before it is on the host. */
export interface WantedImage {
  /** Its id, or the digest it is referred to by. */
  id: string;
  architecture: string | undefined;
  /** Layers with their unpacked bytes, base first; undefined where only the host can tell. */
  layers: readonly { diffId: string; size: number }[] | undefined;
}

/** Why something is not done, and what to do about it. */
export interface Refusal {
  because: string;
  next: string;
}

/** Bytes that stay free beside what an image takes. */
const reserve = 100_000_000;

/**
 * Layers that have to be sent to a host. Docker knows a layer by all that are below it, so what it has of an image is the longest beginning
 * that another one shares; and by the digest that it was pulled with, so what was loaded is not known to a pull.
 */
export function lackingLayers<Layer extends { diffId: string }>(
  layers: readonly Layer[],
  { images, pulledAs }: Pick<Look, "images" | "pulledAs">,
): Layer[] {
  const shared = images.map((image) => {
    const differs = layers.findIndex(
      ({ diffId }, index) => image.layers?.[index] !== diffId || !pulledAs.has(diffId),
    );
    return differs === -1 ? layers.length : differs;
  });
  return layers.slice(Math.max(0, ...shared));
}

/** Whether a host has the image, by its id or by its layers where the engine tells images apart by something else. */
export function imageOnHost(
  { id, layers }: WantedImage,
  service: string,
  look: Look,
): Look["images"][number] | undefined {
  const tag = localTag(service, id);
  return look.images.find(
    (image) =>
      image.id === id ||
      (image.tags?.includes(tag) === true &&
        (layers === undefined || layers.every(({ diffId }, index) => image.layers?.[index] === diffId))),
  );
}

/** Whether something is refused before anything is changed. Pure. */
export function refusal(
  spec: ServiceSpec,
  stack: string,
  image: WantedImage,
  found: Look,
): Refusal | undefined {
  const stranger = found.containers.find((container) => container.stack !== stack);
  if (stranger)
    return {
      because: `the stack "${stranger.stack}" has a service ${spec.name} there already (${stranger.name})`,
      next: "give one of the two another name",
    };
  const { architecture } = found.engine;
  if (image.architecture !== undefined && image.architecture !== architecture)
    return {
      because: `the image is for ${image.architecture}, and the host's engine runs ${architecture}`,
      next: "build the image for that architecture (image.system), or name another host",
    };
  if (spec.switch === "proxy" && found.proxy === undefined)
    return {
      because:
        "ports are handed over by systemd-socket-proxyd, which needs systemd and root; the host has not both for this user",
      next: "log in as root or as somebody who may sudo without a password, or use switch: recreate",
    };
  const severalLines = Object.entries(spec.secretEnv).find(([, value]) => /[\r\n\0]/.test(value));
  if (severalLines)
    return {
      because: `the secret ${severalLines[0]} has more than one line, which a variable cannot have`,
      next: "give it as a file: { from: …, as: file }",
    };
  const lacking =
    image.layers && !imageOnHost(image, spec.name, found) ? lackingLayers(image.layers, found) : [];
  const bytes = lacking.reduce((sum, { size }) => sum + size, 0);
  // Packed and unpacked at once, for a moment.
  if (lacking.length > 0 && found.free < bytes * 1.5 + reserve)
    return {
      because: `the disk is too full: the image takes ${megabytes(bytes)} there, and ${megabytes(found.free)} are free`,
      next: "make room (docker system df tells what takes it), or keep fewer images",
    };
  return undefined;
}

const megabytes = (bytes: number): string => `${(bytes / 1e6).toFixed(0)} MB`;
