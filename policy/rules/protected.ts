import { known, nameOf, type Resource, types } from "../resource.ts";

/** What each kind has at Hetzner against being lost. */
const flags: Readonly<Record<string, readonly string[]>> = {
  [types.server]: ["deleteProtection", "rebuildProtection"],
  [types.volume]: ["deleteProtection"],
  [types.zone]: ["deleteProtection"],
};

/** What a server, a volume or a zone lacks of its protection, by Pulumi and at Hetzner. */
export function unprotected(resource: Resource): string[] {
  const wanted = flags[resource.type];
  if (!wanted) return [];
  const missing = [
    ...(resource.opts.protect ? [] : ["Pulumi's protect"]),
    ...wanted.filter((flag) => known(() => resource.props[flag]) !== true).map((flag) => `Hetzner's ${flag}`),
  ];
  if (missing.length === 0) return [];
  return [
    `${nameOf(resource)} is without ${missing.join(", ")}: it could be deleted or replaced with what is on it. Next: set berth:protect to true.`,
  ];
}
