import { z } from "zod";
import type { LoadBalancerType } from "./catalogue.ts";
import { type CertificateRecord, certificateRecords } from "./certificate-records.ts";
import { ApiError, invalidField, refusedField } from "./errors.ts";
import type { BalancerServiceRecord } from "./load-balancer-records.ts";
import type { Store } from "./store.ts";

export const port = z.int().min(1).max(65_535);
const protocol = z.enum(["tcp", "http", "https"]);

const httpCheck = z.object({
  domain: z
    .string()
    .max(128)
    .regex(/^[^\s%\\]*$/, "must not contain spaces, percent signs or backslashes")
    .nullish(),
  path: z.string().min(1).max(256).regex(/^\S*$/, "must not contain spaces").nullish(),
  response: z.string().max(256).nullish(),
  status_codes: z
    .array(z.string().regex(/^[\d?*]{1,3}$/, "must be a status code, with ? and * for digits"))
    .max(20)
    .nullish(),
  tls: z.boolean().nullish(),
});

const healthCheck = z.object({
  protocol: z.enum(["tcp", "http"]).nullish(),
  port: port.nullish(),
  interval: z.int().min(3).max(60).nullish(),
  timeout: z.int().min(1).max(60).nullish(),
  retries: z.int().min(1).max(5).nullish(),
  http: httpCheck.nullish(),
});

const http = z.object({
  cookie_name: z
    .string()
    .min(1)
    .max(100)
    .regex(/^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/, "must be the name of a cookie")
    .nullish(),
  cookie_lifetime: z.int().min(30).max(86_400).nullish(),
  timeout_idle: z.int().min(30).max(300).nullish(),
  certificates: z.array(z.int()).nullish(),
  redirect_http: z.boolean().nullish(),
  sticky_sessions: z.boolean().nullish(),
});

const fields = {
  destination_port: port.nullish(),
  proxyprotocol: z.boolean().nullish(),
  http: http.nullish(),
  health_check: healthCheck.nullish(),
};

export const newServiceBody = z.object({ protocol, listen_port: port.nullish(), ...fields });
export const changedServiceBody = z.object({ protocol: protocol.nullish(), listen_port: port, ...fields });

type Changes = z.output<typeof changedServiceBody>;
type HealthCheck = BalancerServiceRecord["health_check"];

const usualPorts = { http: { listen: 80, destination: 80 }, https: { listen: 443, destination: 80 } };
const usualHttp = {
  cookie_name: "HCLBSTICKY",
  cookie_lifetime: 300,
  timeout_idle: 50,
  certificates: [] as number[],
  redirect_http: false,
  sticky_sessions: false,
};
const usualCheck = { interval: 15, timeout: 10, retries: 3 };
const usualHttpCheck = {
  domain: null as string | null,
  path: "/",
  response: "",
  status_codes: ["2??", "3??"],
  tls: false,
};

/** A new service, with what Hetzner takes where nothing is given. @param at where it is in the request, e.g. "services.0." */
export function newService(body: z.output<typeof newServiceBody>, at = ""): BalancerServiceRecord {
  const usual = body.protocol === "tcp" ? undefined : usualPorts[body.protocol];
  const listen_port = body.listen_port ?? usual?.listen;
  const destination_port = body.destination_port ?? usual?.destination;
  if (listen_port === undefined || destination_port === undefined) {
    throw invalidField(
      `${at}${listen_port === undefined ? "listen_port" : "destination_port"}`,
      "is required for protocol tcp",
    );
  }
  const bare: BalancerServiceRecord = {
    protocol: body.protocol,
    listen_port,
    destination_port,
    proxyprotocol: false,
    http: null,
    health_check: {
      protocol: body.protocol === "tcp" ? "tcp" : "http",
      port: destination_port,
      ...usualCheck,
      http: null,
    },
  };
  return changedService(bare, { ...body, listen_port, destination_port }, at);
}

/** A service with the fields that are given changed. */
export function changedService(old: BalancerServiceRecord, changes: Changes, at = ""): BalancerServiceRecord {
  const kind = changes.protocol ?? old.protocol;
  const settings = changes.http ?? {};
  for (const [name, value] of [
    ["certificates", settings.certificates?.length],
    ["redirect_http", settings.redirect_http],
  ] as const) {
    if (kind !== "https" && value) {
      throw invalidField(`${at}http.${name}`, "is for protocol https only");
    }
  }
  const kept = old.http ?? usualHttp;
  const tls = kind === "https" ? {} : { certificates: [], redirect_http: false };
  return {
    protocol: kind,
    listen_port: old.listen_port,
    destination_port: changes.destination_port ?? old.destination_port,
    proxyprotocol: changes.proxyprotocol ?? old.proxyprotocol,
    http: kind === "tcp" ? null : { ...kept, ...present(settings), ...tls },
    health_check: changedCheck(old.health_check, changes.health_check ?? {}),
  };
}

function changedCheck(
  old: HealthCheck,
  { http: settings, ...changes }: z.output<typeof healthCheck>,
): HealthCheck {
  const check = { ...old, ...present(changes) };
  if (check.protocol === "tcp") {
    return { ...check, http: null };
  }
  const { domain, ...others } = settings ?? {};
  const kept = old.http ?? usualHttpCheck;
  return {
    ...check,
    // Null is a domain, too: none is sent then.
    http: { ...kept, ...present(others), domain: domain === undefined ? kept.domain : domain || null },
  };
}

/** The fields that are neither absent nor null. */
function present<T extends object>(given: T): { [K in keyof T]?: NonNullable<T[K]> } {
  return Object.fromEntries(Object.entries(given).filter(([, value]) => value != null)) as {
    [K in keyof T]?: NonNullable<T[K]>;
  };
}

/** Throws when the services cannot be beside each other on one load balancer of a type. */
export function ensureServices(
  store: Store,
  services: readonly BalancerServiceRecord[],
  type: LoadBalancerType,
  portTaken: 412 | 422,
): void {
  if (services.length > type.max_services) {
    throw new ApiError(
      "resource_limit_exceeded",
      `a load balancer of type ${type.name} can have ${type.max_services} services`,
    );
  }
  const ports = services.flatMap(({ listen_port, http }) =>
    http?.redirect_http ? [listen_port, 80] : [listen_port],
  );
  const twice = ports.find((one, index) => ports.indexOf(one) !== index);
  if (twice !== undefined) {
    throw new ApiError("source_port_already_used", `source port ${twice} is already in use`, null, portTaken);
  }
  const certificates = new Set(services.flatMap(({ http }) => http?.certificates ?? []));
  for (const id of certificates) {
    usableCertificate(store, id);
  }
  if (certificates.size > type.max_assigned_certificates) {
    throw new ApiError(
      "resource_limit_exceeded",
      `a load balancer of type ${type.name} can have ${type.max_assigned_certificates} certificates`,
    );
  }
}

function usableCertificate(store: Store, id: number): CertificateRecord {
  const certificate = certificateRecords(store).get(id);
  if (certificate === undefined) {
    throw refusedField("http.certificates", `certificate with ID '${id}' not found`);
  }
  if (certificate.certificate === null) {
    throw new ApiError("service_error", `certificate '${certificate.name}' is not issued yet`);
  }
  return certificate;
}
