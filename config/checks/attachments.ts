import type { Problem } from "../problems.ts";
import { type Context, hostPath, type MatchedHost } from "./context.ts";

/** Hetzner's limits. */
const mostInGroup = 10;
const mostVolumes = 16;

/** What hangs on a server, and what only a server that this stack orders can have. */
export function checkAttachments({ hosts }: Pick<Context, "hosts">): Problem[] {
  return [...hosts.flatMap(checkServer), ...hosts.flatMap(checkExisting), ...checkPlacement(hosts)];
}

function checkServer({ name, settings: { server, volumes, reverseDns } }: MatchedHost): Problem[] {
  if (!server) return [];
  const path = hostPath(name);
  const count = Object.keys(volumes).length;
  return [
    ...(server.ipv4 || server.ipv6
      ? []
      : [
          {
            path: `${path}.server`,
            message:
              "ipv4 and ipv6 are both false, and then nobody reaches the server to install it; keep one of them",
            example: "{ ipv4: false, ipv6: true }",
          },
        ]),
    ...(count > mostVolumes
      ? [
          {
            path: `${path}.volumes`,
            message: `${count} volumes; a server has ${mostVolumes} at most: make fewer and larger ones`,
          },
        ]
      : []),
    ...(reverseDns && !server.ipv4 && !server.ipv6
      ? [{ path: `${path}.reverseDns`, message: `${reverseDns}: the server has no address for it` }]
      : []),
  ];
}

/** Settings of things that Hetzner's API does to its own servers alone. */
const onlyOrdered = {
  firewall: "the cloud's firewall stands before servers that this stack orders; use the one of the system",
  volumes: "volumes are attached to servers that this stack orders",
  privateAddress: "the private network joins servers that this stack orders",
  reverseDns: "set it where the machine was ordered",
} as const;

function checkExisting({ name, settings }: MatchedHost): Problem[] {
  if (!settings.existing) return [];
  const keys = Object.keys(onlyOrdered) as (keyof typeof onlyOrdered)[];
  return keys
    .filter((key) => {
      const value = settings[key];
      return typeof value === "object" ? Object.keys(value).length > 0 : Boolean(value);
    })
    .map((key) => ({
      path: `${hostPath(name)}.${key}`,
      message: `${hostPath(name)} is an existing machine: ${onlyOrdered[key]}`,
    }));
}

function checkPlacement(hosts: readonly MatchedHost[]): Problem[] {
  const groups = new Map<string, string[]>();
  for (const { name, settings } of hosts) {
    const group = settings.server?.placement;
    if (group !== undefined) groups.set(group, [...(groups.get(group) ?? []), name]);
  }
  return [...groups].flatMap(([group, members]) =>
    members.length <= mostInGroup
      ? []
      : members.slice(mostInGroup).map((name) => ({
          path: `${hostPath(name)}.server.placement`,
          message: `${group} would have ${members.length} servers, and a placement group has ${mostInGroup} at most; use a second one`,
          example: `${group}-2`,
        })),
  );
}
