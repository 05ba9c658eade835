import { z } from "zod";
import { bringImage } from "../../deployer/docker/bring.ts";
import {
  type ComposeContainer,
  driftOfProject,
  imagePrefix,
  lookAtProject,
  releaseProject,
  removeProject,
} from "../../deployer/docker/compose.ts";
import { digestsOf, readProject } from "../../deployer/docker/compose-files.ts";
import { look } from "../../deployer/docker/look.ts";
import { localTag } from "../../deployer/docker/names.ts";
import { type DockerHost, dockerHostOf } from "../../deployer/docker/script.ts";
import { Failure, messageOf } from "../../deployer/failure.ts";
import { ownerOf } from "../../deployer/owner.ts";
import { diffInputs, topLevel } from "../framework/diff.ts";
import type { CallContext, DiffKind, Properties, ResourceHandler, Value } from "../framework/types.ts";
import { bringable, idOf, keptHere, megabytes, packedLayers, shortId, withBringable } from "./images.ts";
import { sessionOf, wayToHost } from "./sessions.ts";

const inputs = wayToHost.extend({
  /** What docker compose calls it. */
  project: z.string(),
  /** The compose file, relative to the project. */
  file: z.string(),
  /** Files and folders that go with it. */
  files: z.array(z.string()),
  /** Digest of the compose file and of each of those. */
  digests: z.record(z.string(), z.string()),
  env: z.record(z.string(), z.string()),
  /** Variables with their secret content. */
  secrets: z.record(z.string(), z.string()),
  /** By service. */
  images: z.record(z.string(), z.union([bringable, z.strictObject({ reference: z.string() })])),
  wait: z.int().positive(),
});
type Inputs = z.infer<typeof inputs>;

/** What leads to the same host by another way, or says how long something may take, changes nothing that runs. */
const inert = new Set(["address", "port", "user", "hostKey", "loginKey", "jump", "wait", "file", "files"]);

const serviceState = z.array(
  z.object({ service: z.string(), hash: z.string(), image: z.string(), status: z.string() }),
);

/** An image's name among those of the host: of the project and its service. */
const slugOf = (wanted: Inputs, service: string): string =>
  imagePrefix(wanted) + service.toLowerCase().replaceAll(/[^a-z0-9-]/g, "-");

const mapOf = (value: Value): Properties =>
  typeof value === "object" && value !== null && !Array.isArray(value) ? value : {};

/** What tells images apart: where one lies, and what builds it, does not. */
function comparable(news: Properties): Properties {
  const images = Object.entries(mapOf(news["images"])).map(([service, image]): [string, Value] => [
    service,
    mapOf(image)["reference"] ?? idOf(image),
  ]);
  const rest = Object.entries(news).filter(([key]) => !inert.has(key));
  return { ...Object.fromEntries(rest), images: Object.fromEntries(images) };
}

/** The images that are brought, each under the name that the host knows it by. */
async function bring(
  host: DockerHost,
  wanted: Inputs,
  folder: string,
  call: CallContext,
): Promise<Record<string, string>> {
  const names: Record<string, string> = {};
  for (const [service, image] of Object.entries(wanted.images)) {
    if ("reference" in image) {
      names[service] = image.reference;
      continue;
    }
    const here = { stack: wanted.stack, service: slugOf(wanted, service) };
    names[service] = localTag(here.service, image.id);
    const found = await look(host, { ...here, ids: [image.id] }, call.signal);
    if (found.images.some(({ tags }) => tags?.includes(names[service] ?? ""))) continue;
    const brought = await withBringable(image, call, (opened) => {
      if (opened.architecture !== found.engine.architecture)
        throw new Failure({
          host: host.session.label,
          tried: `bring the image of ${service}`,
          cameBack: `it is for ${opened.architecture}, and the host's engine runs ${found.engine.architecture}`,
          stands: "What ran runs on; nothing was changed",
          next: "build the image for that architecture (image.system), or name another host",
        });
      return bringImage(host, here, opened, found, {
        packed: packedLayers(folder),
        signal: call.signal,
        status: (line) => call.status(`${service}: ${line}`),
      });
    });
    call.log(
      "info",
      `${service}: image ${shortId(image.id)} ${brought.way}, ${megabytes(brought.bytes)} sent`,
    );
  }
  return names;
}

async function deploy(folder: string, news: Properties, call: CallContext): Promise<Properties> {
  const wanted = inputs.parse(news);
  const { stack, project, file } = wanted;
  const started = Date.now();
  const files = await readProject(file, wanted.files);
  const session = await sessionOf(wanted);
  await session.ready(60_000, { signal: call.signal });
  const host = await dockerHostOf(session, call.signal);
  const before = await lookAtProject(host, { project, stack }, { signal: call.signal });
  const images = await bring(host, wanted, folder, call);
  const { release, containers } = await releaseProject(
    host,
    {
      stack,
      project,
      file,
      files,
      images,
      prefix: imagePrefix(wanted),
      variables: { ...wanted.env, ...wanted.secrets },
      wait: wanted.wait,
      owner: ownerOf(stack),
    },
    { signal: call.signal, status: (line) => call.status(line) },
  );
  const seconds = ((Date.now() - started) / 1000).toFixed(1);
  call.log(
    "info",
    `${session.label}: ${project} ${tellRelease(before.containers, containers)} after ${seconds} s`,
  );
  return { release, services: servicesOf(containers), drift: [] };
}

const servicesOf = (containers: readonly ComposeContainer[]): Properties[] =>
  containers.map(({ service, hash, image, reference, status }) => ({
    service,
    hash,
    image,
    reference,
    status,
  }));

