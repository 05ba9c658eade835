import { createHash } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { z } from "zod";
import { Failure } from "../failure.ts";
import { type ActingApi, type ActOptions, act } from "./actions.ts";

/** Ties a snapshot to the reinstall it was taken for. */
const label = "berth-reinstall";
const image = z.object({ id: z.int(), status: z.string() });

export interface SnapshotOptions extends Omit<ActOptions, "what"> {
  stack: string;
  host: string;
  /** Hetzner's server id. */
  server: string;
  /** Value of the reinstall. */
  value: string;
}

/**
 * Takes a snapshot of a server's disk before it is reinstalled and waits until it is there; one that an earlier run has taken for the same
 * reinstall is enough. Volumes are no part of it.
 * @returns the image's id
 */
export async function snapshotBefore(api: ActingApi, options: SnapshotOptions): Promise<number> {
  const { stack, host, server, value, until, pause = 1_000, signal } = options;
  const what = `take a snapshot of server ${server} before it is reinstalled`;
  const digest = createHash("sha256")
    .update(JSON.stringify([server, value]))
    .digest("hex")
    .slice(0, 24);
  const selector = encodeURIComponent(`${label}=${digest}`);
  const query = `/images?type=snapshot&label_selector=${selector}`;
  let [taken] = await api.list(query, "images", image);
  if (!taken) {
    const body = {
      type: "snapshot",
      description: `${host} of stack ${stack} before its reinstall "${value}"`.slice(0, 255),
      labels: { "berth-stack": stack, "berth-host": host, [label]: digest },
    };
    ({ image: taken } = await act(api, `/servers/${server}/actions/create_image`, body, z.object({ image }), {
      ...options,
      what,
      // The next run finds by its label what this one has ordered without hearing of it.
      once: true,
    }));
  }
  const { id } = taken;
  for (;;) {
    const [now] = (await api.list(query, "images", image)).filter((one) => one.id === id);
    if (now?.status === "available") return id;
    if (!now || Date.now() >= until) {
      throw new Failure({
        tried: what,
        cameBack: now ? `its status is ${now.status}` : "it is gone again",
        next: "look at the project's snapshots in Hetzner's console, then run pulumi up again",
      });
    }
    await sleep(pause, undefined, { signal });
  }
}
