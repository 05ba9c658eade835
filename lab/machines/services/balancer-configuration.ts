import { createHash } from "node:crypto";
import { isIPv6 } from "node:net";
import type { BalancerService, BalancerSpec } from "../../cloud/driver.ts";

/** Where a reload finds what was known about the targets before it. */
const STATE_FILE = "/run/lab/state";

/** Seconds a client and a target of a plain TCP service may be silent; Hetzner names no limit. */
const TCP_IDLE = 3600;

/** The server's name, which is its address; an IPv6 address in brackets. */
const ADDRESS_AS_HOST = `'%[srv_name,regsub("^(.*:.*)$","[\\\\1]")]'`;

/**
 * A text as one word of haproxy's configuration: every byte that is not plainly harmless is escaped, so that no text, and
 * no secret or regular expression, can end its line.
 */
export function word(text: string): string {
  return [...Buffer.from(text)]
    .map((byte) => {
      const character = String.fromCharCode(byte);
      return /[\w./:;@,+=?^|()*-]/.test(character) ? character : `\\x${byte.toString(16).padStart(2, "0")}`;
    })
    .join("");
}

/** Regular expression for Hetzner's status patterns: ["2??", "304"] is ^(2..|304)$. */
export function statusPattern(codes: string[]): string {
  return `^(${codes.map((code) => code.replaceAll("?", ".")).join("|")})$`;
}

/** The name that stands for a target in haproxy: its address. Two targets with one address are one to it. */
function serversOf({ targets }: BalancerSpec): string[] {
  return [...new Set(targets.map(({ address }) => address))];
}

const listenBoth = (port: number, more = "") => [
  `  bind 0.0.0.0:${port}${more}`,
  `  bind :::${port} v6only${more}`,
];

function frontend(service: BalancerService, files: string[]): string[] {
  const { listenPort, protocol, http } = service;
  const certificates = files.map((file) => ` crt ${file}`).join("");
  const lines = [
    `frontend port-${listenPort}`,
    ...listenBoth(listenPort, protocol === "https" ? ` ssl${certificates} alpn h2,http/1.1` : ""),
    `  default_backend port-${listenPort}`,
  ];
  if (protocol === "tcp") return [...lines, "  mode tcp", `  timeout client ${TCP_IDLE}s`];
  return [
    ...lines,
    "  mode http",
    "  option forwardfor",
    // A client's own word on it counts for nothing.
    `  http-request set-header X-Forwarded-Proto ${protocol}`,
    `  timeout client ${http?.idleTimeout ?? 60}s`,
    `  timeout http-keep-alive ${http?.idleTimeout ?? 60}s`,
  ];
}

/** Port 80 sends everybody to the service's own port. */
function redirect({ listenPort }: BalancerService): string[] {
  const port = listenPort === 443 ? "" : `:${listenPort}`;
  return [
    "frontend redirect",
    ...listenBoth(80),
    "  mode http",
    "  timeout client 60s",
    `  http-request redirect code 301 location https://%[req.hdr(host),field(1,:)]${port}%[capture.req.uri]`,
  ];
}

function check({ healthCheck, proxyProtocol }: BalancerService): { backend: string[]; server: string } {
  const { protocol, port, interval, timeout, retries, http } = healthCheck;
  const times = `check port ${port} inter ${interval}s fall ${retries} rise 1`;
  // The target expects it from everybody, so it is sent with a check, too.
  const proxied = proxyProtocol ? " check-send-proxy" : "";
  if (protocol === "tcp" || http === null)
    return { backend: [`  timeout check ${timeout}s`], server: `${times}${proxied}` };
  const host = http.domain ?? ADDRESS_AS_HOST;
  const backend = [
    `  timeout check ${timeout}s`,
    "  option httpchk",
    `  http-check send meth GET uri ${word(http.path)} ver HTTP/1.1 hdr Host ${host} hdr Connection close`,
    `  http-check expect rstatus ${word(statusPattern(http.statusCodes))}`,
    ...(http.response ? [`  http-check expect string ${word(http.response)}`] : []),
  ];
  const sni = http.domain === null ? "" : ` check-sni ${http.domain}`;
  // Whose certificate it is is not asked, as at Hetzner.
  const tls = http.tls ? ` check-ssl verify none check-alpn http/1.1${sni}` : "";
  return { backend, server: `${times}${proxied}${tls}` };
}

