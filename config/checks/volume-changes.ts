import type { Running } from "../running.ts";
import { type Change, loss, refused, type Situation } from "./change.ts";
import { hostPath, serverName } from "./context.ts";

/** What the stack would do to a volume that is there: it never shrinks, and never leaves its location. */
export function volumeChanges(
  { stack, config }: Situation,
  { name, size, location, protected: there }: Running["volumes"][number],
): Change[] {
  const guard = { wanted: config.protect, there };
  const loses = `what the volume ${name} holds`;
  for (const [host, { server, volumes }] of Object.entries(config.hosts)) {
    for (const [volume, wanted] of Object.entries(volumes)) {
      if (`${serverName(stack, host)}-${volume}` !== name) continue;
      const path = `${hostPath(host)}.volumes.${volume}`;
      if (server && server.location !== location) {
        const what = `its volume ${volume} is replaced by an empty one, as it cannot leave ${location}`;
        return [loss({ of: host, what, loses, path, guard })];
      }
      if (wanted >= size) return [];
      return [
        refused(host, `its volume ${volume} shrinks`, {
          path,
          message: `the volume ${name} has ${size} GB and cannot shrink to ${wanted}; make another one and copy what it holds`,
          example: String(size),
        }),
      ];
    }
  }
  const host = Object.keys(config.hosts).find((one) => name.startsWith(`${serverName(stack, one)}-`));
  const path = host === undefined ? "berth:hosts" : `${hostPath(host)}.volumes`;
  return [loss({ of: host ?? name, what: `the volume ${name} is deleted`, loses, path, guard })];
}
