import { fits, known, type StackResource, types, type Violation } from "../resource.ts";

/** A property that is known once a resource is there, and not before. */
const made = (type: string): string => (type === types.deployment ? "previous" : "id");

/** Whether a resource is there already; of kinds that have no such property nobody can tell, so they are not. */
const isThere = ({ type, props }: StackResource): boolean => {
  const value = known(() => props[made(type)]);
  return typeof value === "string" && value !== "";
};

/** The host of the stack that a resource belongs to. */
function hostOf(resource: StackResource): string | undefined {
  for (let one: StackResource | undefined = resource; one; one = one.parent)
    if (one.type === types.host) return one.name;
  return undefined;
}

/**
 * Servers and deployments that are made anew in a preview. The engine hands over no differences. But what is made after something shows that
 * it has been there, so one that is yet to be made takes the place of another.
 */
export function replaced(resources: readonly StackResource[], allow: readonly string[]): Violation[] {
  return resources
    .filter(({ type }) => type === types.server || type === types.deployment)
    .filter((resource) => !isThere(resource))
    .flatMap((resource) => {
      const host = hostOf(resource);
      if (host === undefined || fits(host, allow)) return [];
      // Those of the same host alone: another order of the hosts has what is there depend on hosts that are new.
      const witness = resources.find(
        (one) => hostOf(one) === host && isThere(one) && isMadeAfter(one, resource.urn),
      );
      if (!witness) return [];
      const what = resource.type === types.server ? "server" : "deployment";
      const message = `the ${what} of ${host} would be replaced: it is yet to be made, and ${witness.name}, which is made after it, is there. Next: take that change back, or name ${host} in this rule's "allow".`;
      return [{ urn: resource.urn, message }];
    });
}

/** Whether a resource depends on another, directly or not. */
function isMadeAfter(resource: StackResource, urn: string): boolean {
  const seen = new Set<string>();
  const waiting = [...resource.dependencies];
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    if (next.urn === urn) return true;
    if (seen.has(next.urn)) continue;
    seen.add(next.urn);
    waiting.push(...next.dependencies);
  }
  return false;
}
