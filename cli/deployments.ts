import { z } from "zod";
import { healthCheck } from "../config/manifest.ts";
import { rebootPolicy } from "../config/reboot.ts";
import { jsonOrUndefined } from "../deployer/json.ts";
import { pulumi } from "./pulumi.ts";

const deployment = z.object({
  urn: z.string(),
  inputs: z.object({
    host: z.string(),
    toplevel: z.string(),
    drvPath: z.string(),
    /** Nix system. */
    system: z.string(),
    health: z.array(healthCheck),
    healthDeadline: z.int(),
    ipv6Address: z.string().optional(),
    maxUnavailable: z.int().optional(),
    reboot: rebootPolicy.optional(),
    drift: z.string().optional(),
  }),
  outputs: z.object({ release: z.string() }),
});

/** A host's release, as the stack's state knows it. */
export interface KnownDeployment {
  urn: string;
  /** What it was deployed as: the toplevel that is wanted, and how to tell that it is healthy. */
  inputs: z.infer<typeof deployment>["inputs"];
  /** The toplevel that ran when anybody looked last. */
  release: string;
}

const exported = z.object({
  deployment: z.object({
    resources: z.array(z.looseObject({ type: z.string() })).nullish(),
  }),
});

/** Deployments of a stack by host. Those of another version of Berth are left out. */
export async function readDeployments(stack: string): Promise<Record<string, KnownDeployment>> {
  return deploymentsIn(await pulumi(["stack", "export"], stack));
}

/** Deployments in an exported state. Pure. */
export function deploymentsIn(state: string): Record<string, KnownDeployment> {
  const parsed = exported.safeParse(jsonOrUndefined(state));
  const known = (parsed.data?.deployment.resources ?? []).flatMap((resource) => {
    const one = deployment.safeParse(resource);
    return resource.type === "berth:deploy:Deployment" && one.success ? [one.data] : [];
  });
  return Object.fromEntries(
    known.map(({ urn, inputs, outputs }) => [inputs.host, { urn, inputs, release: outputs.release }]),
  );
}
