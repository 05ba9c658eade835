/** A provider for tests: a thing is a JSON file in the folder SHELF, which anybody may change beside the stack. */
import { readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { serve } from "../../../provider/framework/serve.ts";
import type { Properties, ResourceHandler } from "../../../provider/framework/types.ts";

const fileOf = (name: unknown): string => join(process.env["SHELF"] ?? "", `${String(name)}.json`);
const put = async (thing: Properties): Promise<Properties> => {
  await writeFile(fileOf(thing["name"]), JSON.stringify(thing));
  return thing;
};

const thing: ResourceHandler = {
  async diff(olds, news) {
    const changed = Object.keys(news).filter(
      (key) => JSON.stringify(olds.outputs[key]) !== JSON.stringify(news[key]),
    );
    return {
      changes: changed.length > 0,
      detailed: Object.fromEntries(changed.map((key) => [key, "update"])),
    };
  },
  async create(news) {
    return { id: String(news["name"]), outputs: await put(news) };
  },
  async update(_id, _olds, news) {
    return put(news);
  },
  async read(id, { inputs, outputs }, call) {
    const text = await readFile(fileOf(id), "utf8").catch(() => undefined);
    if (text === undefined) return undefined;
    if (text === "locked") throw new Error(`${id} is locked`);
    if (text === "dark") {
      call.log("warning", `${id} could not be read, its state is kept`);
      return { inputs, outputs };
    }
    return { inputs, outputs: JSON.parse(text) as Properties };
  },
  async delete(id) {
    await rm(fileOf(id), { force: true });
  },
};

await serve({ name: "shelf", version: "0.0.1", resources: { "shelf:index:Thing": thing } });
