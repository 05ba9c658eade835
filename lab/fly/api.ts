import { type Context, Hono } from "hono";
import type { ContentfulStatusCode } from "hono/utils/http-status";
import type { z } from "zod";
import { appRoutes } from "./app-api.ts";
import { flyFault } from "./faults.ts";
import { machineRoutes } from "./machine-api.ts";
import { FlyApiError, newId } from "./records.ts";
import type { World } from "./simulator.ts";

/** Adds a route; its handler's answer is sent as JSON, and what it throws as Fly words it. */
export type AddRoute = (
  method: "GET" | "POST" | "PUT" | "DELETE",
  path: string,
  handler: (request: ApiRequest) => object | undefined | Promise<object | undefined>,
) => void;

export interface ApiRequest {
  /** A part of the path. */
  param(name: string): string;
  query: URLSearchParams;
  header(name: string): string | undefined;
  /** The body against a schema; 400 when it does not fit. */
  body<T>(schema: z.ZodType<T>): T;
}

const base = "/v1";

/** Fly's machines API, with what every answer has in common: token, limits, faults, error bodies. */
export function routes(world: World): Hono {
  const app = new Hono();
  const limit = new Limits(world);
  const add: AddRoute = (method, path, handler) =>
    app.on(method, base + path, async (c) => {
      const below = new URL(c.req.url).pathname.slice(base.length);
      const answer = await answerTo(c, below, handler);
      world.requests.push(`${method} ${below} ${answer.status}`);
      return answer;
    });

  async function answerTo(c: Context, path: string, handler: Parameters<AddRoute>[2]): Promise<Response> {
    c.header("fly-request-id", newId(8));
    try {
      if (c.req.header("authorization") !== `Bearer ${world.token}`)
        throw new FlyApiError(401, "Authenticate: token validation error");
      const request = await read(c);
      limit.take(c.req.method, path);
      const fault = world.faults.take(
        "answer",
        (one) => (one.method ?? c.req.method) === c.req.method && new RegExp(`^(?:${one.path})$`).test(path),
      );
      const words = fault && new FlyApiError(fault.status, "the lab was asked for this", fault.code);
      if (fault?.when === "before") throw words;
      const answer = await handler(request);
      if (words) throw words;
      return answer === undefined ? c.body(null, 200) : c.json(answer);
    } catch (error) {
      if (!(error instanceof FlyApiError)) throw error;
      return c.json({ error: error.message, status: error.code }, error.status as ContentfulStatusCode);
    }
  }

  appRoutes(world, add);
  machineRoutes(world, add);
  app.post("/lab/faults", async (c) => {
    world.faults.add(flyFault.parse(await c.req.json()));
    return c.body(null, 204);
  });
  app.notFound((c) => c.json({ error: "404 page not found", status: "unknown" }, 404));
  return app;
}

async function read(c: Context): Promise<ApiRequest> {
  const text = await c.req.text();
  return {
    param: (name) => c.req.param(name) ?? "",
    query: new URL(c.req.url).searchParams,
    header: (name) => c.req.header(name),
    body: (schema) => {
      let value: unknown;
      try {
        value = text === "" ? {} : JSON.parse(text);
      } catch {
        throw new FlyApiError(400, "unable to decode body");
      }
      const parsed = schema.safeParse(value);
      if (parsed.success) return parsed.data;
      const issue = parsed.error.issues[0];
      throw new FlyApiError(400, `invalid ${issue?.path.join(".")}: ${issue?.message}`);
    },
  };
}

/** One request a second of each action per machine, three at once; to read one, five and ten. */
class Limits {
  readonly #world: World;
  readonly #spent = new Map<string, { left: number; at: number }>();

  constructor(world: World) {
    this.#world = world;
  }

  take(method: string, path: string): void {
    const [, machine, action = ""] = /^\/apps\/[^/]+\/machines\/([^/]+)(\/[a-z]+)?/.exec(path) ?? [];
    if (machine === undefined) return;
    const [perSecond, burst] = method === "GET" && action === "" ? [5, 10] : [1, 3];
    const key = `${method} ${machine}${action}`;
    const now = this.#world.clock.now();
    const { left, at } = this.#spent.get(key) ?? { left: burst, at: now };
    // Half a request of grace, as two clocks never agree.
    const has = Math.min(burst, left + ((now - at) / 1000) * perSecond) + 0.5;
    if (has < 1) throw new FlyApiError(429, "rate limit exceeded");
    this.#spent.set(key, { left: has - 1.5, at: now });
  }
}
