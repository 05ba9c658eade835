import { z } from "zod";
import type { PacketRule } from "./driver.ts";
import { formatCidr, networkOf, parseCidr } from "./ip.ts";
import type { FirewallRule } from "./records.ts";

const maxRules = 50;
const maxNetworks = 100;

const network = z.string().transform((text, context) => {
  const cidr = parseCidr(text);
  if (cidr === undefined) {
    context.addIssue({ code: "custom", message: `'${text}' is not a network in CIDR notation` });
    return z.NEVER;
  }
  return formatCidr(networkOf(cidr));
});

const networks = z
  .array(network)
  .max(maxNetworks)
  .nullish()
  .transform((list) => list ?? []);

/** A rule as it is sent; comes out as it is kept: null for what is unset, networks in canonical form. */
const rule = z
  .object({
    direction: z.enum(["in", "out"]),
    protocol: z.enum(["tcp", "udp", "icmp", "esp", "gre"]),
    port: z
      .string()
      .nullish()
      .transform((text) => text || null),
    source_ips: networks,
    destination_ips: networks,
    description: z
      .string()
      .max(255)
      .nullish()
      .transform((text) => text || null),
  })
  .superRefine((value, context) => {
    const issue = (path: string, message: string) =>
      context.addIssue({ code: "custom", path: [path], message });
    const hasPorts = value.protocol === "tcp" || value.protocol === "udp";
    if (hasPorts && (value.port === null || portRange(value.port) === undefined)) {
      issue("port", "must be a port or a range of ports for tcp and udp, e.g. '80' or '80-85'");
    }
    if (!hasPorts && value.port !== null) {
      issue("port", `is not allowed for ${value.protocol}`);
    }
    const side = value.direction === "in" ? "source_ips" : "destination_ips";
    if (value[side].length === 0) {
      issue(side, `must not be empty for direction '${value.direction}'`);
    }
  })
  .transform((value): FirewallRule => ({ ...value, port: value.port === "any" ? "1-65535" : value.port }));

export const rules = z
  .array(rule)
  .max(maxRules)
  .nullish()
  .transform((list) => list ?? []);

/** The first and last port, or undefined when the text is neither a port, a range nor "any". */
function portRange(text: string): [first: number, last: number] | undefined {
  if (text === "any") {
    return [1, 65535];
  }
  const match = /^(\d{1,5})(?:-(\d{1,5}))?$/.exec(text);
  const first = Number(match?.[1]);
  const last = Number(match?.[2] ?? match?.[1]);
  return match && first >= 1 && first <= last && last <= 65535 ? [first, last] : undefined;
}

/** The rule as the driver enforces it: one side's networks only. */
export function packetRule({
  direction,
  protocol,
  port,
  source_ips,
  destination_ips,
}: FirewallRule): PacketRule {
  return { direction, protocol, port, networks: direction === "in" ? source_ips : destination_ips };
}
