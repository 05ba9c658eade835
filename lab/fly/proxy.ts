import { Hono } from "hono";
import type { ContentfulStatusCode } from "hono/utils/http-status";
import { jsonAt, type MachineConfig } from "../../deployer/fly/shapes.ts";
import { checksWanted } from "./checks.ts";
import type { AppRecord, MachineRecord } from "./records.ts";
import type { World } from "./simulator.ts";

/** Whether the proxy sends people to a machine: it runs, is not cordoned, and passes its gating checks. */
export function takesTraffic(machine: MachineRecord): boolean {
  return (
    machine.state === "started" &&
    !machine.cordoned &&
    servicePort(machine.config) !== undefined &&
    gatesOf(machine.config).every((name) =>
      machine.checks.some((check) => check.name === name && check.status === "passing"),
    )
  );
}

/** Checks of services gate, and so do others of the kind "readiness"; the rest informs. */
const gatesOf = (config: MachineConfig): string[] =>
  checksWanted(config)
    .map(({ name }) => name)
    .filter(
      (name) => name.startsWith("servicecheck-") || jsonAt(config, "checks", name, "kind") === "readiness",
    );

const serviceOf = (config: MachineConfig) =>
  Array.isArray(config["services"]) ? config["services"][0] : undefined;

function servicePort(config: MachineConfig): number | undefined {
  const port = jsonAt(serviceOf(config), "internal_port");
  return typeof port === "number" ? port : undefined;
}

/** The app that is meant: by the header `fly-app`, or by its name at Fly as the Host. */
function appAsked(named: string | undefined, host: string | undefined): string {
  return named ?? /^([a-z0-9-]+)\.fly\.dev(?::\d+)?$/.exec(host ?? "")?.[1] ?? "";
}

/** What people meet: a request goes to the app that is meant, round its machines, and is not sent twice. */
export function proxy(world: World): Hono {
  let turn = 0;
  const app = new Hono();
  app.all("*", async (c) => {
    const record = world.apps.get(appAsked(c.req.header("fly-app"), c.req.header("host")));
    if (!record) return c.text("there is no such app", 404);
    const serving = [...record.machines.values()].filter(takesTraffic);
    const machine = serving[turn++ % Math.max(serving.length, 1)] ?? (await wake(world, record));
    if (!machine) return c.text("no machine takes traffic", 503);
    try {
      const answer = await world.driver.ask(machine.id, {
        port: servicePort(machine.config) ?? 0,
        method: c.req.method,
        path: new URL(c.req.url).pathname,
        headers: {},
      });
      c.header("fly-machine", machine.id);
      if (answer.type !== undefined) c.header("content-type", answer.type);
      return c.body(answer.body, answer.status as ContentfulStatusCode);
    } catch (error) {
      return c.text(`machine ${machine.id}: ${error instanceof Error ? error.message : String(error)}`, 502);
    }
  });
  return app;
}

/** A machine that stopped for want of requests, started for this one. */
async function wake(world: World, record: AppRecord): Promise<MachineRecord | undefined> {
  const sleeper = [...record.machines.values()].find(
    ({ state, cordoned, config }) =>
      state === "stopped" && !cordoned && jsonAt(serviceOf(config), "autostart") === true,
  );
  if (!sleeper) return undefined;
  await world.machines.start(record, sleeper);
  const until = world.clock.now() + 20_000;
  while (!takesTraffic(sleeper) && world.clock.now() < until) await world.clock.sleep(100);
  return takesTraffic(sleeper) ? sleeper : undefined;
}
