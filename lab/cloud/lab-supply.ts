import { z } from "zod";
import type { ServerType } from "./catalogue.ts";
import type { Cloud } from "./context.ts";
import { refusedField } from "./errors.ts";
import type { Api } from "./http.ts";
import { limitKinds, limitsOf, setLimits } from "./limits.ts";
import { setSoldOut, soldOut } from "./sold-out.ts";
import { idOrName } from "./validate.ts";

const limits = z.partialRecord(z.enum(limitKinds), z.int().min(0).nullable());
const shortage = z.strictObject({
  server_type: idOrName,
  /** Every location that sells it when absent. */
  location: idOrName.optional(),
  sold_out: z.boolean().default(true),
});

/** `/lab/limits` and `/lab/sold-out`: how much there is to be had. */
export function serveSupply(api: Api, cloud: Cloud): void {
  const { store } = cloud;

  const shownLimits = () => ({ status: 200 as const, body: { limits: limitsOf(store) } });
  api.lab("GET", "/limits", shownLimits);
  api.lab("POST", "/limits", (request) => {
    setLimits(store, request.body(limits));
    return shownLimits();
  });
  api.lab("DELETE", "/limits", () => {
    setLimits(store, Object.fromEntries(limitKinds.map((kind) => [kind, null])));
    return { status: 204 };
  });

  const shownShortages = () => ({ status: 200 as const, body: { sold_out: soldOut(store) } });
  api.lab("GET", "/sold-out", shownShortages);
  api.lab("POST", "/sold-out", (request) => {
    const body = request.body(shortage);
    const type = cloud.catalogue().serverType(body.server_type);
    if (type === undefined) {
      throw refusedField("server_type", `server type '${body.server_type}' not found`);
    }
    for (const location of locationsOf(type, body.location)) {
      setSoldOut(store, { server_type: type.name, location }, body.sold_out);
    }
    return shownShortages();
  });
  api.lab("DELETE", "/sold-out", () => {
    for (const one of soldOut(store)) setSoldOut(store, one, false);
    return { status: 204 };
  });
}

function locationsOf(type: ServerType, wanted: number | string | undefined): string[] {
  const names = type.locations
    .filter(({ id, name }) => wanted === undefined || name === wanted || String(id) === String(wanted))
    .map(({ name }) => name);
  if (names.length === 0) {
    throw refusedField("location", `server type '${type.name}' is not sold in '${wanted}'`);
  }
  return names;
}
