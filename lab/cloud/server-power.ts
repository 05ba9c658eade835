import { ActionFailure } from "./actions.ts";
import type { Cloud } from "./context.ts";
import type { MachineSpec } from "./driver.ts";
import { addressesOf } from "./primary-ips.ts";
import { type ServerRecord, type ServerStatus, serverRecords } from "./records.ts";
import { boot } from "./rescue.ts";
import { reason } from "./store.ts";

const statusPatience = 3000;
const pollEvery = 500;

/** What the driver needs to lay a server's image. */
export function specOf(cloud: Cloud, server: ServerRecord): MachineSpec {
  const { ipv4, ipv6 } = addressesOf(cloud, server.id);
  return {
    id: server.id,
    name: server.name,
    image: cloud.catalogue().images.find(({ id }) => id === server.image)?.name ?? server.image,
    ipv4: ipv4?.ip ?? null,
    ipv6: ipv6?.ip ?? null,
    mac: server.mac,
    sshKeys: server.ssh_keys,
    userData: server.user_data,
  };
}

/**
 * The status to show: while an action runs the one it set, else what the driver sees, because guests power off by themselves.
 * `unknown` when the driver does not answer.
 */
export async function statusNow(cloud: Cloud, server: ServerRecord): Promise<ServerStatus> {
  if (!server.has_machine || cloud.actions.isLocked(server.id)) {
    return server.status;
  }
  const serial = cloud.actions.lockSerial(server.id);
  const seen = await within(statusPatience, cloud.driver.status(server.id)).catch(() => undefined);
  if (cloud.actions.lockSerial(server.id) !== serial) {
    return server.status;
  }
  if (seen === undefined) {
    return "unknown";
  }
  const status = seen === "running" ? "running" : "off";
  if (server.status !== status) {
    setStatus(cloud, server, status);
  }
  return status;
}

export function setStatus(cloud: Cloud, server: ServerRecord, status: ServerStatus): void {
  serverRecords(cloud.store).change(server, { status });
  cloud.store.tryFlush();
}

/** Shows `during` while the work runs, then `after`; the old status again when it fails. */
async function passThrough(
  cloud: Cloud,
  server: ServerRecord,
  statuses: { during: ServerStatus; after: ServerStatus },
  work: () => Promise<void>,
): Promise<void> {
  const before = server.status;
  setStatus(cloud, server, statuses.during);
  try {
    await work();
  } catch (error) {
    setStatus(cloud, server, before);
    throw error;
  }
  setStatus(cloud, server, statuses.after);
}

export async function powerOn(cloud: Cloud, server: ServerRecord): Promise<void> {
  if ((await cloud.driver.status(server.id)) === "running") {
    return setStatus(cloud, server, "running");
  }
  await passThrough(cloud, server, { during: "starting", after: "running" }, async () => {
    await cloud.firewalls.push();
    await boot(cloud, server, () => cloud.driver.start(server.id));
  });
}

export async function powerOff(cloud: Cloud, server: ServerRecord): Promise<void> {
  await passThrough(cloud, server, { during: "stopping", after: "off" }, () => cloud.driver.stop(server.id));
}

/** Asks the guest to shut down, waits until it did, and powers on. */
export async function reboot(cloud: Cloud, server: ServerRecord): Promise<void> {
  await ensureRunning(cloud, server);
  await cloud.driver.shutdown(server.id);
  const deadline = Date.now() + cloud.shutdownPatience;
  while ((await cloud.driver.status(server.id)) === "running") {
    if (Date.now() > deadline) {
      throw new ActionFailure(
        "timeout",
        `server did not shut down within ${cloud.shutdownPatience / 1000} s`,
      );
    }
    await new Promise((resolve) => setTimeout(resolve, pollEvery));
  }
  await passThrough(cloud, server, { during: "starting", after: "running" }, () =>
    boot(cloud, server, () => cloud.driver.start(server.id)),
  );
}

/** Asks the guest to shut down. Done when asked, not when off. */
export async function shutdown(cloud: Cloud, server: ServerRecord): Promise<void> {
  if ((await cloud.driver.status(server.id)) === "running") {
    await cloud.driver.shutdown(server.id);
  }
}

export async function reset(cloud: Cloud, server: ServerRecord): Promise<void> {
  await ensureRunning(cloud, server);
  await passThrough(cloud, server, { during: "starting", after: "running" }, () =>
    boot(cloud, server, () => cloud.driver.reset(server.id)),
  );
}

/** Lays the image the record names anew and starts it. */
export async function rebuild(cloud: Cloud, server: ServerRecord): Promise<void> {
  await passThrough(cloud, server, { during: "rebuilding", after: "running" }, async () => {
    await cloud.driver.stop(server.id);
    await cloud.driver.rebuild(specOf(cloud, server));
    await boot(cloud, server, () => cloud.driver.start(server.id));
  });
}

/** Tells the driver the addresses of a machine that is off. */
export async function reconfigure(cloud: Cloud, server: ServerRecord): Promise<void> {
  await cloud.driver.configure(specOf(cloud, server));
  await cloud.firewalls.push();
}

/** Brings the driver to what the store says: rules first, then every server that was running. Call once at start. */
export async function resume(cloud: Cloud): Promise<void> {
  for (const server of serverRecords(cloud.store).all()) {
    // An interrupted order leaves a server that can only be deleted or rebuilt.
    if (["initializing", "rebuilding", "stopping"].includes(server.status)) {
      setStatus(cloud, server, "off");
    }
  }
  await cloud.firewalls.push();
  const wanted = serverRecords(cloud.store)
    .all()
    .filter(({ status }) => status === "running" || status === "starting");
  await Promise.all(
    wanted.map((server) =>
      powerOn(cloud, server).catch((error) => {
        setStatus(cloud, server, "off");
        cloud.log(`cloud: server ${server.name} (${server.id}) could not be started again: ${reason(error)}`);
      }),
    ),
  );
}

async function ensureRunning(cloud: Cloud, server: ServerRecord): Promise<void> {
  if ((await cloud.driver.status(server.id)) !== "running") {
    throw new ActionFailure("action_failed", "server is off");
  }
}

function within<T>(milliseconds: number, promise: Promise<T>): Promise<T> {
  return Promise.race([
    promise,
    new Promise<never>((_, reject) => {
      setTimeout(() => reject(new Error(`no answer within ${milliseconds / 1000} s`)), milliseconds).unref();
    }),
  ]);
}
