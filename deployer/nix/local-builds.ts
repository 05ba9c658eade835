import { readFile } from "node:fs/promises";
import { z } from "zod";
import type { LocalBuilds } from "../../config/builds.ts";
import { jsonOrUndefined } from "../json.ts";
import { run } from "../process.ts";

const setting = <Value extends z.ZodType>(value: Value) => z.object({ value });
const settings = z.object({
  system: setting(z.string()),
  "extra-platforms": setting(z.array(z.string())),
  builders: setting(z.string()),
});

/** What the Nix here can build for; null where it does not tell. */
export async function localBuilds(): Promise<LocalBuilds | null> {
  const ended = await run("nix", ["config", "show", "--json"], { deadline: 30_000 });
  const told = settings.safeParse(jsonOrUndefined(ended.stdout));
  if (ended.exitCode !== 0 || !told.success) return null;
  return {
    systems: [told.data.system.value, ...told.data["extra-platforms"].value],
    // A list in a file may be empty, and mostly there is no such file.
    builders: await namesBuilders(told.data.builders.value),
  };
}

async function namesBuilders(value: string): Promise<boolean> {
  const file = /^@(.+)$/.exec(value.trim())?.[1];
  const text = file === undefined ? value : await readFile(file, "utf8").catch(() => "");
  return text.replace(/^\s*#.*$/gm, "").trim() !== "";
}
