import { expect, test } from "vitest";
import { types } from "../../../policy/resource.ts";
import { unprotected } from "../../../policy/rules/protected.ts";
import { resource, unknown } from "./resources.ts";

const at = { deleteProtection: true, rebuildProtection: true };

test.each([
  ["a protected server", types.server, at, true, undefined],
  ["a protected volume", types.volume, { deleteProtection: true }, true, undefined],
  ["a protected zone", types.zone, { deleteProtection: true }, true, undefined],
  ["a server that Pulumi may delete", types.server, at, false, "Pulumi's protect"],
  [
    "a server that Hetzner may delete",
    types.server,
    { ...at, deleteProtection: false },
    true,
    "Hetzner's deleteProtection",
  ],
  [
    "a server that Hetzner may rebuild",
    types.server,
    { deleteProtection: true },
    true,
    "Hetzner's rebuildProtection",
  ],
  [
    "a volume whose protection is not known",
    types.volume,
    { deleteProtection: unknown },
    true,
    "Hetzner's deleteProtection",
  ],
  ["a zone without any", types.zone, {}, false, "Pulumi's protect, Hetzner's deleteProtection"],
  ["a firewall, which holds nothing", types.firewall, {}, false, undefined],
])("%s", (_, type, props, protect, missing) => {
  const said = unprotected(resource(type, "one", { name: "prod-one", ...props }, protect));
  expect(said).toEqual(
    missing === undefined ? [] : [expect.stringContaining(`prod-one is without ${missing}: `)],
  );
});
