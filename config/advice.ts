import type { Catalogue } from "./catalogue.ts";
import { alternativesFor } from "./checks/servers.ts";
import { tell } from "./offers.ts";
import type { HostPlan, StackPlan } from "./plan.ts";

/** A resource the provider failed on. */
export interface Refusal {
  /** Name of the resource in the program, e.g. "web1-hardware-server". */
  resource: string;
  /** What the provider says: Hetzner's message with its code and the request's id in brackets. */
  error: string;
}

export interface AdviceFacts {
  stack: string;
  plan: Pick<StackPlan, "hosts" | "currency">;
  catalogue: Catalogue;
  now: Date;
}

const again = "What was made is kept: run pulumi up again, and it goes on from there";

/** What to do about each of Hetzner's codes. Those of a client's mistake are not here: the error itself is for whoever mends it. */
const byCode: Record<string, (refusal: Refusal, facts: AdviceFacts) => string> = {
  resource_unavailable: soldOut,
  placement_error: (refusal, facts) => {
    const group = hostOf(refusal, facts)?.settings.server?.placement;
    return group === undefined
      ? soldOut(refusal, facts)
      : `Hetzner has no other machine for one more server of the placement group ${group} at the moment: try again later, or take the host out of the group (server.placement)`;
  },
  no_space_left_in_location: () =>
    `there is no room for a volume of this size in the location at the moment: try again later, or make it smaller. ${again}`,
  resource_limit_exceeded: ({ error }) =>
    `the project has as much as it may (${limitOf(error)}): delete what is not needed, or ask for more in Hetzner's console, project > Limits. ${again}`,
  uniqueness_error: ({ resource, error }, { stack }) => {
    if (/ssh key/i.test(error))
      return "somebody has registered this ssh key in the project in the meantime: run pulumi up again, which uses it as it is";
    const record = /^(.+)-records-(.+)-([A-Z]+)$/.exec(resource)?.slice(1).join(" ");
    if (record !== undefined)
      return `the zone has this record set, and Pulumi does not know of it: hcloud zone rrset describe ${record}. Where the stack may have it: hcloud zone rrset delete ${record}, and pulumi up makes it again. If not, take it out of berth:dns. ${again}`;
    return `something in the project that Pulumi does not know of has this name or value. If it is labelled berth-stack=${stack} and as new as the last update, that update ordered it and did not hear the answer: it is empty, delete it. If not, it is somebody else's: rename or delete it, or name the host otherwise. ${again}`;
  },
  rate_limit_exceeded: () =>
    `the project's tokens have had their 3600 requests an hour; room comes back at one a second: wait some minutes. ${again}`,
  token_readonly: () =>
    "the API token may only read: make one with read and write in Hetzner's console, project > Security > API tokens, and set it: pulumi config set --secret hcloud:token",
  unauthorized: () =>
    "the API token is not valid any more: make one with read and write in Hetzner's console, project > Security > API tokens, and set it: pulumi config set --secret hcloud:token",
  forbidden: () => "the API token's project does not allow this: check that it is the right project",
  protected: () =>
    "it is protected from deletion at Hetzner: set berth:protect to false, run pulumi up, and then make this change",
  locked: () => `another action on it is under way: wait until it is done. ${again}`,
  conflict: () => `something else changed it at the same time. ${again}`,
  server_not_stopped: () => `Hetzner does this only while the server is off: shut it down first. ${again}`,
  maintenance: () => `Hetzner is at work on this: try again later. ${again}`,
};

/** No answer of the API's own: a gateway's, or none. */
const down =
  /\((server_error|bad_gateway|unavailable|timeout|service_error)\b|status code 5\d\d|\b(Get|Post|Put|Delete) "https?:[^"]+": /i;
/** The provider's own words for a type that is not sold where it is wanted. */
const notSold = /server type .* is (not available|unavailable) in|unsupported location for server type/i;

/** A code as the provider's two halves tell it: "… (locked, 7f3a)" and "Error code: locked". */
const told = /\(([a-z_]+)(?:, [^()\s]+)?\)|^Error code: ([a-z_]+)$/gm;

/** What to do next about what the provider says; undefined where there is nothing to add. */
export function adviseOn(refusal: Refusal, facts: AdviceFacts): string | undefined {
  const codes = [...refusal.error.matchAll(told)].map(([, bracketed, named]) => bracketed ?? named ?? "");
  for (const code of codes) {
    const advise = Object.hasOwn(byCode, code) ? byCode[code] : undefined;
    if (advise) return advise(refusal, facts);
  }
  if (notSold.test(refusal.error)) return soldOut(refusal, facts);
  if (down.test(refusal.error))
    return `Hetzner's API does not answer as it should; status.hetzner.com tells of outages. ${again}`;
  return undefined;
}

/** The host a resource belongs to: everything of a host is named after it. */
function hostOf({ resource }: Refusal, { plan }: AdviceFacts): HostPlan | undefined {
  return plan.hosts
    .filter(({ name }) => resource === name || resource.startsWith(`${name}-`))
    .sort((a, b) => b.name.length - a.name.length)[0];
}

function soldOut(refusal: Refusal, facts: AdviceFacts): string {
  const host = hostOf(refusal, facts);
  const server = host?.settings.server;
  if (!host || !server) return `Hetzner has none of this at the moment: try again later. ${again}`;
  const catalogue = without(facts.catalogue, server.type, server.location);
  const type = catalogue.serverTypes.find(({ name }) => name === server.type);
  const fitting = alternativesFor(
    { catalogue, now: facts.now },
    { server, manifest: host.manifest, running: undefined },
    type,
  );
  return `${server.type} is sold out in ${server.location} at the moment. What fits in its place: ${tell(fitting, facts.plan.currency)}. Set berth:hosts.${host.name}.server, or try again later. ${again}`;
}

/** The catalogue as it proved to be: what was refused is not to be had. */
function without(catalogue: Catalogue, type: string, location: string): Catalogue {
  return {
    ...catalogue,
    serverTypes: catalogue.serverTypes.map((one) => {
      const offer = one.locations[location];
      return one.name === type && offer
        ? { ...one, locations: { ...one.locations, [location]: { ...offer, available: false } } }
        : one;
    }),
  };
}

const limitOf = (error: string): string =>
  /([A-Za-z0-9 ]+ limit (?:reached|exceeded))/i.exec(error)?.[1]?.trim() ?? "a limit is reached";
