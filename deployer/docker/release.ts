import type { ServiceSpec } from "../../config/container-spec.ts";
import { Failure, messageOf } from "../failure.ts";
import { ownerOf } from "../owner.ts";
import type { Brought } from "./bring.ts";
import { createContainer, lastWords, removeContainer, startContainer, stopContainer } from "./containers.ts";
import { imageOnHost, refusal, type WantedImage } from "./decide.ts";
import { driftOf } from "./drift.ts";
import { askContainer, askOutside } from "./health.ts";
import { holdService } from "./lock.ts";
import { type FoundContainer, type Look, look } from "./look.ts";
import { containerName, shortId } from "./names.ts";
import { leadPorts, localPortsOf } from "./ports.ts";
import { type DockerHost, first, onDocker } from "./script.ts";

/** What is released, and where. */
export interface ServiceRelease {
  stack: string;
  spec: ServiceSpec;
  image: WantedImage;
  /** Bring the image to the host; asked only where it is not there. */
  bring: (host: DockerHost, found: Look) => Promise<Brought>;
}

export interface ReleaseHooks {
  status: (line: string) => void;
  warn: (line: string) => void;
  signal?: AbortSignal;
}

/** What a release came to. */
export interface Released {
  container: string;
  /** The container that ran before, if another one did. */
  previous: string | undefined;
  way: Brought["way"];
  /** Bytes of image that were sent to the host. */
  bytes: number;
  /** Whether anything was changed. */
  changed: boolean;
}

/** A release in progress. */
interface Going extends ServiceRelease {
  host: DockerHost;
  hooks: ReleaseHooks;
  found: Look;
  container: string;
  /** What runs and is to be replaced. */
  old: FoundContainer | undefined;
}

/**
 * Release a service on a Docker host: hold it, refuse what cannot be, bring the image, start the new container beside the old one (or after
 * it), ask it, hand the ports over, ask through them, and only then end the old one. Before the ports are handed over nothing that is asked
 * from outside has changed; after that an unhealthy one is returned from, and the Failure says how that went.
 */
export async function releaseService(
  host: DockerHost,
  release: ServiceRelease,
  hooks: ReleaseHooks,
): Promise<Released> {
  const { stack, spec, image } = release;
  const { signal } = hooks;
  const lock = await holdService(host, { stack, service: spec.name }, ownerOf(stack), hooks.status);
  try {
    const found = await look(host, { stack, service: spec.name, ids: [image.id] }, signal);
    const container = containerName(spec, image.id);
    const no = refusal(spec, stack, image, found);
    if (no) throw refused(host, spec, no);

    const old = runningNow(found, container);
    const going: Going = { ...release, host, hooks, found, container, old };
    const there = imageOnHost(image, spec.name, found);
    if (old?.name === container && there && driftOf({ container, imageId: image.id }, found).length === 0)
      if (await isWell(going)) return unchanged(container);

    const brought = there ? thereAlready(there.id, going) : await release.bring(host, found);
    if (brought.architecture !== "" && brought.architecture !== found.engine.architecture)
      throw refused(host, spec, {
        because: `the image is for ${brought.architecture}, and the host's engine runs ${found.engine.architecture}`,
        next: "name an image for that architecture",
      });
    await change(going, brought);
    await keep(going, brought);
    const previous = old && old.name !== container ? old.name : undefined;
    return { container, previous, way: brought.way, bytes: brought.bytes, changed: true };
  } finally {
    lock.release();
  }
}

/** The container that has the traffic; of several, the one that was kept last. */
function runningNow({ containers, current }: Look, wanted: string): FoundContainer | undefined {
  const running = containers.filter(({ running }) => running);
  return (
    running.find(({ name }) => name === current) ?? running.find(({ name }) => name !== wanted) ?? running[0]
  );
}

async function isWell({ host, spec, container, hooks }: Going): Promise<boolean> {
  hooks.status("asking what runs");
  const unwell =
    (await askContainer(host, container, { ...spec, healthDeadline: 5 }, hooks.signal)) ??
    (await askOutside(host, container, spec, 5, hooks.signal));
  if (unwell !== undefined) hooks.warn(`${host.session.label}: ${spec.name} runs and is not well: ${unwell}`);
  return unwell === undefined;
}

