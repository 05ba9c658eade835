import { z } from "zod";
import { startIssue } from "./certificate-issue.ts";
import { factsOf, uploadProblem } from "./certificate-pem.ts";
import { type CertificateRecord, certificateRecords } from "./certificate-records.ts";
import { byName, find, given, idParam, type Resource, serveReads, show } from "./collection.ts";
import type { Cloud } from "./context.ts";
import { ApiError, invalidField, invalidInput, notUnique } from "./errors.ts";
import type { Api } from "./http.ts";
import { ensureWithinLimit } from "./limits.ts";
import { loadBalancerRecords } from "./load-balancer-records.ts";
import { freeName, labels } from "./validate.ts";

const maxDomains = 100;

const domainName = z
  .string()
  .max(253)
  .regex(
    /^(?:\*\.)?(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z0-9-]{2,63}$/,
    "must be a domain name in lower case, which may start with '*.'",
  );

const create = z.object({
  name: freeName,
  type: z.enum(["uploaded", "managed"]).nullish(),
  labels: labels.nullish(),
  certificate: z.string().nullish(),
  private_key: z.string().nullish(),
  domain_names: z
    .array(domainName)
    .max(maxDomains)
    .refine((names) => new Set(names).size === names.length, "must be distinct")
    .nullish(),
});
const update = z.object({ name: freeName.nullish(), labels: labels.nullish() });

type Content = Omit<CertificateRecord, "id" | "created" | "name" | "labels">;

export function serveCertificates(api: Api, cloud: Cloud): void {
  const records = certificateRecords(cloud.store);
  const resource: Resource<CertificateRecord> = {
    many: "certificates",
    one: "certificate",
    what: "certificate",
    records,
    sortable: ["id", "name", "created"],
    filters: { name: byName, type: ({ type }, types) => types.includes(type) },
    view: (certificate) => view(cloud, certificate),
  };
  const ensureFreeName = (name: string, own?: CertificateRecord) => {
    if (records.all().some((certificate) => certificate !== own && certificate.name === name)) {
      throw notUnique("name", "certificate name is already used");
    }
  };

  serveReads(api, cloud, resource);
  api.post("/certificates", async (request) => {
    const body = request.body(create);
    ensureFreeName(body.name);
    ensureWithinLimit(cloud, { certificates: 1 });
    const content = body.type === "managed" ? managed(body) : uploaded(body);
    const certificate = records.add({ name: body.name, labels: body.labels ?? {}, ...content });
    if (certificate.type === "uploaded") {
      return show(resource, certificate, { action: null }, 201);
    }
    const [action] = await cloud.actions.answer(startIssue(cloud, certificate, "create_certificate"));
    return show(resource, certificate, { action }, 201);
  });
  api.put(`/certificates/${idParam}`, (request) => {
    const certificate = find(resource, request);
    const body = request.body(update);
    if (body.name) {
      ensureFreeName(body.name, certificate);
    }
    records.change(certificate, given({ name: body.name ?? undefined, labels: body.labels ?? undefined }));
    return show(resource, certificate);
  });
  api.delete(`/certificates/${idParam}`, (request) => {
    const certificate = find(resource, request);
    if (usedBy(cloud, certificate).length > 0) {
      throw new ApiError("resource_in_use", `certificate with ID '${certificate.id}' is still in use`);
    }
    records.remove(certificate);
    return { status: 204 };
  });
  api.post(`/certificates/${idParam}/actions/retry`, async (request) => {
    const certificate = find(resource, request);
    const { status } = certificate;
    if (status === null) {
      throw new ApiError("unsupported_error", "only managed certificates are issued and renewed");
    }
    if (status.issuance !== "failed" && status.renewal !== "failed") {
      throw new ApiError("unsupported_error", "neither issuance nor renewal of the certificate has failed");
    }
    const [action] = await cloud.actions.answer(startIssue(cloud, certificate, "issue_certificate"));
    return { status: 201, body: { action } };
  });
}

function uploaded(body: z.output<typeof create>): Content {
  if (!body.certificate || !body.private_key) {
    throw invalidField(body.certificate ? "private_key" : "certificate", "is required for type uploaded");
  }
  const problem = uploadProblem(body.certificate, body.private_key);
  if (problem !== undefined) {
    throw invalidInput([problem]);
  }
  return {
    type: "uploaded",
    certificate: body.certificate,
    private_key: body.private_key,
    ...factsOf(body.certificate),
    status: null,
  };
}

function managed({ domain_names }: z.output<typeof create>): Content {
  if (domain_names == null || domain_names.length === 0) {
    throw invalidField("domain_names", "is required for type managed");
  }
  return {
    type: "managed",
    certificate: null,
    private_key: null,
    domain_names,
    not_valid_before: null,
    not_valid_after: null,
    fingerprint: null,
    status: { issuance: "pending", renewal: "unavailable", error: null },
  };
}

function usedBy(cloud: Cloud, { id }: CertificateRecord): { id: number; type: "load_balancer" }[] {
  return loadBalancerRecords(cloud.store)
    .all()
    .filter(({ services }) => services.some(({ http }) => http?.certificates.includes(id)))
    .map((balancer) => ({ id: balancer.id, type: "load_balancer" }));
}

/** Field by field, so that the key can never slip in. */
function view(cloud: Cloud, certificate: CertificateRecord): object {
  return {
    id: certificate.id,
    name: certificate.name,
    labels: certificate.labels,
    type: certificate.type,
    certificate: certificate.certificate,
    created: certificate.created,
    not_valid_before: certificate.not_valid_before,
    not_valid_after: certificate.not_valid_after,
    domain_names: certificate.domain_names,
    fingerprint: certificate.fingerprint,
    status: certificate.status,
    used_by: usedBy(cloud, certificate),
  };
}
