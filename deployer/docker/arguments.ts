import { z } from "zod";
import { type ServiceSpec, serviceSpec } from "../../config/container-spec.ts";
import { configHash } from "./names.ts";

/** What a container's label tells whoever finds it: how it is reached, asked and ended. Nothing of it is secret. */
const kept = serviceSpec
  .pick({ ports: true, health: true, healthDeadline: true, switch: true, stop: true })
  .extend({
    /** Its port on 127.0.0.1 for each of `ports`; empty where Docker publishes them. */
    local: z.array(z.int()),
  });
export type KeptSpec = z.infer<typeof kept>;
export const keptSpec = kept;

/** Whose a container is. */
export interface Owner {
  stack: string;
  /** Id of its image, as this machine knows it. */
  imageId: string;
}

/** What a container is labelled with. */
export function labelsOf(
  spec: ServiceSpec,
  { stack, imageId }: Owner,
  local: readonly number[],
): Record<string, string> {
  const { ports, health, healthDeadline, stop } = spec;
  const known: KeptSpec = {
    ports,
    ...(health && { health }),
    healthDeadline,
    switch: spec.switch,
    stop,
    local: [...local],
  };
  return {
    "berth.stack": stack,
    "berth.service": spec.name,
    "berth.image": imageId,
    "berth.config": configHash(spec),
    "berth.spec": JSON.stringify(known),
  };
}

const at = (address: string): string =>
  address === "" ? "" : `${address.includes(":") ? `[${address}]` : address}:`;

/**
 * What follows `docker create --name …` and its file of variables. No secret is in it: variables go by a file, files by a folder that
 * @SECRETS@ stands for.
 * @param local ports on 127.0.0.1, in the order of the spec's ports; empty = Docker publishes them itself
 * @param image what the engine finds the image by
 */
export function createArguments(
  spec: ServiceSpec,
  owner: Owner,
  image: string,
  local: readonly number[],
): string[] {
  const published = spec.ports.map(({ address, host, container, protocol }, index) =>
    local.length > 0
      ? `127.0.0.1:${local[index]}:${container}`
      : `${at(address)}${host}:${container}/${protocol}`,
  );
  const { limits, stop } = spec;
  const option = (name: string, value: string | number | undefined) =>
    value === undefined ? [] : [`--${name}`, String(value)];
  return [
    ...Object.entries(labelsOf(spec, owner, local)).flatMap(([name, value]) => [
      "--label",
      `${name}=${value}`,
    ]),
    ...option("restart", spec.restart),
    ...option("stop-signal", stop.signal),
    ...option("stop-timeout", stop.seconds),
    ...option("user", spec.user),
    ...(spec.readOnly ? ["--read-only"] : []),
    ...spec.writable.flatMap((path) => ["--tmpfs", path]),
    ...spec.mounts.flatMap(({ source, target, readOnly }) => [
      "--mount",
      `type=${source.startsWith("/") ? "bind" : "volume"},source=${source},target=${target}${readOnly ? ",readonly" : ""}`,
    ]),
    ...(Object.keys(spec.secretFiles).length > 0
      ? ["--mount", "type=bind,source=@SECRETS@,target=/run/secrets,readonly"]
      : []),
    ...option("memory", limits.memory === undefined ? undefined : `${limits.memory}m`),
    ...option("cpus", limits.cpus),
    ...option("pids-limit", limits.pids),
    ...(spec.network === undefined ? [] : ["--network", spec.network, "--network-alias", spec.name]),
    ...published.flatMap((port) => ["--publish", port]),
    image,
    ...(spec.command ?? []),
  ];
}

/** Lines of the file that variables are read from. */
export const variables = ({ env, secretEnv }: ServiceSpec): string[] =>
  Object.entries({ ...env, ...secretEnv }).map(([name, value]) => `${name}=${value}`);
