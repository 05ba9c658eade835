import type { LoadBalancerType } from "../catalogue.ts";
import { needsCertificate, serves, zoneOf } from "../dns.ts";
import { availability } from "../offers.ts";
import type { Problem } from "../problems.ts";
import type { LoadBalancerConfig } from "../stack.ts";
import { type Context, hostPath, manifestPath, repeated } from "./context.ts";
import { neither, reaches } from "./ports.ts";
import { unknownLocation, withExample } from "./servers.ts";

/** The port people come to before they are sent on to https. */
const redirectPort = 80;

/** Load balancers: what is sold, whom they lead to, and what their services need. */
export function checkLoadBalancers(context: Context): Problem[] {
  return Object.entries(context.config.loadBalancers).flatMap(([name, balancer]) => {
    const path = `berth:loadBalancers.${name}`;
    return [
      ...checkType(context, path, name, balancer),
      ...checkTargets(context, path, balancer),
      ...checkServices(context, path, balancer),
      ...checkDomains(context, path, balancer),
    ];
  });
}

function checkType(
  { catalogue, running, now, stack }: Context,
  path: string,
  name: string,
  balancer: LoadBalancerConfig,
): Problem[] {
  const type = catalogue.loadBalancerTypes.find((one) => one.name === balancer.type);
  const names = catalogue.loadBalancerTypes.map((one) => one.name);
  if (!type)
    return [
      withExample(
        {
          path: `${path}.type`,
          message: `"${balancer.type}" is not a type of load balancer; there are ${names.join(", ")}`,
        },
        names[0],
      ),
    ];
  if (!catalogue.locations.some((one) => one.name === balancer.location))
    return [unknownLocation(catalogue, `${path}.location`, balancer.location)];
  const runs = running?.loadBalancers.some(
    (one) => one.name === `${stack}-${name}` && one.type === type.name && one.location === balancer.location,
  );
  const sold = (one: string) =>
    availability(type.locations[one] && { ...type.locations[one], endsAt: type.endsAt }, now) === "yes";
  const problems: Problem[] = [];
  if (!runs && !sold(balancer.location)) {
    const where = Object.keys(type.locations).filter(sold);
    problems.push(
      withExample(
        {
          path: `${path}.location`,
          message: `${type.name} is not sold in ${balancer.location}; it is in ${where.join(", ") || "no location any more"}`,
        },
        where[0],
      ),
    );
  }
  const larger = (fits: (one: LoadBalancerType) => boolean) => catalogue.loadBalancerTypes.find(fits)?.name;
  const certificates = needsCertificate(balancer) ? 1 : 0;
  for (const [field, count, most] of [
    ["services", balancer.services.length, "maxServices"],
    ["targets", balancer.targets.length, "maxTargets"],
    ["domains", certificates, "maxCertificates"],
  ] as const) {
    if (count <= type[most]) continue;
    const next = larger((one) => count <= one[most]);
    problems.push(
      withExample(
        {
          path: `${path}.${field}`,
          message: `${count} ${field}; ${type.name} has ${type[most]} at most${next ? `, ${next} has enough` : ""}`,
        },
        next && `type: ${next}`,
      ),
    );
  }
  return problems;
}

function checkTargets(
  { config, catalogue, hosts }: Context,
  path: string,
  balancer: LoadBalancerConfig,
): Problem[] {
  const problems: Problem[] = [];
  const servers = Object.entries(config.hosts)
    .filter(([, { server }]) => server !== undefined)
    .map(([name]) => name);
  const zone = (location: string) => catalogue.locations.find(({ name }) => name === location)?.networkZone;
  for (const double of repeated(balancer.targets))
    problems.push({ path: `${path}.targets`, message: `${double} is named more than once` });
  for (const [index, target] of balancer.targets.entries()) {
    const at = `${path}.targets.${index}`;
    const settings = Object.hasOwn(config.hosts, target) ? config.hosts[target] : undefined;
    if (!settings) {
      const message = `"${target}" is not a host of this stack; it has ${Object.keys(config.hosts).join(", ")}`;
      problems.push(withExample({ path: at, message }, servers[0]));
      continue;
    }
    const { server } = settings;
    if (!server) {
      const message = `${target} is an existing machine, and a load balancer leads to servers that this stack orders: ${servers.join(", ") || "none"}`;
      problems.push(withExample({ path: at, message }, servers[0]));
      continue;
    }
    const [here, there] = [zone(balancer.location), zone(server.location)];
    if (here !== undefined && there !== undefined && here !== there)
      problems.push({
        path: at,
        message: `${target} is in ${server.location} (${there}), and the load balancer in ${balancer.location} (${here}): both have to be in one network zone`,
      });
    if (!server.ipv4 && !config.network)
      problems.push({
        path: at,
        message: `${target} has no IPv4 address (${hostPath(target)}.server.ipv4), and a load balancer speaks IPv4 to its targets; give it one, or a private network`,
        example: "berth:network: { range: 10.0.0.0/16 }",
      });
    const host = hosts.find(({ name }) => name === target);
    for (const [service, { targetPort }] of balancer.services.entries()) {
      if (!host || reaches(host, targetPort)) continue;
      problems.push({
        path: `${path}.services.${service}.targetPort`,
        message: `port ${targetPort} of ${target} is ${neither(host)}`,
        example: `${hostPath(target)}.firewall: [{ protocol: tcp, port: "${targetPort}" }]`,
      });
    }
  }
  return problems;
}

