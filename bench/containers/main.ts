import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { incompressible } from "../../tests/lab/docker/images.ts";
import { dockerWorld } from "../../tests/lab/docker/world.ts";
import { startRegistry } from "../../tests/lab/image/registry.ts";
import { DelayLine } from "../delay-line.ts";
import { table } from "../table.ts";
import { type Case, type Cost, dockerWays, imagesOf, registryWays, type Way } from "./ways.ts";

/*
 * What it takes to bring an image to a host and to a registry: seconds, and bytes that leave this machine, beside skopeo, crane (where they are on
 * PATH) and docker load. Needs root and what the lab's tests need: `node bench/containers/main.ts`, in the lab's environment.
 */
const cases: Case[] = ["first", "same again", "one layer changed"];
const print = (text: string) => void process.stdout.write(`${text}\n`);

interface Measured {
  way: string;
  costs: Record<Case, Cost>;
}

async function measure(ways: readonly Way[], line: DelayLine, folder: string): Promise<Measured[]> {
  const measured: Measured[] = [];
  for (const way of ways) {
    // Of its own for each: nobody profits from what the one before has sent.
    const images = await imagesOf(
      join(folder, "images"),
      incompressible(40_000_000),
      incompressible(8_000_000),
    );
    await way.clean?.();
    const costs: Partial<Record<Case, Cost>> = {};
    for (const one of cases) {
      line.take();
      const started = performance.now();
      await way.bring(images[one]);
      costs[one] = { seconds: (performance.now() - started) / 1000, bytes: line.take().sent };
    }
    measured.push({ way: way.name, costs: costs as Record<Case, Cost> });
    await rm(join(folder, "images"), { recursive: true, force: true });
  }
  return measured;
}

function report(title: string, measured: readonly Measured[]): string {
  const [ours] = measured;
  const cell = (one: Measured, which: Case): string => {
    const { seconds, bytes } = one.costs[which];
    const own = ours?.costs[which] ?? { seconds, bytes };
    const times =
      one === ours ? "" : ` (× ${(seconds / own.seconds).toFixed(1)}, × ${(bytes / own.bytes).toFixed(1)})`;
    return `${seconds.toFixed(2)} s, ${(bytes / 1e6).toFixed(2)} MB${times}`;
  };
  const rows = measured.map((one) => [one.way, ...cases.map((which) => cell(one, which))]);
  return `## ${title}\n\n${table(["", ...cases], rows)}`;
}

const folder = await mkdtemp(join(tmpdir(), "berth-bench-containers-"));
const world = await dockerWorld(1);
const registry = await startRegistry();
const [toHost, toRegistry] = await Promise.all([
  DelayLine.open({ address: world.address, port: 22 }, 0),
  DelayLine.open({ address: "127.0.0.1", port: Number(registry.host.split(":")[1]) }, 0),
]);
try {
  const host = await measure(await dockerWays(world, toHost.port, folder), toHost, folder);
  const pushed = await measure(await registryWays(toRegistry.port, folder), toRegistry, folder);
  print(report("To a Docker host over ssh", host));
  print(report("To a registry", pushed));
} finally {
  await Promise.all([toHost.close(), toRegistry.close(), registry.stop()]);
  await world.close();
  await rm(folder, { recursive: true, force: true });
}
