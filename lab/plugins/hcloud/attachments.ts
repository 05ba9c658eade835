import type { Properties } from "../../../provider/framework/types.ts";
import { lookUp } from "./entity.ts";
import { Gone, sdkWords } from "./errors.ts";
import type { CloudResource, Work } from "./resource.ts";
import { against, persist, TRIES } from "./retry.ts";

/** Something that one server holds at a time: the attachment is known by its id. */
interface Held {
  id: number;
  server: number | null;
}

/** An attachment to a server, as a resource of its own. */
interface Attachment {
  attributes: CloudResource["attributes"];
  collection: "volumes" | "floating_ips";
  thing: "volume" | "floating_ip";
  /** The property with the id of what is attached. */
  property: string;
  attach: string;
  detach: string;
  /** The body of an attachment. */
  body(wanted: Properties): Properties;
  /** Whether the provider tries again while the server is locked. */
  patient: boolean;
  /** Whether it is replaced by every change that the real provider knows how to make. */
  fixed: boolean;
  /** Whether the id is known before the attachment is done. */
  knownEarly: boolean;
}

function attachment(is: Attachment): CloudResource {
  const find = (id: string, { api, signal }: Pick<Work, "api" | "signal">) =>
    lookUp<Held>(is.collection, is.thing, id, api, signal);

  const act = async (path: string, body: Properties | undefined, { api, signal }: Work) =>
    is.patient
      ? await persist(api, signal, { tries: TRIES, again: against("locked") }, () =>
          api.act(path, body, signal),
        )
      : await api.act(path, body, signal);

  const attach = (id: string, work: Work) =>
    act(`/${is.collection}/${id}/actions/${is.attach}`, is.body(work.wanted), work);
  const detach = (id: string, work: Work) =>
    act(`/${is.collection}/${id}/actions/${is.detach}`, undefined, work);

  return {
    half: "sdk",
    words: sdkWords,
    attributes: is.attributes,

    async create(work, exists) {
      const id = String(work.wanted[is.property]);
      if (is.knownEarly) exists(id);
      await attach(id, work);
      exists(id);
      return undefined;
    },

    async read(id, old, work) {
      const found = await find(id, work);
      if (!found || found.server === null) return undefined;
      const server = await work.api.find(`/servers/${old.serverId || found.server}`, work.signal);
      return server && { serverId: found.server, [is.property]: found.id };
    },

    async update(id, old, work) {
      const { serverId } = work.wanted;
      if (is.fixed) throw new Error("doesn't support update");
      if (!(await find(id, work))) throw new Gone();
      if (old.serverId !== serverId) await attach(id, work);
    },

    async delete(id, _old, { api, signal, warn }) {
      const work: Work = { api, signal, warn, inputs: {}, wanted: {} };
      const found = await find(id, work);
      if (found && found.server !== null) await detach(id, work);
    },
  };
}

/** `hcloud:index/volumeAttachment:VolumeAttachment`. */
export const volumeAttachment = attachment({
  collection: "volumes",
  thing: "volume",
  property: "volumeId",
  attributes: {
    volumeId: { kind: "number", required: true, replaces: true },
    serverId: { kind: "number", required: true, replaces: true },
    automount: { kind: "boolean", computed: true },
  },
  attach: "attach",
  detach: "detach",
  body: ({ serverId, automount }) => ({ server: serverId, ...(automount ? { automount } : {}) }),
  fixed: true,
  patient: true,
  knownEarly: true,
});

/** `hcloud:index/floatingIpAssignment:FloatingIpAssignment`. */
export const floatingIpAssignment = attachment({
  collection: "floating_ips",
  thing: "floating_ip",
  property: "floatingIpId",
  attributes: {
    floatingIpId: { kind: "number", required: true, replaces: true },
    serverId: { kind: "number", required: true },
  },
  attach: "assign",
  detach: "unassign",
  body: ({ serverId }) => ({ server: serverId }),
  fixed: false,
  patient: false,
  knownEarly: false,
});
