import { z } from "zod";
import { Failure } from "../failure.ts";
import { parseReference } from "../image/reference.ts";
import { type RegistryOptions, Repository } from "../image/registry.ts";
import { jsonOrUndefined } from "../json.ts";

const manifest = z.looseObject({
  config: z.looseObject({ digest: z.string() }).optional(),
  manifests: z
    .array(z.looseObject({ platform: z.looseObject({ architecture: z.string() }).optional() }))
    .optional(),
});
const configuration = z.looseObject({ architecture: z.string() });

/**
 * Which machines an image is for, e.g. "amd64", as its registry has it; of an image for several, amd64 where that is among them.
 * Throws a Failure where the image is not there, or does not say.
 */
export async function architectureOf(image: string, options: RegistryOptions): Promise<string> {
  const reference = parseReference(image);
  const repository = new Repository(reference, options);
  const unknown = (cameBack: string) =>
    new Failure({
      tried: `read which machines ${image} is for`,
      cameBack,
      stands: "Nothing was changed.",
      next: "check the reference, and that the image was pushed",
    });
  const found = await repository.manifest(reference.digest ?? reference.tag ?? "latest");
  if (!found) throw unknown(`${repository.name} has no such image`);
  const parsed = manifest.safeParse(jsonOrUndefined(found.text)).data;
  const several = parsed?.manifests?.flatMap(({ platform }) => platform?.architecture ?? []) ?? [];
  if (several.length > 0) return several.includes("amd64") ? "amd64" : several.join(", ");
  const config = parsed?.config && (await repository.blobText(parsed.config.digest));
  const said = configuration.safeParse(jsonOrUndefined(config ?? ""));
  if (!said.success) throw unknown("its configuration does not say");
  return said.data.architecture;
}

/** Who may push to and read from Fly's registry: whoever has the token. */
export const flyRegistryLogin = (token: string): NonNullable<RegistryOptions["login"]> => ({
  username: "x",
  password: token,
});
