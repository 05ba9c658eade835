import type { Cloud } from "./context.ts";
import { type ServerRecord, serverRecords } from "./records.ts";

/** Unused for so long, the rescue system is switched off; milliseconds. */
const unusedFor = 60 * 60 * 1000;

/** Whether the server's next boot is the rescue system. */
export function rescueEnabled(cloud: Pick<Cloud, "now">, server: ServerRecord): boolean {
  return server.rescue_since != null && cloud.now().getTime() - Date.parse(server.rescue_since) < unusedFor;
}

/** Has the next boot load the rescue system. */
export async function enableRescue(cloud: Cloud, server: ServerRecord, sshKeys: string[]): Promise<void> {
  await cloud.driver.setRescue(server.id, { sshKeys });
  serverRecords(cloud.store).change(server, { rescue_since: cloud.store.timestamp() });
}

export async function disableRescue(cloud: Cloud, server: ServerRecord): Promise<void> {
  await cloud.driver.setRescue(server.id, null);
  serverRecords(cloud.store).change(server, { rescue_since: null });
}

/** Boots a server by the given means; that uses up the rescue system, or takes it back when it waited too long. */
export async function boot(cloud: Cloud, server: ServerRecord, means: () => Promise<void>): Promise<void> {
  if (server.rescue_since != null && !rescueEnabled(cloud, server)) {
    await disableRescue(cloud, server);
  }
  await means();
  if (server.rescue_since != null) {
    serverRecords(cloud.store).change(server, { rescue_since: null });
  }
}
