import { Readable, Transform } from "node:stream";
import { pipeline } from "node:stream/promises";
import { Failure, messageOf } from "../failure.ts";
import type { Image } from "../image/archive.ts";
import type { PackedLayers } from "../image/pack.ts";
import { writeArchive } from "../image/write.ts";
import { lastLines } from "../process.ts";
import { quote } from "../ssh/quote.ts";
import { become } from "../ssh/session.ts";
import { lackingLayers } from "./decide.ts";
import { type FoundImage, type Look, look } from "./look.ts";
import { localTag, shortId } from "./names.ts";
import { withRegistryView } from "./registry-view.ts";
import { type DockerHost, first, onDocker } from "./script.ts";

/** How an image came to a host, and what that took. */
export interface Brought {
  /** What the engine finds it by. */
  name: string;
  /** What the engine calls it. */
  engineId: string;
  way: "there" | "pulled through ssh" | "loaded" | "pulled by the host";
  /** Bytes of image that went over the connection. */
  bytes: number;
  architecture: string;
}

export interface BringOptions {
  packed: PackedLayers;
  signal?: AbortSignal;
  status: (line: string) => void;
  /** Milliseconds. @default 15 minutes */
  deadline?: number;
}

const usualDeadline = 900_000;
const nothing = "The release that ran goes on running";

/**
 * Bring an image that this machine has to a host: the host's engine pulls what it lacks through a tunnel of the ssh connection; where it
 * cannot, the image is sent whole. Read back by its id.
 */
export async function bringImage(
  host: DockerHost,
  service: { stack: string; service: string },
  image: Image,
  found: Look,
  options: BringOptions,
): Promise<Brought> {
  const { deadline = usualDeadline, signal, status } = options;
  const tag = localTag(service.service, image.id);
  const lacking = lackingLayers(image.layers, found);
  const total = lacking.reduce((sum, { size }) => sum + size, 0);
  status(
    `sending ${lacking.length} of ${image.layers.length} layers (${(total / 1e6).toFixed(1)} MB unpacked)`,
  );
  const pulled = await pullThroughTunnel(host, service.service, image, { ...options, lacking, found }).catch(
    (error: unknown) => {
      signal?.throwIfAborted();
      return { trouble: messageOf(error), bytes: 0 };
    },
  );
  if (!("trouble" in pulled))
    return await readBack(host, service, image, { way: "pulled through ssh", bytes: pulled.bytes }, signal);

  if (/no space left on device/i.test(pulled.trouble)) throw diskFull(host, pulled.trouble);
  // What is wrong with the host or the connection is so for any way.
  await look(host, service, signal).catch((error: unknown) => {
    throw broken(host, image, error instanceof Failure ? error.cameBack : messageOf(error));
  });
  status(`sending all of the image, as the host could not pull it (${pulled.trouble.slice(0, 120)})`);
  let bytes = 0;
  const meter = new Transform({
    transform(chunk: Buffer, _, done) {
      bytes += chunk.length;
      done(null, chunk);
    },
  });
  const source = Readable.from(writeArchive(image, tag), { objectMode: false });
  const written = pipeline(source, meter).catch(() => undefined);
  const load = `${host.root ? become(host.session.target.user) : ""}docker load --quiet`;
  const ended = await host.session.send(meter, `PATH=${quote(remotePath)}; ${load}`, {
    deadline,
    ...(signal && { signal }),
  });
  await written;
  if (ended.exitCode === 0) return await readBack(host, service, image, { way: "loaded", bytes }, signal);
  const said = lastLines(ended.stderr, 2);
  if (/no space left on device/i.test(said)) throw diskFull(host, said);
  throw broken(host, image, said || "the connection broke");
}

const broken = (host: DockerHost, { id }: Image, cameBack: string): Failure =>
  new Failure({
    host: host.session.label,
    tried: `send the image ${shortId(id)}`,
    cameBack,
    stands: nothing,
    next: "look at the connection and at Docker on the host, then run pulumi up again",
  });

const remotePath =
  "/run/current-system/sw/bin:/run/wrappers/bin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

