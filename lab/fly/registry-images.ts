import { z } from "zod";
import { flyRegistryLogin } from "../../deployer/fly/image.ts";
import { parseReference } from "../../deployer/image/reference.ts";
import { Repository } from "../../deployer/image/registry.ts";
import { jsonOrUndefined } from "../../deployer/json.ts";
import type { ImageFacts } from "./driver.ts";

const manifest = z.looseObject({
  config: z.looseObject({ digest: z.string() }),
  layers: z.array(z.looseObject({ digest: z.string() })),
});
const configuration = z.looseObject({
  config: z
    .looseObject({ Labels: z.record(z.string(), z.string()).nullish() })
    .nullish()
    .transform((config) => config ?? {}),
});

/** An image as its registry has it. */
export interface RegistryImage {
  facts: ImageFacts;
  /** Of the configuration: the image's id. */
  id: string;
  /** The configuration's own text. */
  config: string;
  labels: Record<string, string>;
  /** Digests of the packed layers, base first. */
  layers: string[];
}

/** The repository of a reference, asked as Fly's own registry is: with the token. */
export const repositoryOf = (reference: string, token: string): Repository =>
  new Repository(parseReference(reference), { login: flyRegistryLogin(token) });

/** What a registry has under a reference with a digest; undefined where there is no such image. */
export async function imageInRegistry(image: string, token: string): Promise<RegistryImage | undefined> {
  const { registry, repository: path, digest } = parseReference(image);
  if (digest === undefined) return undefined;
  const repository = repositoryOf(image, token);
  const found = await repository.manifest(digest);
  const parsed = manifest.safeParse(jsonOrUndefined(found?.text ?? ""));
  if (!parsed.success) return undefined;
  const config = await repository.blobText(parsed.data.config.digest);
  const told = configuration.safeParse(jsonOrUndefined(config ?? ""));
  if (config === undefined || !told.success) return undefined;
  return {
    facts: { registry, repository: path, digest },
    id: parsed.data.config.digest,
    config,
    labels: told.data.config.Labels ?? {},
    layers: parsed.data.layers.map((layer) => layer.digest),
  };
}
