import * as proxy from "@pulumi/policy/proxy.js";
import type { Resource, StackResource } from "../../../policy/resource.ts";

/** Not in the package's types. */
const { unknownCheckingProxy } = proxy as unknown as {
  unknownCheckingProxy: (props: Record<string, unknown>) => Record<string, unknown>;
};

/** What the engine sends for a text that is not known before the update. */
export const unknown = "04da6b54-80e4-46f7-96ec-b56ff0331ba9";

/** A resource as the pack is given it, behind @pulumi/policy's own look for what is not known. */
export const resource = (
  type: string,
  name: string,
  props: Record<string, unknown>,
  protect = false,
): Resource => ({
  type,
  name,
  urn: `urn:pulumi:prod::berth::${type}::${name}`,
  props: unknownCheckingProxy(props),
  opts: { protect },
});

/** One of a stack, below its host and made after others. */
export const inStack = (
  type: string,
  name: string,
  props: Record<string, unknown>,
  { parent, after = [] }: { parent?: StackResource; after?: StackResource[] } = {},
): StackResource => ({ ...resource(type, name, props), dependencies: after, ...(parent && { parent }) });
