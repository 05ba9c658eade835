import { createHash, randomBytes } from "node:crypto";
import { z } from "zod";
import { Failure } from "../failure.ts";
import { jsonOrUndefined } from "../json.ts";
import { type ComposeConfiguration, composeConfig, override, unusable } from "./compose-config.ts";
import { type ProjectFiles, tarOfProject } from "./compose-files.ts";
import { type Answer, type DockerHost, first, onDocker } from "./script.ts";

/** A project of docker compose, and all that it shall run with. */
export interface ComposeRelease {
  /** The stack it belongs to. */
  stack: string;
  /** What docker compose calls it. */
  project: string;
  /** The compose file here, for messages. */
  file: string;
  files: ProjectFiles;
  /** Variables that the file takes in, secret ones too. */
  variables: Readonly<Record<string, string>>;
  /** What the images of services are called on the host, where they are not the file's own. */
  images: Readonly<Record<string, string>>;
  /** What the names of images begin with that were brought for it (`imagePrefix`). */
  prefix: string;
  /** Seconds until all services run, and are healthy where they have a check. */
  wait: number;
  /** Who is at work, for whoever else would be. */
  owner: string;
}

interface Hooks {
  signal?: AbortSignal;
  /** What is being done. */
  status?: (line: string) => void;
}

const container = z.object({
  service: z.string(),
  /** Of the service as compose has read it. */
  hash: z.string(),
  /** Id of the image. */
  image: z.string(),
  /** What the image is called. */
  reference: z.string(),
  status: z.string(),
  exit: z.int(),
  restarts: z.int(),
  health: z.string(),
  policy: z.string(),
});
/** A container of a project, as it was found. */
export type ComposeContainer = z.infer<typeof container>;

/** What there is of a project on a host. */
export interface ComposeLook {
  engine: { version: string; architecture: string };
  /** The release that was kept last; undefined where none was. */
  current: string | undefined;
  containers: ComposeContainer[];
}

const minute = 60_000;
/** What pulling images may take; milliseconds. */
const pullDeadline = 30 * minute;
/** Releases of a project that stay on the host with their images, the running one included. */
const kept = 3;

const containersOf = (answer: Answer): ComposeContainer[] =>
  (answer.get("container") ?? []).flatMap((text) => container.safeParse(jsonOrUndefined(text)).data ?? []);

const signalOf = ({ signal }: Hooks) => (signal ? { signal } : {});

/** What the names of images begin with that are brought for a project; no other project's do. */
export function imagePrefix({ stack, project }: { stack: string; project: string }): string {
  const told = createHash("sha256").update(`${stack} ${project}`).digest("hex").slice(0, 8);
  return `${project.replaceAll("_", "-")}-${told}-`;
}

/** See what runs of a project. Throws a Failure where there is no docker compose. */
export async function lookAtProject(
  host: DockerHost,
  { project, stack }: { project: string; stack: string },
  hooks: Hooks = {},
): Promise<ComposeLook> {
  const document = { host: project, stack };
  const answer = await onDocker(host, "compose-look", document, { deadline: minute, ...signalOf(hooks) });
  const [version, , architecture] = first(answer, "engine")?.split(" ") ?? [];
  if (version === undefined || architecture === undefined)
    throw new Failure({
      host: host.session.label,
      tried: "ask docker compose on the host",
      cameBack: first(answer, "trouble") ?? "it does not answer",
      stands: "Nothing was changed",
      next: "install it there (Debian: docker.io and docker-compose; NixOS: the module docker-host), or let this user use it",
    });
  const owner = first(answer, "stack");
  if (owner !== undefined && owner !== stack)
    throw new Failure({
      host: host.session.label,
      tried: `look at the project ${project}`,
      cameBack: `it is the stack ${owner}'s`,
      stands: "Nothing was changed",
      next: "give one of the two another name: compose.project",
    });
  return {
    engine: { version, architecture },
    current: first(answer, "current"),
    containers: containersOf(answer),
  };
}

/**
 * Bring a project up as its file has it: the files go there, docker compose reads them, and recreates what differs. What does not become
 * well goes back to the release before, which is looked at again. Throws a Failure that says what stands.
 */
export async function releaseProject(
  host: DockerHost,
  wanted: ComposeRelease,
  hooks: Hooks,
): Promise<{ release: string; containers: ComposeContainer[] }> {
  const release = randomBytes(6).toString("hex");
  hooks.status?.("sending the project's files");
  const { config, tree } = await stage(host, wanted, release, hooks);
  const digests = Object.fromEntries(
    Object.entries(wanted.files.beside).map(([path, { digest }]) => [path, digest]),
  );
  const images = Object.keys(wanted.images);
  const problems = unusable(config, { digests, images }, { file: wanted.file, folder: tree });
  if (problems.length > 0) {
    const document = { host: wanted.project, stack: wanted.stack, container: release };
    await onDocker(host, "compose-drop", document, { deadline: minute, ...signalOf(hooks) });
    throw refused(host, wanted, problems.join("\n"), "mend the file, or the stack's configuration");
  }

  hooks.status?.("docker compose up");
  const answer = await onDocker(
    host,
    "compose-up",
    {
      host: wanted.project,
      stack: wanted.stack,
      container: release,
      owner: wanted.owner,
      seconds: wanted.wait,
      keep: kept,
      kind: wanted.prefix,
    },
    {
      deadline: pullDeadline + 2 * wanted.wait * 1_000 + 2 * minute,
      rest: override(config, wanted.images, digests, tree),
      ...signalOf(hooks),
    },
  );
  if (first(answer, "kept") === "yes") return { release, containers: containersOf(answer) };
  const because = first(answer, "refused");
  if (because !== undefined) throw refused(host, wanted, because, "mend that, then run pulumi up again");
  throw notKept(host, wanted, answer);
}

