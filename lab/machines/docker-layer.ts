import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { ensureBuilt, ensureImage, imagePath, inNamespaces, type Progress, SUITE } from "./image.ts";

/** Name of the image at the cloud. */
export const DOCKER_IMAGE = "docker-ce";

/** What that image has beside the base image's packages; the versions are the suite's. */
const PACKAGES = ["docker.io", "docker-cli", "containerd", "docker-compose", "iptables", "busybox-static"];

const SCRIPT = join(import.meta.dirname, "docker-layer.sh");

/** Where the layer is, or will be once it is built: `<cache>/image-<hash>-docker-<hash>/layer`. */
export async function dockerLayerPath(cache: string): Promise<string> {
  const base = dirname(await imagePath(cache));
  const hash = createHash("sha256").update(JSON.stringify(PACKAGES));
  hash.update(readFileSync(SCRIPT));
  return join(`${base}-docker-${hash.digest("hex").slice(0, 12)}`, "layer");
}

/**
 * What the image with the real Docker engine has over the base image, built when the cache does not have it. Needs root.
 * @returns path of a folder that is a lower layer of the machine's root
 */
export async function ensureDockerLayer(cache: string, progress: Progress): Promise<string> {
  const base = await ensureImage(cache, progress);
  const layer = await dockerLayerPath(cache);
  await ensureBuilt(dirname(layer), (partial) => build(base, join(partial, "layer"), progress), progress);
  return layer;
}

async function build(base: string, layer: string, progress: Progress): Promise<void> {
  progress("installing Docker over the image (about half a minute)");
  await inNamespaces(["sh", SCRIPT, base, layer, SUITE, PACKAGES.join(",")], progress);
}
