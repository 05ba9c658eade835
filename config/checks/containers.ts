import { clash } from "../container-rules.ts";
import type { ContainerConfig } from "../containers.ts";
import type { Problem } from "../problems.ts";
import type { Context } from "./context.ts";
import { listed, orderOf } from "./secrets.ts";

const containerPath = (name: string): string => `berth:containers.${name}`;

/** That containers run on machines that there are, with secrets that there are, and do not get in each other's way. */
export function checkContainers(context: Context): Problem[] {
  const { config, absentFiles } = context;
  const all = Object.entries(config.containers);
  return [
    ...all.flatMap(([name, container]) => checkPlace(name, container, Object.keys(config.hosts))),
    ...all.flatMap(([name, container]) => checkFiles(name, container, absentFiles)),
    ...secretsOf(config.containers).flatMap(({ path, secret }) =>
      Object.hasOwn(config.secrets, secret)
        ? []
        : [
            {
              path,
              message: `there is no secret "${secret}" under berth:secrets; there are ${listed(Object.keys(config.secrets))}`,
              example: orderOf(secret),
            },
          ],
    ),
    ...all.flatMap(([name, container], index) =>
      all.slice(0, index).flatMap(([other, before]) => between(name, container, other, before)),
    ),
  ];
}

function checkPlace(name: string, { on }: ContainerConfig, hosts: readonly string[]): Problem[] {
  if (typeof on !== "string" || hosts.includes(on)) return [];
  return [
    {
      path: `${containerPath(name)}.on`,
      message: `there is no host "${on}" under berth:hosts; there are ${listed(hosts)}. Any other machine with Docker is written out: { address, hostKey }`,
      ...(hosts[0] && { example: hosts[0] }),
    },
  ];
}

function checkFiles(name: string, container: ContainerConfig, absent: readonly string[]): Problem[] {
  if (!("compose" in container) || !absent.includes(container.compose.file)) return [];
  return [
    {
      path: `${containerPath(name)}.compose.file`,
      message: `there is no file ${container.compose.file}, relative to the project`,
    },
  ];
}

/** Every secret that a container names, with its place. */
export function secretsOf(
  containers: Readonly<Record<string, ContainerConfig>>,
): { path: string; secret: string }[] {
  return Object.entries(containers).flatMap(([name, container]) => {
    const path = containerPath(name);
    if ("compose" in container)
      return Object.entries(container.compose.secrets).map(([variable, secret]) => ({
        path: `${path}.compose.secrets.${variable}`,
        secret,
      }));
    const { secrets, push, login } = container;
    return [
      ...Object.entries(secrets).map(([to, { from }]) => ({ path: `${path}.secrets.${to}`, secret: from })),
      ...(push?.password === undefined ? [] : [{ path: `${path}.push.password`, secret: push.password }]),
      ...(login === undefined ? [] : [{ path: `${path}.login.password`, secret: login.password }]),
    ];
  });
}

/** Which machine, as far as the configuration tells. */
const machineOf = ({ on }: ContainerConfig): string =>
  typeof on === "string" ? `host ${on}` : `machine ${on.address} ${on.port}`;

/** What two containers of one machine cannot both have. Ports of compose files are Docker's to refuse. */
function between(
  name: string,
  container: ContainerConfig,
  other: string,
  before: ContainerConfig,
): Problem[] {
  if (machineOf(container) !== machineOf(before)) return [];
  const path = containerPath(name);
  if ("compose" in container || "compose" in before) {
    const [one, two] = [projectOf(name, container), projectOf(other, before)];
    if (one === undefined || one !== two) return [];
    return [
      {
        path: `${path}.compose.project`,
        message: `${one} is what ${containerPath(other)} is called on the same machine already`,
      },
    ];
  }
  return container.ports.flatMap((port, index) =>
    before.ports.some((taken) => clash(port, taken))
      ? [
          {
            path: `${path}.ports.${index}`,
            message: `${port.host}/${port.protocol} is ${containerPath(other)}'s on the same machine already`,
          },
        ]
      : [],
  );
}

const projectOf = (name: string, container: ContainerConfig): string | undefined =>
  "compose" in container ? (container.compose.project ?? name) : undefined;