async function pullThroughTunnel(
  host: DockerHost,
  service: string,
  image: Image,
  options: BringOptions & { lacking: Image["layers"]; found: Look },
): Promise<{ bytes: number } | { trouble: string }> {
  const { packed, lacking, found, deadline = usualDeadline, signal } = options;
  return await withRegistryView(image, { lacking, packed, pulledAs: found.pulledAs }, (view) =>
    host.session.withTunnel(view.port, async (remotePort) => {
      const document = {
        service,
        image: `127.0.0.1:${remotePort}/${view.name}`,
        kind: localTag(service, image.id),
        arg: view.layers.map(({ diffId, digest, size }) => `${diffId} ${digest} ${size}`),
      };
      const answer = await onDocker(host, "pull", document, { deadline, ...(signal && { signal }) });
      const trouble = first(answer, "trouble");
      return trouble === undefined ? { bytes: view.sent() } : { trouble };
    }),
  );
}

/** That the engine took it does not say that it is the one: it is asked. */
async function readBack(
  host: DockerHost,
  service: { stack: string; service: string },
  image: Image,
  came: Pick<Brought, "way" | "bytes">,
  signal: AbortSignal | undefined,
): Promise<Brought> {
  const tag = localTag(service.service, image.id);
  const { images } = await look(host, service, signal);
  const there = images.find(({ tags }) => tags?.includes(tag));
  // An engine that tells images apart by their manifest has another id for the same layers.
  const same = (one: FoundImage) =>
    one.id === image.id ||
    (one.layers?.length === image.layers.length &&
      image.layers.every(({ diffId }, index) => one.layers?.[index] === diffId));
  if (there && same(there))
    return { name: tag, engineId: there.id, architecture: there.architecture, ...came };
  throw new Failure({
    host: host.session.label,
    tried: `read the image ${shortId(image.id)} back`,
    cameBack: there ? `what has its name is ${shortId(there.id)}` : "it is not there",
    stands: nothing,
    next: "run pulumi up again; if it stays so, look at Docker's journal on the host",
  });
}

/** An image in a registry that the host reaches. */
export interface ReferencedImage {
  /** "name@sha256:…". */
  reference: string;
  /** Its id, where this machine knows it. */
  id?: string | undefined;
  /** Who may pull it. */
  login?: { user: string; password: string } | undefined;
}

/** What a referenced image is known by: its id, or the digest of its manifest where nobody here knows that. */
export const identityOf = ({ id, reference }: Pick<ReferencedImage, "id" | "reference">): string =>
  id ?? reference.slice(reference.indexOf("@") + 1);

/** Have the host pull an image by its digest from a registry. The login is in a file of a folder of its own there, while it pulls. */
export async function pullReference(
  host: DockerHost,
  service: { stack: string; service: string },
  { reference, login, id: wantedId }: ReferencedImage,
  options: Omit<BringOptions, "packed">,
): Promise<Brought> {
  const { deadline = usualDeadline, signal, status } = options;
  status(`the host pulls ${reference}`);
  const registry = reference.slice(0, reference.indexOf("/"));
  const config = login && {
    auths: { [registry]: { auth: Buffer.from(`${login.user}:${login.password}`).toString("base64") } },
  };
  const tag = localTag(service.service, identityOf({ reference, id: wantedId }));
  const answer = await onDocker(
    host,
    "pull",
    {
      service: service.service,
      image: reference,
      kind: tag,
      ...(config && { env: Buffer.from(JSON.stringify(config)).toString("base64") }),
    },
    { deadline, confidential: true, ...(signal && { signal }) },
  );
  const id = first(answer, "id");
  if (id === undefined)
    throw new Failure({
      host: host.session.label,
      tried: `pull ${reference}`,
      cameBack: first(answer, "trouble") ?? "Docker said nothing",
      stands: nothing,
      next: "look at the reference, the registry and the login, then run pulumi up again",
    });
  const { images } = await look(host, { ...service, ...{ ids: [id] } }, signal);
  const there = images.find((one) => one.id === id);
  return {
    name: tag,
    engineId: id,
    way: "pulled by the host",
    bytes: 0,
    architecture: there?.architecture ?? "",
  };
}

const diskFull = (host: DockerHost, said: string): Failure =>
  new Failure({
    host: host.session.label,
    tried: "bring the image",
    cameBack: `the disk is full: ${said}`,
    stands: nothing,
    next: "make room there (docker system df tells what takes it), then run pulumi up again",
  });
