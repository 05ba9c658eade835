import { entity, labelsBody, put } from "./entity.ts";

interface Image {
  type: string;
  description: string;
  labels: Record<string, string>;
  created_from: { id: number } | null;
}

/** `hcloud:index/snapshot:Snapshot`. */
export const snapshot = entity<Image>({
  collection: "images",
  thing: "image",
  attributes: {
    description: { kind: "text" },
    serverId: { kind: "number", required: true, replaces: true },
    labels: { kind: "labels" },
  },
  anyLabels: true,
  order: ({ wanted }) => ({
    type: "snapshot",
    description: wanted.description ?? "",
    ...labelsBody(wanted),
  }),
  post: (body, { api, wanted, signal }) =>
    api.post(`/servers/${wanted.serverId}/actions/create_image`, body, signal),
  state: ({ type, description, labels, created_from }) =>
    type === "snapshot"
      ? { description, labels, ...(created_from && { serverId: created_from.id }) }
      : undefined,
  changes: { description: put("description"), labels: put("labels") },
  blindUpdate: true,
  delete: { gone: ["not_found"] },
});
