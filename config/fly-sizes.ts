import type { FlyAppConfig, FlyGuest } from "./fly.ts";
import { addressesOf, isFor, processNames } from "./fly-rules.ts";

/** A size as Fly names it, with the memory where that is not the size's own, e.g. "shared-cpu-1x" or "shared-cpu-2x with 1024 MB". */
export function sizeName({ cpuKind, cpus, memory }: FlyGuest): string {
  const [name, own] = cpuKind === "shared" ? ["shared-cpu", 256] : ["performance", 2048];
  return `${name}-${cpus}x${memory === own * cpus ? "" : ` with ${memory} MB`}`;
}

/** What an app at Fly is billed for, e.g. "2 machines shared-cpu-1x in sea": Fly's API tells no prices. */
export function describeBilled(name: string, app: FlyAppConfig): string {
  const machines = processNames(app).flatMap((process) => {
    const own = app.processes[process];
    const size = sizeName(own?.guest ?? app.guest);
    return Object.entries(own?.regions ?? app.regions).map(
      ([region, count]) => `${count} ${count === 1 ? "machine" : "machines"} ${size} in ${region}`,
    );
  });
  const volumes = processNames(app).flatMap((process) => {
    const regions = app.processes[process]?.regions ?? app.regions;
    const count = Object.values(regions).reduce((sum, machines) => sum + machines, 0);
    return app.mounts
      .filter((mount) => isFor(mount, process))
      .map(({ volume, size }) => `${count} of the volume ${volume} with ${size} GB`);
  });
  const addresses = addressesOf(app)
    .filter((type) => type === "v4")
    .map(() => "an IPv4 address of its own");
  return `${name} at Fly: ${[...machines, ...volumes, ...addresses].join(", ")}; price unknown: Fly's API tells none, fly.io/docs/about/pricing does`;
}
