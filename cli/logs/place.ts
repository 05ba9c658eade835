import { z } from "zod";
import { jsonOrUndefined } from "../../deployer/json.ts";
import type { SshTarget } from "../../deployer/ssh/config.ts";

/** Where a container or a compose project of a stack runs, and by what name Docker knows it. */
export interface ContainerPlace {
  /** How its machine is reached, but for the stack's login key. */
  target: Omit<SshTarget, "loginKey">;
  /** The service, or the project of docker compose. */
  app: string;
}

const way = z.object({
  host: z.string(),
  address: z.string(),
  port: z.int().default(22),
  /** Who logs in; root when absent. */
  user: z.string().default("root"),
  hostKey: z.string(),
  jump: z.object({ address: z.string(), port: z.int(), user: z.string(), hostKey: z.string() }).optional(),
});
const service = z.object({
  type: z.literal("berth:docker:HostService"),
  urn: z.string().endsWith("-service"),
  inputs: way,
});
const project = z.object({
  type: z.literal("berth:docker:ComposeProject"),
  urn: z.string().endsWith("-project"),
  inputs: way.extend({ project: z.string() }),
});
const exported = z.object({ deployment: z.object({ resources: z.array(z.unknown()).nullish() }) });

/** What `pulumi stack export` tells of the stack's containers, by their names in `berth:containers`. Pure. */
export function containersIn(stack: string, state: string): Record<string, ContainerPlace> {
  const parsed = exported.safeParse(jsonOrUndefined(state));
  const found = (parsed.data?.deployment.resources ?? []).flatMap((resource) => {
    const one = z.union([service, project]).safeParse(resource);
    if (!one.success) return [];
    const { urn, inputs } = one.data;
    const name = urn.slice(urn.lastIndexOf("::") + 2).replace(/-(service|project)$/, "");
    const { host, address, port, user, hostKey, jump } = inputs;
    const target = { stack, host, address, port, user, hostKeys: [hostKey], ...(jump && { jump }) };
    return [[name, { target, app: "project" in inputs ? inputs.project : name }] as const];
  });
  return Object.fromEntries(found);
}

const appAtFly = z.object({ type: z.literal("berth:fly:AppAtFly"), urn: z.string() });

/** Names of the apps at Fly in the same. Pure. */
export function appsAtFlyIn(state: string): string[] {
  const parsed = exported.safeParse(jsonOrUndefined(state));
  return (parsed.data?.deployment.resources ?? []).flatMap((resource) => {
    const one = appAtFly.safeParse(resource);
    return one.success ? [one.data.urn.slice(one.data.urn.lastIndexOf("::") + 2)] : [];
  });
}
