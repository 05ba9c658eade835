import { readFile } from "node:fs/promises";
import { z } from "zod";
import { output } from "./nix.ts";

/**
 * What evaluation alone can give of a host: the units and files that its modules generate, and every text that they lead to. Programs are
 * not built: they are named, for whoever has others of the same name to put in their place.
 */
export interface Generated {
  /** Unit files by name. */
  units: Record<string, string>;
  /** Files below /etc by path. */
  etc: Record<string, string>;
  /** Files of the store by path: scripts and configurations that are text and nothing else. */
  texts: Record<string, { text: string; executable: boolean }>;
  /** Paths of the store that would have to be built, by the name of their package without version. */
  packages: Map<string, string[]>;
}

const inStore = /\/nix\/store\/[0-9a-z]{32}-[0-9A-Za-z+._?=-]+/g;
const shape = z.object({
  units: z.record(z.string(), z.string()),
  etc: z.record(z.string(), z.string()),
  drvs: z.array(z.string()),
});

/**
 * The units and files of a host of the flake.
 * @param evaluate an output of the flake and what is applied to it, as JSON
 * @param config Nix: from `host` to its configuration
 * @param units names of units
 * @param etc paths below /etc
 */
export async function generate(
  evaluate: (attribute: string, apply: string) => Promise<unknown>,
  {
    host,
    config,
    units,
    etc,
  }: { host: string; config: string; units: readonly string[]; etc: readonly string[] },
): Promise<Generated> {
  const names = (list: readonly string[]) => `[ ${list.map((one) => JSON.stringify(one)).join(" ")} ]`;
  const seen = shape.parse(
    await evaluate(
      `nixosConfigurations.${host}`,
      `host: let
        config = ${config};
        each = names: f: builtins.listToAttrs (map (name: { inherit name; value = f name; }) names);
        units = each ${names(units)} (name: config.systemd.units.\${name}.text);
        etc = each ${names(etc)} (name: "\${config.environment.etc.\${name}.source}");
        strings = builtins.attrValues units ++ builtins.attrValues etc;
      in {
        inherit units etc;
        drvs = builtins.attrNames (builtins.getContext (builtins.concatStringsSep "\\n" strings));
      }`,
    ),
  );
  const found: Generated = { units: seen.units, etc: {}, texts: {}, packages: new Map() };
  const followed = new Set<string>();
  for (let drvs = seen.drvs; drvs.length > 0; ) drvs = await follow(drvs, followed, found);
  for (const [path, source] of Object.entries(seen.etc)) {
    const text = found.texts[source];
    if (!text) throw new Error(`/etc/${path} is no text: ${source}`);
    found.etc[path] = text.text;
  }
  return found;
}

const shown = z.record(
  z.string(),
  z.object({
    outputs: z.record(z.string(), z.object({ path: z.string().optional() })),
    env: z.record(z.string(), z.string()),
    inputDrvs: z.record(z.string(), z.unknown()).default({}),
    inputSrcs: z.array(z.string()).default([]),
  }),
);
const attributes = z.looseObject({
  text: z.string().optional(),
  destination: z.string().optional(),
  executable: z.union([z.boolean(), z.string()]).optional(),
  pname: z.string().optional(),
});

/** Notes what these derivations and files are; the derivations that their texts lead to. */
async function follow(paths: readonly string[], followed: Set<string>, found: Generated): Promise<string[]> {
  const fresh = paths.filter((path) => !followed.has(path));
  for (const path of fresh) followed.add(path);
  for (const path of fresh.filter((path) => !path.endsWith(".drv"))) await noteFile(path, found);
  const drvs = fresh.filter((path) => path.endsWith(".drv"));
  if (drvs.length === 0) return [];
  const next: string[] = [];
  for (const drv of Object.values(
    shown.parse(JSON.parse(await output("nix", ["derivation", "show", ...drvs]))),
  )) {
    const own = attributes.parse({ ...drv.env, ...JSON.parse(drv.env.__json ?? "{}") });
    const paths = Object.values(drv.outputs).flatMap(({ path }) => path ?? []);
    const [path = ""] = paths;
    if (own.text === undefined) {
      const name = own.pname ?? path.slice("/nix/store/".length + 33).replace(/-[0-9].*$/, "");
      found.packages.set(name, [...(found.packages.get(name) ?? []), ...paths]);
      continue;
    }
    const executable = own.executable === true || own.executable === "1";
    found.texts[`${path}${own.destination ?? ""}`] = { text: own.text, executable };
    const needed = new Set(own.text.match(inStore));
    next.push(...drv.inputSrcs.filter((source) => needed.has(source)), ...Object.keys(drv.inputDrvs));
  }
  return next;
}

/** A source of the flake that evaluation has put into the store. */
async function noteFile(path: string, found: Generated): Promise<void> {
  found.texts[path] = { text: await readFile(path, "utf8"), executable: false };
}