async function stage(
  host: DockerHost,
  { stack, project, files, variables, ...wanted }: ComposeRelease,
  release: string,
  hooks: Hooks,
): Promise<{ config: ComposeConfiguration; tree: string }> {
  const answer = await onDocker(
    host,
    "compose-stage",
    {
      host: project,
      stack,
      container: release,
      env: Object.entries(variables).map(
        ([name, value]) => `${name}=${Buffer.from(value).toString("base64")}`,
      ),
      arg: Object.entries(files.beside).map(([path, { digest }]) => `${digest} ${path}`),
    },
    {
      deadline: 5 * minute,
      confidential: true,
      rest: `${(await tarOfProject(files)).toString("base64")}\n`,
      ...signalOf(hooks),
    },
  );
  const because = first(answer, "refused");
  const here = { stack, project, files, variables, ...wanted };
  if (because !== undefined) throw refused(host, here, because, "mend that, then run pulumi up again");
  const config = composeConfig.safeParse(jsonOrUndefined(first(answer, "config") ?? ""));
  const tree = first(answer, "tree");
  if (!config.success || tree === undefined)
    throw refused(
      host,
      here,
      "docker compose config writes what is not understood",
      "use docker compose 2.20 or newer",
    );
  return { config: config.data, tree };
}

const refused = (
  host: DockerHost,
  { project, file }: ComposeRelease,
  cameBack: string,
  next: string,
): Failure =>
  new Failure({
    host: host.session.label,
    tried: `have docker compose bring up ${project} by ${file}`,
    cameBack,
    stands: "What ran runs on; nothing was changed",
    next,
  });

/** What stands after a release that did not become well, by how the way back ended. */
const standings: Record<string, string> = {
  yes: "Returned to the release before it; it was looked at again and is well",
  removed: "There was no release before it: its containers are removed, volumes are left",
  unknown:
    "What ran before was not Berth's, so that there is no file to return to: what is told above is what runs now",
};

function notKept(host: DockerHost, { project, file }: ComposeRelease, answer: Answer): Failure {
  const because = answer.get("because") ?? ["it did not say why"];
  const log = (answer.get("log") ?? []).map((line) => `  ${line}`);
  const back = first(answer, "back") ?? "no";
  const still = answer.get("still") ?? [];
  return new Failure({
    host: host.session.label,
    tried: `have docker compose bring up ${project} by ${file}`,
    cameBack: [because.join("; "), ...log].join("\n"),
    stands:
      standings[back] ??
      `The release before it did not come back${still.length > 0 ? ` (${still.join("; ")})` : ""}: look at the host`,
    next: "mend the services that are named, then run pulumi up again",
  });
}

/** End a project: its containers and networks go, its volumes stay. */
export async function removeProject(
  host: DockerHost,
  { project, stack, owner, prefix }: Pick<ComposeRelease, "project" | "stack" | "owner" | "prefix">,
  hooks: Hooks = {},
): Promise<{ volumes: readonly string[]; data: string | undefined }> {
  const document = { host: project, stack, owner, seconds: 30, kind: prefix };
  const answer = await onDocker(host, "compose-down", document, { deadline: 5 * minute, ...signalOf(hooks) });
  const because = first(answer, "refused");
  if (because === undefined) return { volumes: answer.get("volume") ?? [], data: first(answer, "data") };
  throw new Failure({
    host: host.session.label,
    tried: `end the project ${project}`,
    cameBack: because,
    next: "look at the host, then run pulumi destroy again",
  });
}

/** What is not as it was left, each in a few words; empty where all is well. Pure. */
export function driftOfProject(
  kept: readonly Pick<ComposeContainer, "service" | "hash" | "image" | "status">[],
  found: readonly ComposeContainer[],
): string[] {
  const told: string[] = [];
  for (const one of kept) {
    const there = found.filter(({ service }) => service === one.service);
    const [now] = there;
    if (!now) told.push(`${one.service} is gone`);
    // A job that had ended when it was left.
    else if (one.status === "exited" && now.status === "exited" && now.exit === 0) continue;
    else if (now.status !== "running") told.push(`${one.service} is ${now.status}`);
    else if (now.health === "unhealthy") told.push(`${one.service} is unhealthy by its own check`);
    else if (now.image !== one.image) told.push(`${one.service} runs another image`);
    else if (now.hash !== one.hash) told.push(`${one.service} was made from another file`);
  }
  const known = new Set(kept.map(({ service }) => service));
  for (const { service } of found)
    if (!known.has(service)) told.push(`${service} runs and is not in the file`);
  return [...new Set(told)];
}
