import type { ResourceHandler } from "../framework/types.ts";

/** What every run asks of a ServerPower (`server-power.ts`). */
export const serverPowerDiff: Pick<ResourceHandler, "secretOutputs" | "diff"> = {
  secretOutputs: ["token"],

  async diff(olds, news) {
    const changed = Object.keys({ ...olds.inputs, ...news }).filter(
      // Another token reaches the same server.
      (name) => name !== "token" && JSON.stringify(olds.inputs[name]) !== JSON.stringify(news[name]),
    );
    const detailed = Object.fromEntries(
      changed.map((name) => [name, name === "serverId" ? ("update-replace" as const) : ("update" as const)]),
    );
    if (olds.outputs["status"] !== "running") detailed["status"] = "update";
    return { changes: Object.keys(detailed).length > 0, detailed };
  },
};
