import { isIPv6 } from "node:net";
import type { ServiceSpec } from "../../config/container-spec.ts";
import { checkOutside } from "../health/check.ts";
import type { Document } from "../remote/scripts.ts";
import type { KeptSpec } from "./arguments.ts";
import { type DockerHost, first, onDocker } from "./script.ts";

/** What is asked, and how a container is reached. */
export type Asked = Pick<KeptSpec, "health" | "healthDeadline" | "ports">;

/** Why it is unwell; undefined = it is well. */
export type Unwell = string | undefined;

const host = (address: string): string => (isIPv6(address) ? `[${address}]` : address);

/** Ask a container itself, on its own address, until it is well or its deadline has passed. */
export async function askContainer(
  on: DockerHost,
  container: string,
  { health, healthDeadline }: Pick<ServiceSpec, "health" | "healthDeadline">,
  signal?: AbortSignal,
): Promise<Unwell> {
  const document: Document =
    health === undefined
      ? { kind: "own" }
      : "path" in health
        ? httpDocument(`http://@IP@:${health.port}${health.path}`, health)
        : { kind: "command", timeout: health.timeout, arg: health.command };
  return await askOnHost(on, { ...document, container, seconds: healthDeadline }, healthDeadline, signal);
}

/** How a published port is asked: from here, or on the host; undefined where there is nothing to ask. Pure. */
export function outsideOf(
  { health, ports }: Pick<Asked, "health" | "ports">,
  address: string,
  behindJump: boolean,
): { from: "outside" | "host"; address: string; port: number } | undefined {
  if (health === undefined || !("path" in health)) return undefined;
  const published = ports.find(({ container, protocol }) => container === health.port && protocol === "tcp");
  if (!published) return undefined;
  const everywhere = ["", "0.0.0.0", "::"].includes(published.address);
  const loopback = published.address === "::1" || published.address.startsWith("127.");
  const from = loopback || behindJump ? "host" : health.from;
  const local = everywhere ? "127.0.0.1" : published.address;
  return {
    from,
    address: from === "host" ? local : everywhere ? address : published.address,
    port: published.host,
  };
}

/** Ask through the published port, over connections of its own, until it is well or `seconds` have passed. */
export async function askOutside(
  on: DockerHost,
  container: string,
  asked: Asked,
  seconds: number,
  signal?: AbortSignal,
): Promise<Unwell> {
  const { address, jump } = on.session.target;
  const { health } = asked;
  const way = outsideOf(asked, address, jump !== undefined);
  if (!way || health === undefined || !("path" in health)) return undefined;
  const { status, body, timeout, path } = health;
  if (way.from === "host") {
    const document = httpDocument(`http://${host(way.address)}:${way.port}${path}`, health);
    return await askOnHost(on, { ...document, container, seconds }, seconds, signal);
  }
  const http = `http://${health.host ?? host(way.address)}:${way.port}${path}`;
  const verdict = await checkOutside(
    [{ http, status, timeout, ...(body !== undefined && { body }) }],
    [way.address],
    { deadline: seconds * 1_000, ...(signal && { signal }) },
  );
  return verdict.healthy ? undefined : verdict.because;
}

type HttpHealth = Extract<NonNullable<ServiceSpec["health"]>, { path: string }>;

const httpDocument = (url: string, { status, body, host: named, timeout }: HttpHealth) => ({
  kind: "http",
  url,
  status,
  timeout,
  ...(body !== undefined && { body }),
  ...(named !== undefined && { host: named }),
});

async function askOnHost(
  on: DockerHost,
  document: Document,
  seconds: number,
  signal: AbortSignal | undefined,
): Promise<Unwell> {
  const answer = await onDocker(on, "health", document, {
    deadline: (seconds + 60) * 1_000,
    ...(signal && { signal }),
  });
  const verdict = first(answer, "verdict") ?? "it was not asked";
  return verdict === "well" ? undefined : verdict;
}
