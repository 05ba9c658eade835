import type { HttpBindings } from "@hono/node-server";
import type { Hono } from "hono";
import { type ActionMode, Actions } from "./actions.ts";
import { serveActions } from "./actions-api.ts";
import { BalancerSync } from "./balancer-sync.ts";
import { Catalogue } from "./catalogue.ts";
import { serveCatalogue } from "./catalogue-api.ts";
import { resumeCertificates } from "./certificate-issue.ts";
import { serveCertificates } from "./certificates.ts";
import type { Bootable, Cloud } from "./context.ts";
import type { ServerDriver } from "./driver.ts";
import { Faults } from "./faults.ts";
import { FirewallSync } from "./firewall-sync.ts";
import { serveFirewalls } from "./firewalls.ts";
import { serveFloatingIps } from "./floating-ips.ts";
import { Api, type RequestRecord } from "./http.ts";
import { serveImages } from "./images.ts";
import { contains, parseAddress, parseCidr } from "./ip.ts";
import { serveIsos } from "./isos.ts";
import { serveFaults } from "./lab-faults.ts";
import { serveInterference } from "./lab-servers.ts";
import { serveSupply } from "./lab-supply.ts";
import { serveLoadBalancers } from "./load-balancers.ts";
import { metadataApp } from "./metadata.ts";
import { serveServerMetrics } from "./metrics.ts";
import { serveNetworks } from "./networks.ts";
import { servePlacementGroups } from "./placement-groups.ts";
import { servePrimaryIps } from "./primary-ips.ts";
import { RateLimit } from "./rate-limit.ts";
import { primaryIpRecords } from "./records.ts";
import { attachmentSyncs, resumeAttachments } from "./server-attachments.ts";
import { resume } from "./server-power.ts";
import { resumeDeletions, serveServers } from "./servers.ts";
import { dropHalfImages } from "./snapshots.ts";
import { soldOut } from "./sold-out.ts";
import { serveSshKeys } from "./ssh-keys.ts";
import { Store } from "./store.ts";
import { serveVolumes } from "./volumes.ts";
import { ZoneSync } from "./zone-sync.ts";
import { serveZones } from "./zones.ts";

export interface CloudOptions {
  driver: ServerDriver;
  token: string;
  /** A second token, which may only read. */
  readonlyToken?: string;
  /** Where the state is kept; null keeps it in memory. */
  stateFile?: string | null;
  /** @default "running" */
  actionMode?: ActionMode;
  /** What the driver can boot; null when it takes anything. */
  bootable?: Bootable | null;
  /** @default false */
  legacyDatacenter?: boolean;
  /** Milliseconds. @default 60000 */
  shutdownPatience?: number;
  rateLimit?: RateLimit;
  now?: () => Date;
  log?: (line: string) => void;
  /** Called when the state is loaded, before the driver is brought to it. */
  beforeResume?: (cloud: Cloud) => void;
  onRequest?: (record: RequestRecord) => void;
}

export interface RunningCloud {
  cloud: Cloud;
  faults: Faults;
  /** The API, below /v1, and /lab/faults. */
  app: Hono<{ Bindings: HttpBindings }>;
  /** What servers learn about themselves. */
  metadata: Hono;
}

/** The whole cloud, without a listener: loads the state and brings the driver to it. */
export async function openCloud(options: CloudOptions): Promise<RunningCloud> {
  const now = options.now ?? (() => new Date());
  const log = options.log ?? (() => undefined);
  const store = new Store(options.stateFile ?? null, now);
  const faults = new Faults();
  const { driver } = options;
  const network = await driver.network();
  const cloud: Cloud = {
    store,
    driver,
    actions: new Actions(store, faults, options.actionMode ?? "running"),
    firewalls: new FirewallSync(store, driver),
    ...attachmentSyncs(store, driver),
    balancers: new BalancerSync(store, driver, log),
    zones: new ZoneSync({ store, driver, network, now, log }),
    network,
    bootable: options.bootable ?? null,
    catalogue: () => new Catalogue(now(), soldOut(store)),
    now,
    legacyDatacenter: options.legacyDatacenter ?? false,
    shutdownPatience: options.shutdownPatience ?? 60_000,
    log,
  };
  const api = new Api({
    token: options.token,
    readonlyToken: options.readonlyToken,
    store,
    faults,
    rateLimit: options.rateLimit ?? new RateLimit(),
    log,
    ...(options.onRequest ? { onRequest: options.onRequest } : {}),
  });
  serveActions(api, cloud);
  serveCatalogue(api, cloud);
  serveImages(api, cloud);
  serveIsos(api, cloud);
  serveSshKeys(api, cloud);
  servePrimaryIps(api, cloud);
  serveFirewalls(api, cloud);
  serveNetworks(api, cloud);
  servePlacementGroups(api, cloud);
  serveVolumes(api, cloud);
  serveFloatingIps(api, cloud);
  serveZones(api, cloud);
  serveLoadBalancers(api, cloud);
  serveCertificates(api, cloud);
  serveServers(api, cloud);
  serveServerMetrics(api, cloud);
  serveFaults(api, faults);
  serveSupply(api, cloud);
  serveInterference(api, cloud);

  warnOfMovedNetwork(cloud);
  options.beforeResume?.(cloud);
  cloud.actions.failInterrupted();
  await dropHalfImages(cloud);
  await resumeAttachments(cloud);
  await cloud.zones.quietly();
  await resume(cloud);
  await cloud.balancers.quietly();
  resumeDeletions(cloud);
  resumeCertificates(cloud);
  cloud.zones.follow(store);
  cloud.balancers.follow(store);
  store.flush();
  return { cloud, faults, app: api.finish(), metadata: metadataApp(cloud) };
}

/** Addresses stay with their owners; a driver that had to take another network cannot serve them. */
function warnOfMovedNetwork(cloud: Cloud): void {
  const networks = [cloud.network.ipv4, cloud.network.ipv6].map(parseCidr);
  for (const { name, ip } of primaryIpRecords(cloud.store).all()) {
    const address = parseCidr(ip) ?? parseAddress(ip);
    if (!networks.some((network) => network && address && contains(network, address))) {
      cloud.log(
        `cloud: ${name} has ${ip}, which is not in the lab's network any more (${cloud.network.ipv4}, ${cloud.network.ipv6}); delete and create what uses it`,
      );
    }
  }
}
