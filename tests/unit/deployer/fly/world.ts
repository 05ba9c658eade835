import { onTestFinished } from "vitest";
import { type FlyAppInput, parseFlyApp } from "../../../../config/fly.ts";
import { fastClock } from "../../../../deployer/clock.ts";
import { FlyApi } from "../../../../deployer/fly/api.ts";
import type { FlyOptions } from "../../../../deployer/fly/http.ts";
import type { FlyRelease } from "../../../../deployer/fly/release.ts";
import { MemoryDriver } from "../../../../lab/fly/memory-driver.ts";
import type { MachineRecord } from "../../../../lab/fly/records.ts";
import { startSimulator } from "../../../../lab/fly/simulator.ts";

/** How many times as fast everything goes: leases of 13 s last 2 s, which a busy machine still keeps up with. */
const times = 6;

export const token = "FlyV1 fm2_the-token-of-the-lab";
export const digests = Object.fromEntries(
  ["old", "good", "sick", "crashing", "lingering"].map((name, index) => [
    name,
    `sha256:${String(index + 1).repeat(64)}`,
  ]),
) as Record<"old" | "good" | "sick" | "crashing" | "lingering", string>;
export type ImageName = keyof typeof digests;

/** A simulated Fly with some images, an app that is made, and a probe that asks it as people do. */
export async function flyWorld() {
  const clock = fastClock(times);
  const driver = new MemoryDriver(clock);
  const says = (text: string) => (_: unknown, env: Record<string, string>) => ({
    status: 200,
    body: `${text} ${env["APP_ECHO_ME"] ?? ""}`.trim(),
  });
  driver.add(digests.old, { answer: says("old") });
  driver.add(digests.good, {
    answer: says("good"),
    ends: ({ command }) =>
      command[0] === "migrate" ? { after: 2000, exitCode: command[1] === "badly" ? 3 : 0 } : undefined,
  });
  driver.add(digests.sick, {
    answer: ({ path }) => ({ status: path === "/healthz" ? 500 : 200, body: "sick" }),
  });
  // Before it listens: one that answers its check first and crashes then has people see it, at Fly as well.
  driver.add(digests.crashing, {
    ...{ answer: says("crashing"), listensAfter: 1_000_000 },
    ends: () => ({ after: 1500, exitCode: 1 }),
  });
  driver.add(digests.lingering, { answer: says("lingering"), listensAfter: 1_000_000 });
  const simulator = await startSimulator({ token, driver, clock });
  onTestFinished(() => simulator.close());

  const said: string[] = [];
  const options: FlyOptions = {
    token,
    tokenFrom: "fly:token",
    endpoint: simulator.endpoint,
    clock,
    say: (line) => said.push(line),
  };
  const api = new FlyApi("shop", options);
  await api.create("personal");

  const release = (image: ImageName, change: Partial<FlyAppInput> = {}): FlyRelease => ({
    name: "shop",
    app: parseFlyApp({ ...app, ...change, deploy: { ...app.deploy, ...change.deploy } }),
    image: `registry.fly.io/shop@${digests[image]}`,
    architecture: "amd64",
  });
  const machines = (): MachineRecord[] =>
    [...(simulator.world.apps.get("shop")?.machines.values() ?? [])].filter(
      ({ state }) => state !== "destroyed",
    );
  /** "old old good": what runs, and how it stands in the traffic. */
  const running = (): string[] =>
    machines()
      .map(({ image, state, cordoned, region }) => {
        const name = Object.entries(digests).find(([, digest]) => digest === image.digest)?.[0] ?? "?";
        return `${name} ${region} ${state}${cordoned ? " cordoned" : ""}`;
      })
      .toSorted();
  return { ...simulator, driver, clock, options, api, said, release, machines, running };
}
export type FlyWorld = Awaited<ReturnType<typeof flyWorld>>;

/** Three machines with a check, and short waits. */
const app = {
  regions: { sea: 3 },
  image: { package: "site-image" },
  services: [{ internalPort: 8080, checks: [{ path: "/healthz", interval: 2, gracePeriod: 1 }] }],
  deploy: { waitTimeout: 25, steadyFor: 2, drain: 2 },
} satisfies FlyAppInput;

/** Asks the app all the time, until it is stopped; then tells what came back. */
export function probe({ proxy }: FlyWorld) {
  const answers: { status: number; body: string }[] = [];
  let on = true;
  const ask = async () => {
    while (on) {
      const answer = await fetch(proxy, { headers: { "fly-app": "shop" } }).catch(() => undefined);
      answers.push({ status: answer?.status ?? 0, body: (await answer?.text()) ?? "no answer" });
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  };
  const asking = Promise.all([ask(), ask(), ask()]);
  return {
    async stop() {
      on = false;
      await asking;
      const failed = answers.filter(({ status }) => status !== 200);
      return { asked: answers.length, failed, bodies: new Set(answers.map(({ body }) => body)) };
    },
  };
}
