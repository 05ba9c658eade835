import pRetry from "p-retry";
import { type Action, actionsOf, type Json } from "./api.ts";
import { entity, insist, labelsBody, type Place, protect, put } from "./entity.ts";
import { ApiError } from "./errors.ts";
import type { Work } from "./resource.ts";
import { against } from "./retry.ts";

interface Volume {
  id: number;
  name: string;
  size: number;
  server: number | null;
  location: { name: string };
  labels: Record<string, string>;
  linux_device: string;
  protection: { delete: boolean };
}

/** How often an order is repeated while its server is locked; the real provider knows no end. */
const LOCKED_REPEATS = 60;

/** `hcloud:index/volume:Volume`. */
export const volume = entity<Volume>({
  collection: "volumes",
  thing: "volume",
  attributes: {
    name: { kind: "text" },
    size: { kind: "number", required: true },
    location: { kind: "text", computed: true, replaces: true },
    serverId: { kind: "number", computed: true },
    labels: { kind: "labels" },
    linuxDevice: { kind: "text", output: true },
    automount: { kind: "boolean" },
    format: { kind: "text" },
    deleteProtection: { kind: "boolean", default: false },
  },
  order: ({ wanted }) => ({
    name: wanted.name,
    size: wanted.size,
    ...(wanted.serverId ? { server: wanted.serverId } : {}),
    ...(wanted.location ? { location: wanted.location } : {}),
    ...labelsBody(wanted),
    ...(wanted.automount ? { automount: true } : {}),
    ...(wanted.format ? { format: wanted.format } : {}),
  }),
  post: (body, { api, signal }) =>
    pRetry(() => api.post("/volumes", body, signal), {
      retries: LOCKED_REPEATS,
      minTimeout: api.patience / 10,
      factor: 1,
      signal,
      shouldRetry: ({ error }) => against("locked")(error),
    }),
  settle: settleOrder,
  state: (found) => ({
    name: found.name,
    size: found.size,
    location: found.location.name,
    labels: found.labels,
    linuxDevice: found.linux_device,
    deleteProtection: found.protection.delete,
    // A volume that was detached behind its back keeps its server in the real provider's state.
    ...(found.server !== null && { serverId: found.server }),
  }),
  changes: {
    name: put("name"),
    serverId: moveVolume,
    size: ({ path, work: { api, wanted, signal } }) =>
      api.act(`${path}/actions/resize`, { size: wanted.size }, signal),
    labels: put("labels"),
    deleteProtection: protect,
  },
  release: async ({ path, work }, found) => {
    if (found.server !== null) await insist(`${path}/actions/detach`, undefined, work);
  },
  delete: { gone: ["not_found"], tries: 5 },
});

/** An attachment that met a locked server is asked for again. */
async function settleOrder(answer: Json, work: Work): Promise<void> {
  const { api, wanted, signal } = work;
  await api.settle(actionsOf({ action: answer.action }), signal);
  for (const next of (answer.next_actions as Action[] | undefined) ?? []) {
    try {
      await api.settle([next], signal);
    } catch (error) {
      const locked = error instanceof ApiError && error.words.includes("locked");
      if (next.command !== "attach_volume" || !locked) throw error;
      const { id } = answer.volume as Volume;
      await insist(`/volumes/${id}/actions/attach`, { server: wanted.serverId }, work);
    }
  }
}

async function moveVolume({ path, work }: Place, found: Volume): Promise<void> {
  const { serverId, automount } = work.wanted;
  if (!serverId || found.server !== null) await insist(`${path}/actions/detach`, undefined, work);
  if (!serverId) return;
  const body = { server: serverId, ...(automount ? { automount: true } : {}) };
  await insist(`${path}/actions/attach`, body, work);
}
