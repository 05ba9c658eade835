import type { ServiceSpec } from "../../config/container-spec.ts";
import type { FoundPort, Look } from "./look.ts";
import { chooseLocalPorts } from "./names.ts";
import { type DockerHost, first, onDocker, restoreScript } from "./script.ts";

/** Sets of ports to choose from, should another program have some of them. */
const spare = 4;

/** Ports on 127.0.0.1 that a new container may have: none that a container of the service has. Pure. */
export function localPortsOf(spec: ServiceSpec, container: string, { containers }: Look): number[] {
  if (spec.switch !== "proxy") return [];
  const taken = new Set(
    containers.filter(({ name }) => name !== container).flatMap(({ spec: has }) => has?.local ?? []),
  );
  return chooseLocalPorts(container, spec.ports.length * spare, taken);
}

/**
 * Lead a service's published ports, at once for every new connection; those that are open stay where they are.
 * @param ports none = the service has no ports any more
 * @param proxy the program between systemd's sockets and the containers
 * @param container becomes the current one
 * @returns what went wrong; then the ports lead where they led
 */
export async function leadPorts(
  host: DockerHost,
  service: string,
  ports: readonly Pick<FoundPort, "address" | "host" | "local">[],
  proxy: string,
  container: string | undefined,
): Promise<string | undefined> {
  const answer = await onDocker(
    host,
    "switch",
    {
      service,
      kind: proxy,
      ...(container !== undefined && { container }),
      port: ports.map((port) => `${port.address || "-"} ${port.host} ${port.local}`),
    },
    { deadline: 60_000, rest: await restoreScript() },
  );
  return first(answer, "done") === undefined ? (first(answer, "trouble") ?? "no answer") : undefined;
}
