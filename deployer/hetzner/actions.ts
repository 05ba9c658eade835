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
  { what, until, pause = 1_000, signal }: ActOptions,
): Promise<z.output<T>> {
  const answer = z.intersection(acted, schema);
  const late = (cameBack: string) =>
    new Failure({ tried: what, cameBack, next: "look at it in Hetzner's console, then run pulumi up again" });
  let ordered = await api.change("POST", path, body, answer);
  while (ordered === "locked") {
    if (Date.now() >= until) throw late("it was locked by another action all the time");
    await sleep(pause, undefined, { signal });
    ordered = await api.change("POST", path, body, answer);
  }
  let state = ordered.action;
  while (state.status === "running") {
    if (Date.now() >= until) throw late("it did not end in time");
    await sleep(pause, undefined, { signal });
    state = (await api.get(`/actions/${state.id}`, acted)).action;
  }
  if (state.status === "error") throw late(state.error?.message ?? "Hetzner gives no reason");
  return ordered;
}
