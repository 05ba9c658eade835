import type { Cloud } from "./context.ts";
import { ApiError } from "./errors.ts";
import { liveImages } from "./image-records.ts";
import { serverRecords } from "./records.ts";
import type { Collection, Item, Store } from "./store.ts";

/** What a project may have only so many of, as error messages and their details call it. */
const kinds = {
  servers: { message: "server limit reached", name: "server_limit" },
  dedicated_cores: { message: "dedicated core limit exceeded", name: "dedicated_core_limit" },
  primary_ips: { message: "Primary IP limit exceeded", name: "primary_ip_limit" },
  floating_ips: { message: "Floating IP limit exceeded", name: "floating_ip_limit" },
  volumes: { message: "volume limit exceeded", name: "volume_limit" },
  networks: { message: "network limit exceeded", name: "network_limit" },
  firewalls: { message: "firewall limit exceeded", name: "firewall_limit" },
  placement_groups: { message: "placement group limit exceeded", name: "placement_group_limit" },
  load_balancers: { message: "load balancer limit exceeded", name: "load_balancer_limit" },
  certificates: { message: "certificate limit exceeded", name: "certificate_limit" },
  zones: { message: "zone limit exceeded", name: "zone_limit" },
  ssh_keys: { message: "SSH key limit exceeded", name: "ssh_key_limit" },
  snapshots: { message: "snapshot limit exceeded", name: "snapshot_limit" },
} as const;

export type LimitKind = keyof typeof kinds;
export const limitKinds = Object.keys(kinds) as LimitKind[];

interface LimitRecord extends Item {
  kind: LimitKind;
  limit: number;
}

const limitRecords = (store: Store): Collection<LimitRecord> => store.collection("limits");

/** The limits that are set; what is absent has none. */
export function limitsOf(store: Store): Partial<Record<LimitKind, number>> {
  return Object.fromEntries(
    limitRecords(store)
      .all()
      .map(({ kind, limit }) => [kind, limit]),
  );
}

/** Sets limits; null takes one away. */
export function setLimits(store: Store, wanted: Partial<Record<LimitKind, number | null | undefined>>): void {
  const records = limitRecords(store);
  for (const kind of limitKinds) {
    const limit = wanted[kind];
    if (limit === undefined) continue;
    for (const old of records.all().filter((record) => record.kind === kind)) records.remove(old);
    if (limit !== null) records.add({ kind, limit });
  }
}

/** 403 `resource_limit_exceeded` when so many more are too many. */
export function ensureWithinLimit(
  cloud: Pick<Cloud, "store" | "catalogue">,
  more: Partial<Record<LimitKind, number>>,
): void {
  const limits = limitsOf(cloud.store);
  for (const kind of limitKinds) {
    const [limit, extra = 0] = [limits[kind], more[kind]];
    if (limit !== undefined && extra > 0 && countOf(cloud, kind) + extra > limit) {
      const { message, name } = kinds[kind];
      throw new ApiError("resource_limit_exceeded", message, { limits: [{ name }] });
    }
  }
}

function countOf({ store, catalogue }: Pick<Cloud, "store" | "catalogue">, kind: LimitKind): number {
  switch (kind) {
    case "snapshots":
      return liveImages(store).filter(({ type }) => type === "snapshot").length;
    case "dedicated_cores":
      return serverRecords(store)
        .all()
        .reduce((sum, { server_type }) => sum + dedicatedCores(catalogue(), server_type), 0);
    default:
      return store.collection(kind).all().length;
  }
}

/** Cores that count against the limit of dedicated ones. */
export function dedicatedCores(
  catalogue: ReturnType<Cloud["catalogue"]>,
  serverType: number | string,
): number {
  const type = catalogue.serverType(serverType);
  return type?.cpu_type === "dedicated" ? type.cores : 0;
}
