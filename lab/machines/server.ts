import { chmod, chown, rm } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import { getRequestListener } from "@hono/node-server";
import { Hono } from "hono";
import { z } from "zod";
import { BadRequest } from "./bad-request.ts";
import type { Machines } from "./machines.ts";
import { type Method, requests } from "./requests.ts";
import { lineOf } from "./run.ts";

/** The user and group that may give orders. */
export interface Owner {
  uid: number;
  gid: number;
}

/** Carries out one request whose arguments have been checked. The schemas are held against the driver's types in `requests.ts`. */
function dispatch(machines: Machines, quit: () => void, method: Method, args: unknown[]): unknown {
  if (method === "quit") return quit();
  const work: (...args: never[]) => unknown = machines[method];
  return work.apply(machines, args as never[]);
}

function isMethod(name: string): name is Method {
  return Object.hasOwn(requests, name);
}

/** One line about what is wrong with a request. */
function complaint(method: Method, error: z.ZodError): string {
  const [issue] = error.issues;
  const where = issue?.path.length ? `argument ${issue.path.join(".")}` : "arguments";
  return `${method}: ${where}: ${issue?.message ?? "not understood"}`;
}

/**
 * `POST /<method>` with `{ "args": [...] }`; answers `{ "result": ... }`, or `{ "error": "one line" }` with 400 for the
 * caller's mistakes and 500 for the rest.
 * @param quit called when the caller asks the daemon to end; the answer goes out first
 */
export function application(machines: Machines, quit: () => void): Hono {
  const app = new Hono();
  app.post("/:method", async (context) => {
    const method = context.req.param("method");
    if (!isMethod(method)) return context.json({ error: `there is no method ${method.slice(0, 40)}` }, 400);
    const body: unknown = await context.req.json().catch(() => null);
    const parsed = z.object({ args: requests[method] }).safeParse(body);
    if (!parsed.success) return context.json({ error: complaint(method, parsed.error) }, 400);
    const result = await dispatch(machines, quit, method, parsed.data.args);
    return context.json({ result: result ?? null });
  });
  app.notFound((context) => context.json({ error: "only POST /<method> is known" }, 400));
  app.onError((error, context) =>
    context.json({ error: lineOf(error) }, error instanceof BadRequest ? 400 : 500),
  );
  return app;
}

/** Listens on a unix socket that only its owner may use. */
export async function listen(app: Hono, socket: string, owner: Owner): Promise<Server> {
  const server = createServer(getRequestListener(app.fetch));
  await rm(socket, { force: true });
  // Between bind and chmod nobody else may connect.
  const mask = process.umask(0o177);
  try {
    await new Promise<void>((resolve, reject) => {
      server.once("error", reject);
      server.listen(socket, resolve);
    });
  } finally {
    process.umask(mask);
  }
  await chown(socket, owner.uid, owner.gid);
  await chmod(socket, 0o600);
  return server;
}
