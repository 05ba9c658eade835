import { rm, writeFile } from "node:fs/promises";
import { dirname } from "node:path";
import { stringify } from "yaml";
import { z } from "zod";
import { prepareEngine } from "../../lab/engine.ts";
import { labEnvironment } from "../../lab/environment.ts";
import { claimFolder, type LabPlaces } from "../../lab/folder.ts";
import { Engine } from "../../lab/journey/pulumi.ts";
import { cacheFolder, checkout, node24 } from "../../lab/setup/places.mjs";
import { layOutFlake } from "../../lab/system/layout.ts";
import { listeningCloud, token } from "../lab/cloud/client.ts";

export const readonlyToken = "fedcba9876543210".repeat(4);

/** The real engine on a stack of its own, with a cloud whose servers are only a table: what needs no machine. */
export interface CloudStack extends AsyncDisposable {
  cloud: Awaited<ReturnType<typeof listeningCloud>>;
  places: LabPlaces;
  /** The lab's environment. */
  env: Record<string, string>;
  /** The engine, in the lab's environment with these variables on top. */
  engine(variables?: Record<string, string>): Engine;
  /** Hetzner's ids of what is in the stack's state. */
  knownIds(): Promise<string[]>;
  /** Writes the stack's configuration; `flake` and `protect: false` are in it. */
  configure(config: Record<string, unknown>): Promise<void>;
}

const exported = z.object({
  deployment: z.object({
    resources: z.array(z.object({ type: z.string(), id: z.string().optional() })).nullish(),
  }),
});

/** @param folder where its files go; it is removed before and after */
export async function cloudStack(
  folder: string,
  options: Parameters<typeof listeningCloud>[0] = {},
): Promise<CloudStack> {
  await rm(folder, { recursive: true, force: true });
  const cloud = await listeningCloud({ actionMode: "instant", readonlyToken, ...options });
  const places = await claimFolder(folder);
  await writeFile(places.cloudUrl, cloud.url);
  await writeFile(places.cloudToken, token, { mode: 0o600 });
  await layOutFlake({ lab: places.folder, cache: cacheFolder(), node: dirname(node24), acme: null });
  const env = await labEnvironment(places);
  await prepareEngine(places, env);
  const engine = (variables = {}) => new Engine(checkout, { ...env, ...variables }, () => undefined);
  return {
    cloud,
    places,
    env,
    engine,
    knownIds: async () => {
      const { output } = await engine().run(["stack", "export"]);
      const { resources } = exported.parse(JSON.parse(output)).deployment;
      return (resources ?? []).flatMap(({ type, id }) => (type.startsWith("hcloud:") && id ? [id] : []));
    },
    configure: (config) =>
      writeFile(
        places.stackFile,
        stringify({
          encryptionsalt: "v1:qSrf11h6TvE=:v1:VVPUDLaiNYNq1xhZ:c46RXaXd1LZc59b4cCTjLmc+ZiPMWg==",
          config: {
            "hcloud:pollInterval": "5ms",
            "berth:flake": `path:${places.flake}`,
            "berth:protect": false,
            ...config,
          },
        }),
      ),
    async [Symbol.asyncDispose]() {
      cloud.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}
