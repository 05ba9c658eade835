import { expect, test } from "vitest";
import { type FlyAppInput, parseFlyApp } from "../../../config/fly.ts";
import { describeBilled, sizeName } from "../../../config/fly-sizes.ts";

test.each([
  ["shared", 1, 256, "shared-cpu-1x"],
  ["shared", 2, 1024, "shared-cpu-2x with 1024 MB"],
  ["performance", 4, 8192, "performance-4x"],
] as const)("%s cores, %i, with %i MB are %s", (cpuKind, cpus, memory, name) => {
  expect(sizeName({ cpuKind, cpus, memory })).toBe(name);
});

test("everything that is billed is told, and that its price is not known", () => {
  const app: FlyAppInput = {
    regions: { fra: 1, sea: 2 },
    image: { package: "site-image" },
    processes: { web: {}, worker: { regions: { sea: 1 }, guest: { cpuKind: "performance", memory: 2048 } } },
    services: [{ internalPort: 8080, processes: ["web"] }],
    mounts: [{ volume: "data", path: "/data", size: 10, processes: ["worker"] }],
    addresses: ["v6", "v4"],
  };
  expect(describeBilled("shop", parseFlyApp(app))).toBe(
    "shop at Fly: 1 machine shared-cpu-1x in fra, 2 machines shared-cpu-1x in sea, 1 machine performance-1x in sea, 1 of the volume data with 10 GB, an IPv4 address of its own; price unknown: Fly's API tells none, fly.io/docs/about/pricing does",
  );
});