function backend(spec: BalancerSpec, service: BalancerService): string[] {
  const { listenPort, destinationPort, protocol, proxyProtocol, http } = service;
  const health = check(service);
  const idle = protocol === "tcp" ? TCP_IDLE : (http?.idleTimeout ?? 60);
  const cookie = protocol !== "tcp" && http?.cookie;
  const servers = serversOf(spec).map((address) => {
    const place = isIPv6(address) ? `[${address}]:${destinationPort}` : `${address}:${destinationPort}`;
    const sticky = cookie ? ` cookie ${cookieValue(address)}` : "";
    return `  server ${address} ${place} ${health.server}${proxyProtocol ? " send-proxy" : ""}${sticky}`;
  });
  return [
    `backend port-${listenPort}`,
    `  mode ${protocol === "tcp" ? "tcp" : "http"}`,
    `  balance ${spec.algorithm === "least_connections" ? "leastconn" : "roundrobin"}`,
    `  timeout server ${idle}s`,
    `  timeout tunnel ${TCP_IDLE}s`,
    "  load-server-state-from-file global",
    ...(cookie
      ? [`  cookie ${cookie.name} insert indirect nocache httponly attr "Max-Age=${cookie.lifetime}"`]
      : []),
    ...health.backend,
    ...servers,
  ];
}

/** Tells targets apart without telling their addresses. */
const cookieValue = (address: string) => createHash("sha256").update(address).digest("hex").slice(0, 16);

/** What a balancer's haproxy reads. */
export interface BalancerFiles {
  configuration: string;
  /** Certificates with their keys, by file name. */
  certificates: Map<string, string>;
}

/**
 * haproxy's configuration for a load balancer, and the certificates it names.
 * @param folder where haproxy finds the certificates
 */
export function balancerFiles(spec: BalancerSpec, folder: string): BalancerFiles {
  const certificates = new Map<string, string>();
  const tlsOf = (service: BalancerService) =>
    (service.protocol === "https" ? (service.http?.certificates ?? []) : []).map(({ chain, key }, index) => {
      const name = `certificate-${service.listenPort}-${index}.pem`;
      certificates.set(name, `${chain.trimEnd()}\n${key.trimEnd()}\n`);
      return `${folder}/${name}`;
    });
  const taken = new Set(spec.services.map(({ listenPort }) => listenPort));
  // haproxy starts no TLS service without a certificate; at Hetzner such a service is one that never answers.
  const served = spec.services.filter(
    (service) => service.protocol !== "https" || (service.http?.certificates.length ?? 0) > 0,
  );
  const redirecting = served.find((service) => service.protocol === "https" && service.http?.redirectHttp);
  const sections = [
    [
      "global",
      "  log stdout format raw local0 notice",
      "  user haproxy",
      "  group haproxy",
      "  nbthread 1",
      "  maxconn 4000",
      `  server-state-file ${STATE_FILE}`,
      // Checks begin at once and all at their time, so that a target that died is found within its interval.
      "  spread-checks 0",
      "  ssl-default-bind-options ssl-min-ver TLSv1.2",
      "  stats socket /run/service/stats mode 600 level admin",
      // Old processes serve what is open until it ends, but not for ever.
      "  hard-stop-after 1h",
    ],
    ["defaults", "  log global", "  timeout connect 5s", "  timeout http-request 60s", "  timeout queue 30s"],
    ...served.flatMap((service) => [frontend(service, tlsOf(service)), backend(spec, service)]),
    ...(redirecting && !taken.has(80) ? [redirect(redirecting)] : []),
    // haproxy refuses to run without a listener.
    ["frontend nobody", "  bind unix@/run/service/nobody mode 600", "  mode tcp", "  timeout client 1s"],
  ];
  return { configuration: `${sections.map((lines) => lines.join("\n")).join("\n\n")}\n`, certificates };
}
