import type { ServerConfig } from "../host.ts";
import type { RunningServer } from "../running.ts";
import { type Change, loss, refused, refusedChange, type Situation } from "./change.ts";
import { type Findings, hostPath, serverName } from "./context.ts";
import { sharedChanges } from "./shared-changes.ts";
import { volumeChanges } from "./volume-changes.ts";

/** Everything the stack would do to what runs that is refused, loses something, or is felt on the host. */
export function changesOf(situation: Situation): Change[] {
  const { stack, running } = situation;
  if (!running) return [];
  const servers = running.servers.flatMap((server) => {
    const host = server.host ?? hostNamed(stack, server.name);
    return host === undefined ? [] : serverChanges(situation, host, server);
  });
  return [
    ...servers,
    ...running.volumes.flatMap((volume) => volumeChanges(situation, volume)),
    ...sharedChanges(situation, running),
  ];
}

/** Refusals as problems, the rest as lines for people. */
export function checkChanges(situation: Situation): Findings {
  const found: Findings = { problems: [], notes: [] };
  for (const change of changesOf(situation)) {
    if (change.effect === "refused") found.problems.push(change.problem);
    else if (change.effect === "loss")
      found.notes.push(`${change.of}: ${change.what}: LOST: ${change.loses}`);
    else if (change.effect === "power cycle")
      found.notes.push(`${change.of}: ${change.what}: the server is powered off and on again`);
    else
      found.notes.push(
        `${change.of}: ${change.what}: every host leaves it and comes back under another address`,
      );
  }
  return found;
}

const hostNamed = (stack: string, name: string): string | undefined =>
  name.startsWith(`${stack}-`) ? name.slice(stack.length + 1) : undefined;

function serverChanges({ stack, config }: Situation, host: string, running: RunningServer): Change[] {
  const wanted = Object.hasOwn(config.hosts, host) ? config.hosts[host] : undefined;
  const disk = `the disk of ${running.name}`;
  const guard = { wanted: config.protect, there: running.protected };
  if (!wanted?.server) {
    const what = wanted ? "it becomes an existing machine" : "it is deleted";
    return [loss({ of: host, what, loses: disk, path: hostPath(host), guard })];
  }

  const { server } = wanted;
  const path = `${hostPath(host)}.server`;
  if (server.location !== running.location)
    return [
      loss({
        of: host,
        what: `it moves from ${running.location} to ${server.location}`,
        loses: `${disk} and its addresses`,
        path: `${path}.location`,
        guard,
      }),
    ];
  return [
    ...typeChanges(host, server, running),
    ...backupChanges(host, path, server, running),
    ...placementChanges(stack, host, path, server, running),
    ...addressChanges(config.protect, host, path, server, running),
  ];
}

function typeChanges(host: string, server: ServerConfig, running: RunningServer): Change[] {
  if (server.type === running.type) return [];
  const what = `its type changes from ${running.type} to ${server.type}`;
  return [{ of: host, what, effect: "power cycle" }];
}

function backupChanges(host: string, path: string, server: ServerConfig, running: RunningServer): Change[] {
  if (server.backups || !running.backups) return [];
  const what = "its backups are switched off";
  const loses = `the backups of ${running.name}`;
  if (server.deleteBackups) return [{ of: host, what, effect: "loss", loses }];
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
  const wanted = server.placement === undefined ? null : serverName(stack, server.placement);
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
    if (server[family]) return [{ of: host, what: `it gets an ${name} address`, effect: "power cycle" }];
    const what = `it gives up its ${name} address`;
    const lost = loss({
      of: host,
      what,
      loses: `the ${name} address of ${running.name}, for ever`,
      path: `${path}.${family}`,
      guard: { wanted: protect, there: running.protected },
    });
    return refusedChange(lost) ? [lost] : [lost, { of: host, what, effect: "power cycle" }];
  });
}
