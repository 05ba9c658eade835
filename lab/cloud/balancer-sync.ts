import { certificateRecords } from "./certificate-records.ts";
import type { BalancerHealth, BalancerService, BalancerSpec, ServerDriver } from "./driver.ts";
import {
  type BalancerServiceRecord,
  type LoadBalancerRecord,
  loadBalancerRecords,
} from "./load-balancer-records.ts";
import { destinationsOf, networkOfBalancer } from "./load-balancer-targets.ts";
import { membershipsOf } from "./network-records.ts";
import type { Store } from "./store.ts";
import { WholeState } from "./whole-state.ts";

const healthPatience = 3000;

export type HealthStatus = BalancerHealth["targets"][number]["status"];

/** Tells how a target of a load balancer is, by its address and the service's port. */
export type Health = (balancer: number, address: string, listenPort: number) => HealthStatus;

/** Hands the load balancers to the driver, and asks it how their targets are. */
export class BalancerSync extends WholeState<BalancerSpec> {
  readonly #driver: ServerDriver;
  #asking: Promise<Health> | undefined;

  constructor(store: Store, driver: ServerDriver, log: (line: string) => void) {
    super({
      what: "load balancers",
      wanted: () =>
        loadBalancerRecords(store)
          .all()
          .map((balancer) => balancerSpec(store, balancer)),
      send: (balancers) => driver.setBalancers(balancers),
      log,
    });
    this.#driver = driver;
  }

  /** Everything is `unknown` where the driver does not answer. */
  health(): Promise<Health> {
    this.#asking ??= this.#ask().finally(() => {
      this.#asking = undefined;
    });
    return this.#asking;
  }

  async #ask(): Promise<Health> {
    const deadline = new Promise<BalancerHealth[]>((resolve) => {
      setTimeout(() => resolve([]), healthPatience).unref();
    });
    const seen = await Promise.race([this.#driver.balancerHealth().catch(() => []), deadline]);
    const known = new Map(
      seen.flatMap(({ id, targets }) =>
        targets.map(({ key, listenPort, status }) => [`${id} ${key} ${listenPort}`, status] as const),
      ),
    );
    return (balancer, address, listenPort) => known.get(`${balancer} ${address} ${listenPort}`) ?? "unknown";
  }
}

/** A load balancer as the driver runs it. A target's key is its address, so that one address is one target. */
function balancerSpec(store: Store, balancer: LoadBalancerRecord): BalancerSpec {
  const network = networkOfBalancer(store, balancer.id);
  const addresses = balancer.targets.flatMap((target) => destinationsOf(store, target, network));
  return {
    id: balancer.id,
    name: balancer.name,
    ipv4: balancer.public_interface ? balancer.ipv4 : null,
    ipv6: balancer.public_interface ? balancer.ipv6 : null,
    mac: balancer.mac,
    privateInterfaces: membershipsOf(store, "load_balancer", balancer.id).map(({ network, member }) => ({
      network: network.id,
      mac: member.mac,
      address: member.ip,
      range: network.ip_range,
    })),
    algorithm: balancer.algorithm,
    services: balancer.services.map((service) => serviceSpec(store, service)),
    targets: [...new Set(addresses.map(({ address }) => address))].map((address) => ({
      key: address,
      address,
    })),
  };
}

function serviceSpec(store: Store, service: BalancerServiceRecord): BalancerService {
  const { http, health_check: check } = service;
  return {
    listenPort: service.listen_port,
    destinationPort: service.destination_port,
    protocol: service.protocol,
    proxyProtocol: service.proxyprotocol,
    http: http && {
      cookie: http.sticky_sessions ? { name: http.cookie_name, lifetime: http.cookie_lifetime } : null,
      redirectHttp: http.redirect_http,
      idleTimeout: http.timeout_idle,
      certificates: http.certificates.flatMap((id) => {
        const certificate = certificateRecords(store).get(id);
        return certificate?.certificate && certificate.private_key
          ? [{ chain: certificate.certificate, key: certificate.private_key }]
          : [];
      }),
    },
    healthCheck: {
      protocol: check.protocol,
      port: check.port,
      interval: check.interval,
      timeout: check.timeout,
      retries: check.retries,
      http: check.http && {
        domain: check.http.domain,
        path: check.http.path,
        response: check.http.response || null,
        statusCodes: check.http.status_codes.map(threeDigits),
        tls: check.http.tls,
      },
    },
  };
}

/** "2*" stands for as many digits as are missing: "2??". */
export function threeDigits(pattern: string): string {
  const missing = Math.max(0, 3 - pattern.replaceAll("*", "").length);
  return pattern.replace("*", "?".repeat(missing)).replaceAll("*", "");
}
