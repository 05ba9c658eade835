import { z } from "zod";
import { Failure } from "../failure.ts";
import type { PackedLayer } from "../image/pack.ts";
import { jsonOrUndefined } from "../json.ts";
import { type KeptSpec, keptSpec } from "./arguments.ts";
import { type Answer, type DockerHost, first, onDocker } from "./script.ts";

const inspected = z.object({
  Id: z.string(),
  Name: z.string(),
  Image: z.string(),
  RestartCount: z.int().default(0),
  Created: z.string(),
  State: z.object({
    Status: z.string(),
    Running: z.boolean(),
    ExitCode: z.int(),
    Restarting: z.boolean().default(false),
    Health: z.object({ Status: z.string() }).nullish(),
  }),
  Config: z.object({ Labels: z.record(z.string(), z.string()).nullish() }),
});

/** A container of a service, as it was found. */
export interface FoundContainer {
  /** Its name, e.g. "site-0123456789ab-89abcdef". */
  name: string;
  stack: string;
  /** Id of its image as the deployer knew it. */
  imageId: string;
  running: boolean;
  /** Docker's word, e.g. "running", "restarting", "exited". */
  status: string;
  exitCode: number;
  /** How often Docker has started it again by itself. */
  restarts: number;
  /** What its image's own check says; undefined where it has none. */
  health: string | undefined;
  /** Undefined where its label cannot be read. */
  spec: KeptSpec | undefined;
}

const image = z.object({
  id: z.string(),
  tags: z.array(z.string()).nullish(),
  architecture: z.string(),
  os: z.string(),
  user: z.string().nullish(),
  layers: z.array(z.string()).nullish(),
});
/** An image on a host. */
export type FoundImage = z.infer<typeof image>;

const port = z.object({ address: z.string(), host: z.int(), local: z.int(), up: z.boolean() });
/** A published port that systemd holds, and where it leads. */
export type FoundPort = z.infer<typeof port>;

/** What there is of a service on a host. */
export interface Look {
  engine: { version: string; os: string; architecture: string };
  /** Bytes free where Docker keeps its files. */
  free: number;
  /** The program that leads ports to containers; undefined where there is no systemd with it, or no root. */
  proxy: string | undefined;
  /** Name of the container that was kept last. */
  current: string | undefined;
  containers: readonly FoundContainer[];
  images: readonly FoundImage[];
  ports: readonly FoundPort[];
  /** What layers were pulled as, by the digest of their tar. */
  pulledAs: ReadonlyMap<string, PackedLayer>;
}

/** One container as `docker inspect` tells it; undefined for a text that is none. */
export function parseContainer(text: string): FoundContainer | undefined {
  const found = inspected.safeParse(jsonOrUndefined(text)).data;
  if (!found) return undefined;
  const labels = found.Config.Labels ?? {};
  return {
    name: found.Name.replace(/^\//, ""),
    stack: labels["berth.stack"] ?? "",
    imageId: labels["berth.image"] ?? found.Image,
    running: found.State.Running && !found.State.Restarting,
    status: found.State.Status,
    exitCode: found.State.ExitCode,
    restarts: found.RestartCount,
    health: found.State.Health?.Status,
    spec: keptSpec.safeParse(jsonOrUndefined(labels["berth.spec"] ?? "")).data,
  };
}

const parsed = <Found>(answer: Answer, key: string, parse: (text: string) => Found | undefined): Found[] =>
  (answer.get(key) ?? []).map(parse).filter((found) => found !== undefined);

function parseLayer(text: string): [diffId: string, layer: PackedLayer] | undefined {
  const [diffId, digest, size] = text.split(" ");
  return diffId && digest && Number(size) > 0 ? [diffId, { digest, size: Number(size) }] : undefined;
}

/** What `docker-look.sh` told; undefined where it told of no engine. Pure. */
export function parseLook(answer: Answer): Look | undefined {
  const [version, os, architecture] = first(answer, "engine")?.split(" ") ?? [];
  if (!version || !os || !architecture) return undefined;
  return {
    engine: { version, os, architecture },
    free: Number(first(answer, "free") ?? 0) * 1024,
    proxy: first(answer, "user") === "root" ? first(answer, "proxy") : undefined,
    current: first(answer, "current"),
    containers: parsed(answer, "container", parseContainer),
    images: parsed(answer, "image", (text) => image.safeParse(jsonOrUndefined(text)).data),
    pulledAs: new Map(parsed(answer, "layer", parseLayer)),
    ports: parsed(answer, "port", (text) => port.safeParse(jsonOrUndefined(text)).data),
  };
}

/**
 * See what a host has of a service. Throws a Failure where there is no engine, or none that this user may use.
 * @param ids images that are looked for beside the service's own
 */
export async function look(
  host: DockerHost,
  { stack, service, ids = [] }: { stack: string; service: string; ids?: readonly string[] },
  signal?: AbortSignal,
): Promise<Look> {
  const document = { service, stack, image: ids.join(" ") };
  const answer = await onDocker(host, "look", document, { deadline: 60_000, ...(signal && { signal }) });
  const found = parseLook(answer);
  if (found) return found;
  throw new Failure({
    host: host.session.label,
    tried: "ask Docker on the host",
    cameBack: first(answer, "trouble") ?? "it does not answer",
    stands: "Nothing was changed",
    next: "install Docker there (Debian: docker.io; NixOS: the module docker-host; Hetzner: the image docker-ce), or let this user use it",
  });
}
