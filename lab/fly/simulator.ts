import type { AddressInfo } from "node:net";
import { createAdaptorServer } from "@hono/node-server";
import type { Hono } from "hono";
import { type Clock, realClock } from "../../deployer/clock.ts";
import { routes } from "./api.ts";
import type { GuestDriver } from "./driver.ts";
import { FlyFaults } from "./faults.ts";
import { Machines } from "./machines.ts";
import { proxy } from "./proxy.ts";
import type { AppRecord } from "./records.ts";

/** Everything there is in the simulated Fly. */
export interface World {
  apps: Map<string, AppRecord>;
  /** Names of apps that are another organisation's. */
  foreign: Set<string>;
  machines: Machines;
  driver: GuestDriver;
  faults: FlyFaults;
  clock: Clock;
  /** The one token that is let in. */
  token: string;
  /** Organisations that the token may make apps in. */
  organizations: Set<string>;
  /** Every request that was answered: "POST /apps/shop/machines 200". */
  requests: string[];
}

export interface Simulator {
  /** Of the API, with the version. */
  endpoint: string;
  /** Where people reach the apps, by the Host `<app>.fly.dev` or the header `fly-app`. */
  proxy: string;
  world: World;
  close(): Promise<void>;
}

export interface SimulatorOptions {
  token: string;
  driver: GuestDriver;
  clock?: Clock;
  organizations?: readonly string[];
  /** Names of apps that are another organisation's. @default none */
  foreign?: readonly string[];
}

/** Fly's machines API and its proxy on free ports of loopback. */
export async function startSimulator(options: SimulatorOptions): Promise<Simulator> {
  const { token, driver, clock = realClock, organizations = ["personal"], foreign = [] } = options;
  const faults = new FlyFaults();
  const world: World = {
    apps: new Map(),
    foreign: new Set(foreign),
    machines: new Machines(driver, clock, faults),
    driver,
    faults,
    clock,
    token,
    organizations: new Set(organizations),
    requests: [],
  };
  const api = await listen(routes(world));
  const people = await listen(proxy(world));
  return {
    endpoint: `${api.url}/v1`,
    proxy: people.url,
    world,
    async close() {
      world.machines.close();
      await Promise.all([api.close(), people.close()]);
    },
  };
}

async function listen(app: Hono): Promise<{ url: string; close: () => Promise<void> }> {
  const server = createAdaptorServer({ fetch: app.fetch });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        if ("closeAllConnections" in server) server.closeAllConnections();
      }),
  };
}
