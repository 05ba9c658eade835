import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import type { HealthCheck, HostManifest } from "../config/manifest.ts";
import type { SshTarget } from "../deployer/ssh/config.ts";
import type { Lab } from "../lab/lab.ts";
import { builtSystem, LabServer } from "../tests/e2e/installing.ts";
import { until } from "../tests/lab/system/host.ts";
import type { Delays } from "./delays.ts";
import { copyAndSwitch } from "./floor.ts";
import { type BenchSystem, Systems } from "./systems.ts";

/** A host as both contestants reach it, on one of its ways. */
export interface BenchHost {
  target: SshTarget;
  /** What tells that it is well, asked from here. */
  health: HealthCheck[];
  /** Port of the delay line to its sshd; undefined where there is none on this way. */
  line: number | undefined;
}

/** The hosts of a run and what is common to them. */
export interface BenchHosts {
  system: HostManifest["system"];
  systems: Systems;
  /** The first `count` hosts, `roundTrip` milliseconds away. */
  reach: (count: number, roundTrip: number) => Promise<BenchHost[]>;
}

/** Install one host with the benchmark's system, and make the others from its disk. */
export async function makeHosts(
  lab: Lab,
  delays: Delays,
  count: number,
  say: (line: string) => void,
  signal: AbortSignal,
): Promise<BenchHosts> {
  const manifest = await builtSystem(lab);
  const systems = new Systems(manifest.toplevel.out, lab.places.folder, lab.env);
  say("building the first version: about 200 paths, 230 MB");
  const first = await systems.fresh("app");
  signal.throwIfAborted();
  say("installing the first host");
  const server = await installed(lab, manifest, first);
  signal.throwIfAborted();
  const servers = [server];
  if (count > 1) {
    say(`making ${count - 1} more from its disk`);
    const image = await snapshotOf(server);
    for (let number = 2; number <= count; number++) {
      servers.push(
        await LabServer.order(lab, manifest, `bench-${number}`, { order: { image }, former: server }),
      );
    }
    await Promise.all(servers.map((one) => one.answers("lasting")));
  }
  const checks = manifest.health.filter(({ http }) => http !== undefined);
  return {
    system: manifest.system,
    systems,
    reach: (wanted, roundTrip) =>
      Promise.all(servers.slice(0, wanted).map((one) => reach(one, checks, delays, roundTrip))),
  };
}

async function installed(lab: Lab, manifest: HostManifest, first: BenchSystem): Promise<LabServer> {
  await mkdir(join(lab.places.folder, "test"), { recursive: true });
  const server = await LabServer.order(lab, manifest, "bench-1");
  await server.answers();
  const ended = await server.start(server.document());
  if (ended.exitCode !== 0) throw new Error(`the first host could not be installed:\n${ended.all}`);
  await copyAndSwitch(targetOf(server), first, lab.env);
  return server;
}

async function snapshotOf(server: LabServer): Promise<number> {
  const started = (await server.api("POST", `/servers/${server.id}/actions/create_image`, {
    type: "snapshot",
  })) as { image: { id: number } };
  await until("the snapshot", 120_000, async () => {
    const { image } = (await server.api("GET", `/images/${started.image.id}`)) as {
      image: { status: string };
    };
    return image.status === "available" ? true : undefined;
  });
  return started.image.id;
}

const targetOf = (server: LabServer): SshTarget => ({
  stack: "bench",
  host: `bench-${server.id}`,
  address: server.ipv4,
  port: 22,
  user: "root",
  hostKeys: [server.lasting.publicKey],
  loginKey: server.login.privateKey,
});

async function reach(
  server: LabServer,
  checks: HealthCheck[],
  delays: Delays,
  roundTrip: number,
): Promise<BenchHost> {
  const target = targetOf(server);
  if (roundTrip === 0) return { target, health: checks, line: undefined };
  const line = await delays.open(server.ipv4, 22, roundTrip);
  const health = await Promise.all(
    checks.map(async (check) => {
      const url = new URL(check.http ?? "");
      url.port = String(await delays.open(server.ipv4, Number(url.port || 80), roundTrip));
      return { ...check, http: url.href };
    }),
  );
  return { target: { ...target, address: "127.0.0.1", port: line }, health, line };
}
