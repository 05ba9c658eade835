import { problem } from "./check.ts";
import { entity, labelsBody, put } from "./entity.ts";

interface PlacementGroup {
  name: string;
  type: string;
  labels: Record<string, string>;
  servers: number[];
}

/** `hcloud:index/placementGroup:PlacementGroup`. */
export const placementGroup = entity<PlacementGroup>({
  collection: "placement_groups",
  thing: "placement_group",
  attributes: {
    name: { kind: "text" },
    labels: { kind: "labels" },
    type: { kind: "text", required: true },
    servers: { kind: "numbers", output: true },
  },
  validate: ({ type }, call) =>
    type === undefined || type === "spread"
      ? []
      : [problem(call.name, "type", `${type} is not a valid placement group type`)],
  order: ({ wanted }) => ({ name: wanted.name, type: wanted.type, ...labelsBody(wanted) }),
  state: ({ name, type, labels, servers }) => ({ name, type, labels, servers }),
  // The real provider sends nothing for a changed type, and so never gets what is asked for.
  changes: { name: put("name"), labels: put("labels") },
  delete: { gone: [] },
});
