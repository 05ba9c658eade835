import { setTimeout as sleep } from "node:timers/promises";
import { z } from "zod";
import { Failure } from "../failure.ts";
import type { HetznerApi } from "./api.ts";

const action = z.object({
  id: z.int(),
  status: z.enum(["running", "success", "error"]),
  error: z.object({ message: z.string() }).nullish(),
});

/** The part of Hetzner's API that changes something and tells when it is done. */
export type ActingApi = Pick<HetznerApi, "get" | "list" | "change">;

export interface ActOptions {
  /** What is done, for errors and while it is waited for, e.g. "take a snapshot of server 4711". */
  what: string;
  /** When it has to be done, in milliseconds since 1970. */
  until: number;
  /** Milliseconds between two looks. @default 1000 */
  pause?: number;
  signal?: AbortSignal | undefined;
  /** Ordered twice it would be done twice: an order whose answer is lost is not repeated. */
  once?: boolean;
}

const acted = z.object({ action });

/**
 * Orders an action and waits for its end. While the resource is locked by another one it is ordered again.
 * @param schema what the answer holds beside the action
 */
export async function act<T extends z.ZodType>(
  api: ActingApi,
  path: string,
  body: object,
  schema: T,
  options: ActOptions,
): Promise<z.output<T>> {
  const { what, until, pause = 1_000, signal } = options;
  const answer = z.intersection(acted, schema);
  const ordered = await changeUnlocked(api, "POST", path, body, answer, options);
  let state = ordered.action;
  while (state.status === "running") {
    if (Date.now() >= until) throw failure(what, "it did not end in time");
    await sleep(pause, undefined, { signal });
    state = (await api.get(`/actions/${state.id}`, acted)).action;
  }
  if (state.status === "error") throw failure(what, state.error?.message ?? "Hetzner gives no reason");
  return ordered;
}

/** Pull a server's plug and put it back. */
export async function resetServer(
  api: ActingApi,
  serverId: string,
  options: Omit<ActOptions, "what">,
): Promise<void> {
  const what = `reset server ${serverId}`;
  await act(api, `/servers/${serverId}/actions/reset`, {}, z.object({}), { ...options, what });
}

/** Asks for a change, again and again while the resource is locked by an action. */
export async function changeUnlocked<T extends z.ZodType>(
  api: ActingApi,
  method: "POST" | "PUT",
  path: string,
  body: object,
  schema: T,
  { what, until, pause = 1_000, signal, once = false }: ActOptions,
): Promise<z.output<T>> {
  for (;;) {
    const changed = await api.change(method, path, body, schema, once);
    if (changed !== "locked") return changed;
    if (Date.now() >= until) throw failure(what, "it was locked by another action all the time");
    await sleep(pause, undefined, { signal });
  }
}

const failure = (tried: string, cameBack: string) =>
  new Failure({ tried, cameBack, next: "look at it in Hetzner's console, then run pulumi up again" });
