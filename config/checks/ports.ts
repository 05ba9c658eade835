import { isIP } from "node:net";
import type { FirewallRuleConfig } from "../host.ts";
import type { HealthCheck } from "../manifest.ts";
import type { Problem } from "../problems.ts";
import { hostPath, type MatchedHost, manifestPath } from "./context.ts";

/** Hetzner's limits of a firewall. */
const mostRules = 50;
const mostNetworks = 100;
/** Rules Berth sets itself beside the ports: ping. Ssh has a firewall of its own. */
const ownRules = 1;

/** Rules of the cloud's firewall, and the ports that are asked from outside. */
export function checkPorts(host: MatchedHost, from: readonly string[]): Problem[] {
  return [...checkRules(host, from), ...checkHealth(host)];
}

function checkRules({ name, settings, manifest }: MatchedHost, from: readonly string[]): Problem[] {
  const problems: Problem[] = [];
  const path = `${hostPath(name)}.firewall`;
  for (const [index, rule] of settings.firewall.entries()) {
    const wrong = checkRule(rule);
    if (wrong)
      problems.push({ path: `${path}.${index}${wrong.at}`, message: wrong.message, example: wrong.example });
    if (rule.networks.length > mostNetworks)
      problems.push({
        path: `${path}.${index}.networks`,
        message: `${rule.networks.length} networks; a rule has ${mostNetworks} at most: split it`,
      });
  }
  const rules = settings.firewall.length + manifest.ports.tcp.length + manifest.ports.udp.length + ownRules;
  if (settings.server && rules > mostRules) {
    problems.push({
      path,
      message: `${settings.firewall.length} rules here, ${rules - settings.firewall.length - ownRules} ports of the flake's ${manifestPath(settings.system)}.ports and ping are ${rules} rules, and Hetzner's firewall has ${mostRules} at most; open ranges of ports in place of single ones`,
      example: '[{ protocol: tcp, port: "8000-8010" }]',
    });
  }
  if (settings.server && from.length > mostNetworks)
    problems.push({
      path: "berth:access.from",
      message: `${from.length} networks; a rule of Hetzner's firewall has ${mostNetworks} at most: name larger ones`,
    });
  return problems;
}

const hasPorts = ({ protocol }: FirewallRuleConfig): boolean => protocol === "tcp" || protocol === "udp";

function checkRule(rule: FirewallRuleConfig): { at: string; message: string; example?: string } | undefined {
  if (rule.port === undefined)
    return hasPorts(rule)
      ? { at: ".port", message: `is missing; a rule for ${rule.protocol} needs one`, example: '"443"' }
      : undefined;
  if (!hasPorts(rule))
    return { at: ".port", message: `"${rule.port}": ${rule.protocol} has no ports; leave it out` };
  const [first = 0, last = first] = range(rule.port);
  if (first > 65_535 || last > 65_535)
    return { at: ".port", message: `"${rule.port}": a port is 65535 at most`, example: '"8000-8010"' };
  if (first > last)
    return {
      at: ".port",
      message: `"${rule.port}": a range begins with its smaller port`,
      example: `"${last}-${first}"`,
    };
  return undefined;
}

const range = (text: string): number[] => text.split("-").map(Number);

/** Whether something outside reaches a TCP port of the host: by the flake's own list, or by a rule of the stack. */
export function reaches({ settings, manifest }: MatchedHost, port: number): boolean {
  return (
    manifest.ports.tcp.includes(port) ||
    settings.firewall.some((rule) => {
      if (rule.direction !== "in" || rule.protocol !== "tcp" || rule.port === undefined) return false;
      const [first = 0, last = first] = range(rule.port);
      return first <= port && port <= last;
    })
  );
}

/** "in neither … (80, 443) nor …": the two places that open a port. */
export function neither({ name, settings, manifest }: MatchedHost): string {
  const ports = manifest.ports.tcp.join(", ") || "none";
  return `in neither the flake's ${manifestPath(settings.system)}.ports.tcp (${ports}) nor ${hostPath(name)}.firewall`;
}

function checkHealth(host: MatchedHost): Problem[] {
  const { name, settings, manifest } = host;
  const path = hostPath(name);
  const shut = (check: HealthCheck): { port: number; asked: string } | undefined => {
    const asked = askedFromOutside(check);
    return asked && !reaches(host, asked.port) ? asked : undefined;
  };
  const own = settings.health.flatMap((check, index): Problem[] => {
    const asks = shut(check);
    if (asks === undefined) return [];
    return [
      {
        path: `${path}.health.${index}`,
        message: `${asks.asked} asks port ${asks.port}, which is ${neither(host)}`,
        example: `firewall: [{ protocol: tcp, port: "${asks.port}" }]`,
      },
    ];
  });
  const flake = manifest.health.flatMap((check, index): Problem[] => {
    const asks = shut(check);
    if (asks === undefined) return [];
    return [
      {
        path: `${path}.firewall`,
        message: `the flake's ${manifestPath(settings.system)}.health.${index} asks ${asks.asked}, and port ${asks.port} is ${neither(host)}`,
        example: `[{ protocol: tcp, port: "${asks.port}" }]`,
      },
    ];
  });
  return [...own, ...flake, ...checkFamilies(host)];
}

/** The port a check goes to, and how that is written; undefined for one that is asked on the host. */
function askedFromOutside({ http, https, tcp }: HealthCheck): { port: number; asked: string } | undefined {
  if (tcp !== undefined) return { port: tcp, asked: `tcp: ${tcp}` };
  const url = http ?? https;
  if (url === undefined) return undefined;
  const { port } = new URL(url);
  return { port: port === "" ? (https === undefined ? 80 : 443) : Number(port), asked: url };
}

/** A check that names an address of a family the host has not. */
function checkFamilies({ name, settings }: MatchedHost): Problem[] {
  const { server } = settings;
  if (!server) return [];
  return settings.health.flatMap(({ http, https }, index): Problem[] => {
    const url = http ?? https;
    if (url === undefined) return [];
    const family = isIP(new URL(url).hostname.replace(/^\[|\]$/g, ""));
    const off = (family === 4 && !server.ipv4) || (family === 6 && !server.ipv6);
    return off
      ? [
          {
            path: `${hostPath(name)}.health.${index}`,
            message: `${url} is IPv${family}, and ${hostPath(name)}.server.ipv${family} is false`,
          },
        ]
      : [];
  });
}