const unchanged = (container: string): Released => ({
  container,
  previous: undefined,
  way: "there",
  bytes: 0,
  changed: false,
});

const thereAlready = (engineId: string, { found }: Going): Brought => ({
  name: engineId,
  engineId,
  way: "there",
  bytes: 0,
  architecture: found.images.find(({ id }) => id === engineId)?.architecture ?? "",
});

/** From the one that runs to the new one; throws with everything as it was, or says what is not. */
async function change(going: Going, image: Brought): Promise<void> {
  const { spec, old, container } = going;
  // Two at once need ports that nobody else holds: the old one's are its own, where Docker published them.
  const beside = spec.switch === "proxy" && old?.spec?.switch !== "recreate";
  // A container has its name alone: one that is not well is made anew in its own place.
  if (old && (!beside || old.name === container)) await changeInTurn(going, image, old);
  else await changeBeside(going, image);
}

async function changeBeside(going: Going, image: Brought): Promise<void> {
  const { host, spec, container, old, hooks } = going;
  const local = await startFresh(going, image);
  const unwell = await judged(going);
  if (unwell !== undefined) {
    const words = await lastWords(host, container);
    await removeContainer(host, spec, container, local);
    throw notHealthy(going, unwell, words, old ? `${old.name} has the traffic, as before` : "Nothing runs");
  }
  const outside = await handOver(going, local);
  if (outside === undefined) {
    if (old) await endOld(going, old);
    return;
  }
  hooks.status("not healthy from outside: going back");
  const words = await lastWords(host, container);
  const stands = old ? await leadBack(going, old) : "Nothing runs";
  if (!old) await leadPorts(host, spec.name, [], going.found.proxy ?? "", undefined);
  await removeContainer(host, spec, container, local);
  throw notHealthy(going, outside, words, stands);
}

/** The old one ends before the new one begins: for what cannot run twice, and for ports that Docker itself holds. */
async function changeInTurn(going: Going, image: Brought, old: FoundContainer): Promise<void> {
  const { host, spec, container, hooks } = going;
  hooks.status(`ending ${old.name}`);
  const anew = old.name === container;
  await stopContainer(host, spec.name, old, { drain: old.spec?.local.length ? spec.drain : 0, remove: anew });
  let local: number[] = [];
  let unwell: string | undefined;
  try {
    if (old.spec?.switch === "proxy" && spec.switch === "recreate")
      await leadPorts(host, spec.name, [], going.found.proxy ?? "", undefined);
    local = await startFresh(going, image);
    unwell = (await judged(going)) ?? (await handOver(going, local));
  } catch (error) {
    unwell = error instanceof Failure ? error.cameBack : messageOf(error);
  }
  if (unwell === undefined) {
    if (!anew) await removeContainer(host, spec, old.name, []);
    return;
  }
  hooks.status("not healthy: starting the old one again");
  const words = await lastWords(host, container);
  await removeContainer(host, spec, container, local);
  throw notHealthy(
    going,
    unwell,
    words,
    anew ? "It was made anew, and nothing runs" : await startAgain(going, old),
  );
}

/** Make and start the new container. @returns its ports on 127.0.0.1 */
async function startFresh(going: Going, image: Brought): Promise<number[]> {
  const { host, spec, stack, container, found, hooks } = going;
  hooks.status(`starting ${container}`);
  const local = localPortsOf(spec, container, found);
  return await createContainer(
    host,
    { spec, container, owner: { stack, imageId: going.image.id }, image: image.name, local },
    hooks.signal,
  );
}

async function judged({ host, spec, container, hooks }: Going): Promise<string | undefined> {
  hooks.status("waiting until it is healthy");
  return await askContainer(host, container, spec, hooks.signal);
}