function checkServices({ config }: Context, path: string, balancer: LoadBalancerConfig): Problem[] {
  const problems: Problem[] = [];
  const owners = new Map<number, string>();
  const take = (port: number, at: string, what: string): void => {
    const owner = owners.get(port);
    if (owner !== undefined)
      problems.push({
        path: at,
        message: `port ${port}${what} is ${owner}'s already; a port has one service`,
      });
    owners.set(port, owner ?? at);
  };
  for (const [index, service] of balancer.services.entries()) {
    const at = `${path}.services.${index}`;
    const web = service.protocol !== "tcp";
    take(service.port, `${at}.port`, "");
    if (service.redirect && service.protocol !== "https")
      problems.push({
        path: `${at}.redirect`,
        message: `sends visitors on to https, and this service is ${service.protocol}`,
      });
    if (service.redirect && service.protocol === "https")
      take(redirectPort, `${at}.redirect`, ", where visitors come before they are sent on,");
    if (service.sticky && !web)
      problems.push({
        path: `${at}.sticky`,
        message: "needs a cookie, so http or https; this service is tcp",
      });
    if (service.health && !web)
      problems.push({
        path: `${at}.health`,
        message: "asks over http, and this service is tcp; leave it out, and a connection is tried",
      });
  }
  if (needsCertificate(balancer) && balancer.domains.length === 0) {
    const zone = Object.keys(config.dns)[0] ?? "example.org";
    problems.push({
      path: `${path}.domains`,
      message: "an https service gets its certificate for these names; name at least one",
      example: `[www.${zone}]`,
    });
  }
  return problems;
}

/** Let's Encrypt issues the certificates that Hetzner manages. */
const issuer = "letsencrypt.org";

function checkDomains({ config, hosts }: Context, path: string, balancer: LoadBalancerConfig): Problem[] {
  const problems: Problem[] = [];
  const zones = Object.keys(config.dns);
  for (const [index, domain] of balancer.domains.entries()) {
    const zone = zoneOf(domain, zones);
    const at = `${path}.domains.${index}`;
    if (needsCertificate(balancer) && zone === undefined) {
      problems.push({
        path: at,
        message: `${domain} lies in none of berth:dns (${zones.join(", ") || "none"}), and Hetzner's certificate is proven there`,
        example: `berth:dns: { ${domain.split(".").slice(-2).join(".")}: {} }`,
      });
    }
    const authorities = zone === undefined ? [] : (config.dns[zone]?.certificateAuthorities ?? []);
    if (needsCertificate(balancer) && authorities.length > 0 && !authorities.includes(issuer))
      problems.push({
        path: `berth:dns.${zone}.certificateAuthorities`,
        message: `${authorities.join(", ")}: the certificate of ${at} comes from ${issuer}, which this forbids`,
        example: `[${issuer}]`,
      });
    for (const target of new Set(balancer.targets)) {
      const host = hosts.find(({ name }) => name === target);
      const names = host?.manifest.virtualHosts.map(({ name }) => name) ?? [];
      const web = balancer.services.some(({ protocol }) => protocol !== "tcp");
      if (!host || !web || names.length === 0 || serves(names, domain)) continue;
      problems.push({
        path: at,
        message: `${domain} is not among the flake's ${manifestPath(host.settings.system)}.virtualHosts (${names.join(", ")}), which ${target} answers to`,
      });
    }
  }
  for (const double of repeated(balancer.domains))
    problems.push({ path: `${path}.domains`, message: `${double} is named more than once` });
  for (const [other, { domains }] of Object.entries(config.loadBalancers)) {
    const otherPath = `berth:loadBalancers.${other}`;
    if (otherPath <= path) continue;
    for (const domain of domains.filter((one) => balancer.domains.includes(one)))
      problems.push({ path: `${otherPath}.domains`, message: `${domain} leads to ${path} already` });
  }
  return problems;
}
