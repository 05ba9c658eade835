import { z } from "zod";
import { evaluated, output } from "../nix.ts";
import type { Units } from "../units.ts";
import type { Source } from "./outputs.ts";

/** What a system's own modules generate as text. */
export interface Generated {
  system: string;
  /** The units that Berth's modules write or add to. */
  units: Units;
  /** Those of them that a web app runs in. */
  instances: string[];
  /** nginx.conf, where the system has an nginx, and the files that it includes by their paths, as far as they are text. */
  nginx: { config: string; includes: Record<string, string> } | null;
}

const shape = z.object({
  system: z.string(),
  units: z.record(z.string(), z.string()),
  instances: z.array(z.string()),
  nginx: z.object({ config: z.string(), derivations: z.array(z.string()) }).nullable(),
});

const asked = `host: let
  inherit (host) config;
  apps = builtins.attrNames (config.services.webapp or { });
  own = [ "berth-boot-guard.service" "hetzner-addresses.service" "nginx.service" ];
  # Units of an app are named for it.
  ofApp = unit: app: unit == "\${app}.service" || builtins.match "\${app}(@|-port-).*" unit != null;
  mine = unit: builtins.elem unit own || builtins.any (ofApp unit) apps;
  names = builtins.filter mine (builtins.attrNames config.systemd.units);
in {
  system = config.nixpkgs.hostPlatform.system;
  units = builtins.listToAttrs (map (name: { inherit name; value = config.systemd.units.\${name}.text; }) names);
  instances = builtins.filter (unit: builtins.any (app: unit == "\${app}@.service") apps
    && config.services.webapp.\${builtins.head (builtins.split "@" unit)}.isolation == "service") names;
  nginx = if !config.services.nginx.enable then null else let
    text = config.environment.etc."nginx/nginx.conf".source.text;
  in {
    config = builtins.unsafeDiscardStringContext text;
    derivations = builtins.filter (path: builtins.match ".*[.]drv" path != null)
      (map builtins.unsafeDiscardStringContext (builtins.attrNames (builtins.getContext text)));
  };
}`;

/** Names of the flake's systems. */
export async function systemsOf({ folder, args }: Source): Promise<string[]> {
  const names = await evaluated(folder, args, "nixosConfigurations", "builtins.attrNames");
  return z.array(z.string()).parse(names);
}

/** What a system's modules generate; nothing is built for it. */
export async function generatedBy({ folder, args }: Source, name: string): Promise<Generated> {
  const { nginx, ...generated } = shape.parse(
    await evaluated(folder, args, `nixosConfigurations.${name}`, asked),
  );
  if (nginx === null) return { ...generated, nginx };
  const { config, derivations } = nginx;
  return { ...generated, nginx: { config, includes: await textsOf(derivations) } };
}

const derivation = z.object({
  outputs: z.object({ out: z.object({ path: z.string() }).optional() }),
  env: z.object({ text: z.string().optional() }),
});

/** Files that consist of a text of the evaluation alone, by the paths they would be built at. */
async function textsOf(derivations: readonly string[]): Promise<Record<string, string>> {
  if (derivations.length === 0) return {};
  const shown = z
    .record(z.string(), derivation)
    .parse(JSON.parse(await output("nix", ["derivation", "show", ...derivations])));
  return Object.fromEntries(
    Object.values(shown).flatMap(({ outputs, env }) =>
      outputs.out && env.text !== undefined ? [[outputs.out.path, env.text]] : [],
    ),
  );
}
