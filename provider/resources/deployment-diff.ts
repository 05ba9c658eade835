import type { DiffKind, Properties, ResourceHandler } from "../framework/types.ts";

/** What a difference means: every one but these is worth another look at the host. */
const inert = new Set(["drvPath", "maxUnavailable", "power", "builds", "drift", "before", "rollback"]);

/** Whether an update at this moment may reboot the host. */
export async function rebootsNow(news: Properties): Promise<boolean> {
  const { mayReboot, rebootPolicy } = await import("../../config/reboot.ts");
  const policy = rebootPolicy.safeParse(news["reboot"]);
  return policy.success && mayReboot(policy.data, new Date());
}

/** What every run asks of a Deployment (`deployment.ts`). */
export const deploymentDiff = {
  secretOutputs: ["power"],

  async check(news) {
    return { inputs: news };
  },

  async diff(olds, news) {
    const detailed: Record<string, DiffKind> = {};
    for (const key of new Set([...Object.keys(olds.inputs), ...Object.keys(news)])) {
      if (inert.has(key) || JSON.stringify(olds.inputs[key]) === JSON.stringify(news[key])) continue;
      detailed[key] = key === "host" || key === "stack" ? "update-replace" : "update";
    }
    // The host was seen to run something else, or to be about to. States from before `bootDefault` do not have it.
    for (const key of ["release", "bootDefault"]) {
      const seen = olds.outputs[key];
      if (news["drift"] !== "report" && seen !== undefined && seen !== olds.inputs["toplevel"])
        detailed[key] = "update";
    }
    const due = olds.outputs["rebootDue"];
    if (Array.isArray(due) && due.length > 0 && (await rebootsNow(news))) detailed["rebootDue"] = "update";
    return { changes: Object.keys(detailed).length > 0, detailed };
  },
} satisfies Partial<ResourceHandler>;
