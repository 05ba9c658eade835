import { access } from "node:fs/promises";
import { delimiter, dirname, join } from "node:path";

/** Why the engine cannot be had, or undefined. */
export async function missingEngine(): Promise<string | undefined> {
  const folders = (process.env.PATH ?? "").split(delimiter);
  const find = async (name: string, places: string[]) => {
    for (const place of places)
      if (
        await access(join(place, name)).then(
          () => true,
          () => false,
        )
      )
        return place;
    return undefined;
  };
  const engine = await find("pulumi", folders);
  if (!engine) return "pulumi is not on PATH";
  const host = await find("pulumi-language-nodejs", [dirname(join(engine, "pulumi")), ...folders]);
  return host ? undefined : "pulumi-language-nodejs is not beside pulumi or on PATH";
}
