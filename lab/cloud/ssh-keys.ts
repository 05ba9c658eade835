import sshpk from "sshpk";
import { z } from "zod";
import { byName, find, given, idParam, type Resource, serveReads, show } from "./collection.ts";
import type { Cloud } from "./context.ts";
import { invalidField, notUnique, refusedField } from "./errors.ts";
import type { Api } from "./http.ts";
import { ensureWithinLimit } from "./limits.ts";
import { type SshKeyRecord, sshKeyRecords } from "./records.ts";
import { freeName, labels } from "./validate.ts";

const create = z.object({ name: freeName, public_key: z.string().min(1), labels: labels.nullish() });
const update = z.object({ name: freeName.nullish(), labels: labels.nullish() });

export function serveSshKeys(api: Api, cloud: Cloud): void {
  const records = sshKeyRecords(cloud.store);
  const resource: Resource<SshKeyRecord> = {
    many: "ssh_keys",
    one: "ssh_key",
    what: "SSH key",
    records,
    sortable: ["id", "name"],
    withoutActions: true,
    filters: { name: byName, fingerprint: (key, values) => values.includes(key.fingerprint) },
    view: (key) => key,
  };
  const ensureFreeName = (name: string, own?: SshKeyRecord) => {
    if (records.all().some((key) => key !== own && key.name === name)) {
      throw notUnique("name", "SSH key name is already used");
    }
  };

  serveReads(api, cloud, resource);
  api.post("/ssh_keys", (request) => {
    const body = request.body(create);
    const fingerprint = fingerprintOf(body.public_key);
    if (records.all().some((key) => key.fingerprint === fingerprint)) {
      throw notUnique("public_key", "SSH key not unique");
    }
    ensureFreeName(body.name);
    ensureWithinLimit(cloud, { ssh_keys: 1 });
    const key = records.add({
      name: body.name,
      fingerprint,
      public_key: body.public_key,
      labels: body.labels ?? {},
    });
    return show(resource, key, {}, 201);
  });
  api.put(`/ssh_keys/${idParam}`, (request) => {
    const key = find(resource, request);
    const body = request.body(update);
    if (body.name) {
      ensureFreeName(body.name, key);
    }
    records.change(key, given({ name: body.name ?? undefined, labels: body.labels ?? undefined }));
    return show(resource, key);
  });
  api.delete(`/ssh_keys/${idParam}`, (request) => {
    records.remove(find(resource, request));
    return { status: 204 };
  });
}

/** MD5 in colon hex; 422 when the text is no public key in OpenSSH form. */
function fingerprintOf(publicKey: string): string {
  try {
    return sshpk.parseKey(publicKey.trim(), "ssh").fingerprint("md5").toString("hex");
  } catch {
    throw invalidField("public_key", "is not a public key in OpenSSH format");
  }
}

/** The public key of one that is stored, by id or name; 422 when there is none. */
export function publicKey(cloud: Cloud, wanted: number | string): string {
  const key = sshKeyRecords(cloud.store)
    .all()
    .find(({ id, name }) => String(id) === String(wanted) || name === wanted);
  if (key === undefined) {
    throw refusedField("ssh_keys", `SSH key '${wanted}' not found`);
  }
  return key.public_key.trim();
}
