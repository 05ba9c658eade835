import { createAdaptorServer, type ServerType } from "@hono/node-server";
import type { RunningCloud } from "./cloud.ts";

/**
 * Milliseconds a connection may idle. Node's own five seconds cut off clients that pause between two requests and do not try a POST
 * again on another connection.
 */
const keepAliveTimeout = 75_000;

/** The API over HTTP, yet to listen. */
export function apiServer(app: RunningCloud["app"]): ServerType {
  return createAdaptorServer({ fetch: app.fetch, serverOptions: { keepAliveTimeout } });
}