/** Lead the ports to the new one and ask through them. @returns why it is unwell */
async function handOver(going: Going, local: readonly number[]): Promise<string | undefined> {
  const { host, spec, container, found, hooks } = going;
  if (spec.switch === "proxy") {
    hooks.status("handing the ports over");
    const trouble = await leadPorts(host, spec.name, portsOf(spec, local), found.proxy ?? "", container);
    if (trouble !== undefined) return `its ports cannot be had: ${trouble}`;
  }
  hooks.status("asking from outside");
  return await askOutside(host, container, spec, Math.min(spec.healthDeadline, 20), hooks.signal);
}

const portsOf = (spec: Pick<ServiceSpec, "ports">, local: readonly number[]) =>
  spec.ports.map(({ address, host }, index) => ({ address, host, local: local[index] ?? 0 }));

/** The old one has the traffic again. @returns how that went, in a sentence */
async function leadBack(going: Going, old: FoundContainer): Promise<string> {
  const { host, spec, found } = going;
  const ports = old.spec ? portsOf(old.spec, old.spec.local) : [];
  const trouble = await leadPorts(host, spec.name, ports, found.proxy ?? "", old.name);
  const unwell = trouble ?? (old.spec && (await askOutside(host, old.name, old.spec, 20)));
  return unwell === undefined
    ? `Returned to ${old.name}; it answers`
    : `Returned to ${old.name}, and that is not confirmed: ${unwell}`;
}

async function startAgain(going: Going, old: FoundContainer): Promise<string> {
  const { host, spec } = going;
  const trouble = await startContainer(host, old.name);
  if (trouble !== undefined) return `${old.name} could not be started again: ${trouble}`;
  const unwell = old.spec && (await askContainer(host, old.name, old.spec));
  if (unwell !== undefined) return `${old.name} was started again and is not well: ${unwell}`;
  if (old.spec?.switch === "proxy") return await leadBack(going, old);
  const outside = old.spec && (await askOutside(host, old.name, old.spec, 20));
  if (spec.switch === "proxy" && outside !== undefined)
    return `${old.name} was started again, and does not answer: ${outside}`;
  return outside === undefined
    ? `Returned to ${old.name}; it answers`
    : `${old.name} was started again, and does not answer from outside: ${outside}`;
}

/** The old one has nothing new to do: it finishes, ends, and goes. What goes wrong here costs nobody an answer. */
async function endOld(going: Going, old: FoundContainer): Promise<void> {
  const { host, spec, hooks } = going;
  hooks.status(`letting ${old.name} finish (${spec.drain} s at most)`);
  await stopContainer(host, spec.name, old, { drain: spec.drain, remove: true }).catch((error: unknown) =>
    hooks.warn(`${host.session.label}: ${old.name} is left behind: ${messageOf(error)}`),
  );
}

/** Note what runs; what else there is of the service goes, images beyond the last few, too. */
async function keep({ host, spec, container, found, old, hooks }: Going, image: Brought): Promise<void> {
  for (const left of found.containers)
    if (left.name !== container && left.name !== old?.name)
      await removeContainer(host, spec, left.name, left.spec?.local ?? []);
  const answer = await onDocker(
    host,
    "keep",
    { service: spec.name, container, image: image.engineId, keep: spec.keep },
    { deadline: 120_000 },
  );
  const removed = answer.get("removed")?.length ?? 0;
  if (removed > 0) hooks.status(`${removed} old image${removed === 1 ? "" : "s"} removed`);
  if (first(answer, "done") === undefined)
    hooks.warn(`${host.session.label}: old images of ${spec.name} may be left`);
}

const refused = (host: DockerHost, spec: ServiceSpec, { because, next }: { because: string; next: string }) =>
  new Failure({
    host: host.session.label,
    tried: `release ${spec.name}`,
    cameBack: because,
    stands: "Nothing was changed",
    next,
  });

function notHealthy(going: Going, because: string, words: string, stands: string): Failure {
  const { host, spec, image } = going;
  const said = words === "" ? "" : `\nIt said last:\n${words}\n`;
  return new Failure({
    host: host.session.label,
    tried: `release ${spec.name} with image ${shortId(image.id)}`,
    cameBack: `it did not become healthy: ${because}`,
    stands: `${stands}.${said}`,
    next: "fix the app, then run pulumi up again",
  });
}
