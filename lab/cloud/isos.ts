import { z } from "zod";
import type { Architecture, Deprecation } from "./catalogue.ts";
import { idOf, idParam } from "./collection.ts";
import type { Cloud } from "./context.ts";
import { notFound, refusedField } from "./errors.ts";
import type { Api } from "./http.ts";
import { isos as offered } from "./iso-data.ts";
import { filterValues, isOn, paginate, sortBy } from "./query.ts";
import { type ServerRecord, serverRecords } from "./records.ts";
import { type serverActs, startAct } from "./server-act.ts";
import { daysFrom } from "./timing.ts";
import { idOrName } from "./validate.ts";

export interface Iso {
  id: number;
  name: string;
  description: string;
  type: "public";
  architecture: Architecture | null;
  deprecation: Deprecation | null;
}

/** The disc images on offer at a moment. */
function isosAt(now: Date): Iso[] {
  return offered.map(({ retired, ...iso }) => ({
    ...iso,
    type: "public",
    deprecation: retired && {
      announced: daysFrom(now, -retired.announcedDaysAgo),
      unavailable_after: daysFrom(now, -retired.unavailableDaysAgo),
    },
  }));
}

export function serveIsos(api: Api, cloud: Cloud): void {
  api.get("/isos", ({ query }) => {
    const found = isosAt(cloud.now()).filter(isoFilter(query));
    const { items, meta } = paginate(sortBy(found, query, []), query);
    return { status: 200, body: { isos: items, meta } };
  });
  api.get(`/isos/${idParam}`, (request) => {
    const iso = isosAt(cloud.now()).find(({ id }) => id === idOf(request));
    if (iso === undefined) {
      throw notFound("ISO", idOf(request));
    }
    return { status: 200, body: { iso } };
  });
}

/** The wildcard is spelled in two ways: that of today and that of clients until 2023. */
function isoFilter(query: URLSearchParams): (iso: Iso) => boolean {
  const names = filterValues(query, "name");
  const architectures = filterValues(query, "architecture");
  const wildcard = ["include_architecture_wildcard", "include_wildcard_architecture"].some((name) =>
    isOn(query, name),
  );
  const fits = ({ architecture }: Iso) =>
    architectures === undefined || (architecture === null ? wildcard : architectures.includes(architecture));
  return (iso) => (names?.includes(iso.name) ?? true) && fits(iso);
}

const attach = z.object({ iso: idOrName });

/** Discs are put in and taken out, and shown; what boots in the lab is the server's own disk. */
export function serveIsoActions(cloud: Cloud, route: ReturnType<typeof serverActs>): void {
  const servers = serverRecords(cloud.store);
  route("attach_iso", (server, request) => {
    const { iso: wanted } = request.body(attach);
    servers.change(server, { iso: chooseIso(cloud, wanted, server).id });
    return startAct(cloud, server, "attach_iso");
  });
  route("detach_iso", (server) => {
    servers.change(server, { iso: null });
    return startAct(cloud, server, "detach_iso");
  });
}

export function isoOf(cloud: Cloud, server: ServerRecord): Iso | null {
  return isosAt(cloud.now()).find(({ id }) => id === server.iso) ?? null;
}

function chooseIso(cloud: Cloud, wanted: number | string, server: ServerRecord): Iso {
  const iso = isosAt(cloud.now()).find(({ id, name }) => String(id) === String(wanted) || name === wanted);
  if (iso === undefined) {
    throw refusedField("iso", `ISO '${wanted}' not found`);
  }
  const architecture = cloud.catalogue().serverType(server.server_type)?.architecture;
  if (iso.architecture !== null && iso.architecture !== architecture) {
    throw refusedField("iso", `ISO '${iso.name}' is for ${iso.architecture}, the server is ${architecture}`);
  }
  if (iso.deprecation !== null && Date.parse(iso.deprecation.unavailable_after) < cloud.now().getTime()) {
    throw refusedField("iso", `ISO '${iso.name}' is not offered any more`);
  }
  return iso;
}
