import type { ServerConfig } from "../host.ts";
import type { Problem } from "../problems.ts";
import type { RunningServer } from "../running.ts";
import { type Context, type Findings, hostPath, serverName } from "./context.ts";

/**
 * What a change of the configuration does to a server that runs, beyond an update that nobody notices:
 * `docs/changing-what-runs.md` has all of them.
 */
export type Change =
  | { host: string; what: string; effect: "power cycle" }
  | { host: string; what: string; effect: "loss"; loses: string }
  | { host: string; what: string; effect: "refused"; problem: Problem };

/** Everything the stack would do to what runs that is refused, loses something, or is felt on the host. */
export function changesOf(context: Pick<Context, "stack" | "config" | "running">): Change[] {
  const { stack, running } = context;
  if (!running) return [];
  const servers = running.servers.flatMap((server) => {
    const host = server.host ?? hostNamed(stack, server.name);
    return host === undefined ? [] : serverChanges(context, host, server);
  });
  return [...servers, ...running.volumes.flatMap((volume) => volumeChanges(context, volume))];
}

/** Refusals as problems, the rest as lines for people. */
export function checkChanges(context: Pick<Context, "stack" | "config" | "running">): Findings {
  const found: Findings = { problems: [], notes: [] };
  for (const change of changesOf(context)) {
    if (change.effect === "refused") found.problems.push(change.problem);
    else if (change.effect === "loss")
      found.notes.push(`${change.host}: ${change.what}: LOST: ${change.loses}`);
    else found.notes.push(`${change.host}: ${change.what}: the server is powered off and on again`);
  }
  return found;
}

const hostNamed = (stack: string, name: string): string | undefined =>
  name.startsWith(`${stack}-`) ? name.slice(stack.length + 1) : undefined;

/** How to do what `berth:protect` keeps from happening. */
const unprotect =
  "to lose it, set berth:protect to false, run pulumi up once, and then make this change (set it back after)";

function serverChanges(
  { stack, config }: Pick<Context, "stack" | "config">,
  host: string,
  running: RunningServer,
): Change[] {
  const wanted = Object.hasOwn(config.hosts, host) ? config.hosts[host] : undefined;
  const disk = `the disk of ${running.name}`;
  const perhaps = (what: string, loses: string, path: string): Change =>
    config.protect
      ? refused(host, what, {
          path,
          message: `${what}, which loses ${loses}, and berth:protect is true: ${unprotect}`,
        })
      : { host, what, effect: "loss", loses };
  if (!wanted?.server)
    return [perhaps(wanted ? "it becomes an existing machine" : "it is deleted", disk, hostPath(host))];

  const { server } = wanted;
  const path = `${hostPath(host)}.server`;
  if (server.location !== running.location)
    return [
      perhaps(
        `it moves from ${running.location} to ${server.location}`,
        `${disk} and its addresses`,
        `${path}.location`,
      ),
    ];
  return [
    ...(server.type === running.type
      ? []
      : [
          {
            host,
            what: `its type changes from ${running.type} to ${server.type}`,
            effect: "power cycle" as const,
          },
        ]),
    ...backupChanges(host, path, server, running),
    ...placementChanges(stack, host, path, server, running),
    ...addressChanges(config.protect, host, path, server, running),
  ];
}

function backupChanges(host: string, path: string, server: ServerConfig, running: RunningServer): Change[] {
  if (server.backups || !running.backups) return [];
  const what = "its backups are switched off";
  const loses = `the backups of ${running.name}`;
  if (server.deleteBackups) return [{ host, what, effect: "loss", loses }];
  return [
    refused(host, what, {
      path: `${path}.backups`,
      message: `switching backups off deletes those that ${running.name} has; if that is wanted, say so beside it`,
      example: "{ backups: false, deleteBackups: true }",
    }),
  ];
}

function placementChanges(
  stack: string,
  host: string,
  path: string,
  server: ServerConfig,
  running: RunningServer,
): Change[] {
  const wanted = server.placement === undefined ? null : `${stack}-${server.placement}`;
  if (wanted === running.placement || running.status === "off") return [];
  const what = `its placement group changes from ${running.placement ?? "none"} to ${wanted ?? "none"}`;
  return [
    refused(host, what, {
      path: `${path}.placement`,
      message: `${running.name} runs, and Hetzner moves a server from or into a placement group only while it is off: switch it off (hcloud server shutdown ${running.name}), then run pulumi up, which switches it on`,
    }),
  ];
}

function addressChanges(
  protect: boolean,
  host: string,
  path: string,
  server: ServerConfig,
  running: RunningServer,
): Change[] {
  return (["ipv4", "ipv6"] as const).flatMap((family): Change[] => {
    if (server[family] === running[family]) return [];
    const name = family === "ipv4" ? "IPv4" : "IPv6";
    if (server[family]) return [{ host, what: `it gets an ${name} address`, effect: "power cycle" }];
    const what = `it gives up its ${name} address`;
    const loses = `the ${name} address of ${running.name}, for ever`;
    if (protect)
      return [
        refused(host, what, {
          path: `${path}.${family}`,
          message: `${what} and loses it for ever, and berth:protect is true: ${unprotect}`,
        }),
      ];
    return [
      { host, what, effect: "loss", loses },
      { host, what, effect: "power cycle" },
    ];
  });
}

function volumeChanges(
  { stack, config }: Pick<Context, "stack" | "config">,
  { name, size, location }: { name: string; size: number; location: string },
): Change[] {
  for (const [host, { server, volumes }] of Object.entries(config.hosts)) {
    for (const [volume, wanted] of Object.entries(volumes)) {
      if (`${serverName(stack, host)}-${volume}` !== name) continue;
      if (server && server.location !== location)
        return movedVolume(config.protect, host, volume, name, location);
      if (wanted >= size) return [];
      return [
        refused(host, `its volume ${volume} shrinks`, {
          path: `${hostPath(host)}.volumes.${volume}`,
          message: `the volume ${name} has ${size} GB and cannot shrink to ${wanted}; make another one and copy what it holds`,
          example: String(size),
        }),
      ];
    }
  }
  const host = Object.keys(config.hosts).find((one) => name.startsWith(`${serverName(stack, one)}-`));
  const what = `the volume ${name} is deleted`;
  const loses = `what the volume ${name} holds`;
  if (!config.protect) return [{ host: host ?? name, what, effect: "loss", loses }];
  return [
    refused(host ?? name, what, {
      path: host === undefined ? "berth:hosts" : `${hostPath(host)}.volumes`,
      message: `without its entry the volume ${name} is deleted, and berth:protect is true: ${unprotect}`,
    }),
  ];
}

function movedVolume(
  protect: boolean,
  host: string,
  volume: string,
  name: string,
  location: string,
): Change[] {
  const what = `its volume ${volume} is replaced by an empty one, as it cannot leave ${location}`;
  // The server that moves is refused already, and named.
  return protect ? [] : [{ host, what, effect: "loss", loses: `what the volume ${name} holds` }];
}

const refused = (host: string, what: string, problem: Problem): Change => ({
  host,
  what,
  effect: "refused",
  problem,
});
