import type { ServiceSpec } from "../../config/container-spec.ts";
import { Failure } from "../failure.ts";
import { lastLines } from "../process.ts";
import { quote } from "../ssh/quote.ts";
import { createArguments, type Owner, variables } from "./arguments.ts";
import type { FoundContainer } from "./look.ts";
import { type DockerHost, first, onDocker } from "./script.ts";

/** A container that is to be. */
export interface NewContainer {
  spec: ServiceSpec;
  container: string;
  owner: Owner;
  /** What the engine finds the image by. */
  image: string;
  /** Ports on 127.0.0.1 to choose from: as many as it needs, and others for those that turn out to be taken. */
  local: readonly number[];
}

/** How often another set of local ports is tried. */
const attempts = 4;

/**
 * Make a container and start it. Its secrets travel on stdin, and what they are written to is root's alone.
 * @returns its ports on 127.0.0.1; none where Docker publishes them itself
 */
export async function createContainer(
  host: DockerHost,
  { spec, container, owner, image, local }: NewContainer,
  signal?: AbortSignal,
): Promise<number[]> {
  const count = spec.switch === "proxy" ? spec.ports.length : 0;
  let trouble = "";
  for (let attempt = 0; attempt < attempts; attempt++) {
    const chosen = local.slice(attempt * count, (attempt + 1) * count);
    const answer = await onDocker(
      host,
      "create",
      {
        service: spec.name,
        container,
        kind: "start",
        ...(spec.network !== undefined && { network: spec.network }),
        arg: createArguments(spec, owner, image, chosen),
        env: variables(spec),
        secret: Object.entries(spec.secretFiles).map(
          ([name, content]) => `${name} ${Buffer.from(content).toString("base64")}`,
        ),
      },
      { deadline: 120_000, confidential: true, ...(signal && { signal }) },
    );
    const found = first(answer, "trouble");
    if (found === undefined) return chosen;
    trouble = found;
    if (count === 0 || !/already allocated|already in use/i.test(trouble)) break;
  }
  throw new Failure({
    host: host.session.label,
    tried: `start ${container}`,
    cameBack: trouble,
    next: /already allocated|already in use/i.test(trouble)
      ? "find out what has that port on the host (ss -ltnp), or name another one"
      : "look at the image and at what the stack says of it, then run pulumi up again",
  });
}

/** End a container, once what it is asked has had time to finish. */
export async function stopContainer(
  host: DockerHost,
  service: string,
  { name, spec }: Pick<FoundContainer, "name" | "spec">,
  { drain, remove }: { drain: number; remove: boolean },
): Promise<void> {
  const seconds = spec?.stop.seconds ?? 10;
  await onDocker(
    host,
    "stop",
    {
      service,
      container: name,
      seconds,
      drain,
      kind: remove ? "remove" : "keep",
      port: (spec?.local ?? []).map(String),
    },
    { deadline: (seconds + drain + 60) * 1_000 },
  );
}

/** Take a container away at once. */
export const removeContainer = (
  host: DockerHost,
  { name: service }: Pick<ServiceSpec, "name">,
  container: string,
  local: readonly number[],
): Promise<unknown> =>
  onDocker(
    host,
    "stop",
    { service, container, seconds: 5, drain: 0, kind: "remove", port: local.map(String) },
    { deadline: 90_000 },
  );

/** Run one of Docker's own commands. Nothing in it is secret. */
const docker = ({ session, root }: DockerHost, args: readonly string[]) =>
  session.sh(`PATH=/run/current-system/sw/bin:$PATH exec docker ${args.map(quote).join(" ")}`, {
    deadline: 60_000,
    ...(root ? {} : { asSelf: true }),
  });

/** Start a container that was stopped. @returns what went wrong */
export async function startContainer(host: DockerHost, container: string): Promise<string | undefined> {
  const ended = await docker(host, ["start", container]);
  return ended.exitCode === 0 ? undefined : lastLines(ended.stderr, 2) || "the connection broke";
}

/** What a container has written last; empty where it cannot be read. */
export async function lastWords(host: DockerHost, container: string): Promise<string> {
  const ended = await docker(host, ["logs", "--tail", "15", container]).catch(() => undefined);
  return ended?.exitCode === 0 ? lastLines(`${ended.stdout}\n${ended.stderr}`, 15) : "";
}