/** What became of the services, in words. Pure. */
export function tellRelease(before: readonly ComposeContainer[], after: readonly ComposeContainer[]): string {
  const had = (one: ComposeContainer) =>
    before.some(
      ({ service, hash, image }) => service === one.service && hash === one.hash && image === one.image,
    );
  const names = (of: readonly ComposeContainer[]) =>
    [...new Set(of.map(({ service }) => service))].join(", ");
  const stayed = after.filter(had);
  const changed = after.filter((one) => !had(one));
  if (changed.length === 0) return `is as it was (${names(stayed)})`;
  return `runs ${names(changed)} anew${stayed.length > 0 ? `; ${names(stayed)} stayed` : ""}`;
}

/** What of a change a preview tells: names, never a secret's content. Pure. */
export function tellChange(olds: Properties, news: Properties): string | undefined {
  const paths = Object.keys(diffInputs(comparable(olds), comparable(news)));
  const [digests, others] = [paths.filter((path) => topLevel(path) === "digests"), paths];
  const files = digests.map((path) => path.replace(/^digests\.?\["?|"?\]$/g, "").replace(/^digests\./, ""));
  const images = Object.keys(mapOf(news["images"])).flatMap((service) => {
    const [before, now] = [idOf(mapOf(olds["images"])[service]), idOf(mapOf(news["images"])[service])];
    if (now === undefined || before === now) return [];
    return [`${service}: image ${before === undefined ? "" : `${shortId(before)} → `}${shortId(now)}`];
  });
  const variables = others
    .filter((path) => ["env", "secrets"].includes(topLevel(path)))
    .map((path) => path.replace(/^(env|secrets)\.?/, ""));
  const told = [
    ...(files.length > 0 ? [`files change: ${files.join(", ")}`] : []),
    ...images,
    ...(variables.length > 0 ? [`variables change: ${variables.join(", ")}`] : []),
  ];
  return told.length > 0 ? told.join("; ") : undefined;
}

/**
 * A project of docker compose on a host, by people's own file. It is sent, read by docker compose, brought up and judged; what does not become
 * well goes back to the release before.
 *
 * - inputs: the way to the host, `project`, `file`, `files`, `env`, `secrets` (each value a secret), `images` by service, `wait`.
 * - outputs: `release`, `services` (what each runs), `drift` (what a refresh has found).
 *
 * Deleting it ends its containers and leaves its volumes.
 */
export const composeProject = (folder = keptHere): ResourceHandler => ({
  secretOutputs: ["loginKey"],

  async check(news) {
    const { file, files = [] } = news;
    if (typeof file !== "string" || !Array.isArray(files)) return { inputs: news };
    try {
      const digests = digestsOf(await readProject(file, files.map(String)));
      return { inputs: { ...news, digests } };
    } catch (error) {
      return { inputs: news, failures: [{ property: "file", reason: messageOf(error) }] };
    }
  },

  async diff(olds, news) {
    const detailed: Record<string, DiffKind> = {};
    for (const [path, kind] of Object.entries(diffInputs(comparable(olds.inputs), comparable(news))))
      detailed[path] = ["host", "stack", "project"].includes(path) ? "update-replace" : kind;
    const { drift } = olds.outputs;
    if (Array.isArray(drift) && drift.length > 0) detailed["drift"] = "update";
    return {
      changes: Object.keys(detailed).length > 0,
      detailed,
      // The other way round the ports of the new one would be taken.
      deleteBeforeReplace: true,
    };
  },

  async preview(news, old, call) {
    const told = old && tellChange(old, news);
    if (told) call.log("info", `${String(news["project"])}: ${told}`);
    return { ...news, release: undefined, services: undefined, drift: [] };
  },

  async create(news, call) {
    const { stack, host, project } = inputs.parse(news);
    const outputs = await deploy(folder, news, call);
    return { id: `${stack}/${host}/${project}`, outputs: { ...news, ...outputs } };
  },

  async update(_id, _olds, news, call) {
    return { ...news, ...(await deploy(folder, news, call)) };
  },

  async read(id, state, call) {
    const known = inputs.safeParse(state.inputs);
    if (!known.success) {
      if (Object.keys(state.inputs).length > 0) return state;
      throw new Failure({
        tried: `import ${id}`,
        cameBack: "a ComposeProject is not imported, as its id does not tell how its host is reached",
        next: "run pulumi up: it takes over a project of that name",
      });
    }
    const { host, project } = known.data;
    try {
      const docker = await dockerHostOf(await sessionOf(known.data), call.signal);
      const found = await lookAtProject(docker, known.data, { signal: call.signal });
      const kept = serviceState.safeParse(state.outputs["services"]);
      const drift = driftOfProject(kept.success ? kept.data : [], found.containers);
      for (const what of drift)
        call.log(
          "warning",
          `${docker.session.label}: ${project}: ${what}; the next pulumi up puts that right`,
        );
      return { inputs: state.inputs, outputs: { ...state.outputs, drift } };
    } catch (error) {
      call.log("warning", `${project} on ${host} could not be read, its state is kept: ${messageOf(error)}`);
      return state;
    }
  },

  async delete(_id, state, call) {
    const { stack, project, ...way } = inputs.parse(state.inputs);
    const docker = await dockerHostOf(await sessionOf({ stack, ...way }), call.signal);
    const left = await removeProject(
      docker,
      { stack, project, owner: ownerOf(stack), prefix: imagePrefix({ stack, project }) },
      { signal: call.signal },
    );
    const stays = [
      ...(left.volumes.length > 0 ? [`the volumes ${left.volumes.join(", ")}`] : []),
      ...(left.data ? [`the data in ${left.data}`] : []),
    ];
    call.log(
      "info",
      `${docker.session.label}: ${project} has ended${stays.length > 0 ? `; ${stays.join(" and ")} stay there` : ""}`,
    );
  },
});
