import { X509Certificate } from "node:crypto";
import type { Value } from "../../../provider/framework/types.ts";
import { type Entity, entity, labelsBody, put } from "./entity.ts";

interface Certificate {
  name: string;
  type: string;
  labels: Record<string, string>;
  certificate: string | null;
  created: string;
  not_valid_before: string | null;
  not_valid_after: string | null;
  domain_names: string[];
  fingerprint: string | null;
}

/** What both kinds have in common. */
const common = {
  collection: "certificates",
  thing: "certificate",
  byName: true,
  state: (found) => ({
    name: found.name,
    type: found.type,
    labels: found.labels,
    certificate: found.certificate ?? "",
    domainNames: found.domain_names,
    fingerprint: found.fingerprint ?? "",
    created: goTime(found.created),
    notValidBefore: goTime(found.not_valid_before),
    notValidAfter: goTime(found.not_valid_after),
  }),
  changes: { name: put("name"), labels: put("labels") },
  delete: { gone: ["not_found"] },
} satisfies Partial<Entity<Certificate>>;

const outputs: Entity<Certificate>["attributes"] = {
  type: { kind: "text", output: true },
  fingerprint: { kind: "text", output: true },
  created: { kind: "text", output: true },
  notValidBefore: { kind: "text", output: true },
  notValidAfter: { kind: "text", output: true },
};

/** `hcloud:index/uploadedCertificate:UploadedCertificate`. */
export const uploadedCertificate = entity<Certificate>({
  ...common,
  attributes: {
    name: { kind: "text" },
    privateKey: { kind: "text", required: true, replaces: true },
    certificate: {
      kind: "text",
      required: true,
      replaces: true,
      ignores: (was, { certificate }) => sameCertificates(was, certificate),
    },
    labels: { kind: "labels" },
    domainNames: { kind: "texts", output: true },
    ...outputs,
  },
  secrets: ["privateKey"],
  order: ({ wanted }) => ({
    name: wanted.name,
    type: "uploaded",
    certificate: wanted.certificate,
    private_key: wanted.privateKey,
    ...labelsBody(wanted),
  }),
});

/** `hcloud:index/managedCertificate:ManagedCertificate`. */
export const managedCertificate = entity<Certificate>({
  ...common,
  attributes: {
    name: { kind: "text" },
    domainNames: { kind: "texts", required: true, replaces: true, unordered: true, least: 1 },
    labels: { kind: "labels" },
    certificate: { kind: "text", output: true },
    ...outputs,
  },
  anyLabels: true,
  order: ({ wanted }) => ({
    name: wanted.name,
    type: "managed",
    domain_names: wanted.domainNames,
    ...labelsBody(wanted),
  }),
});

/** A time as Go writes it, to the second; the year 1 where there is none. */
function goTime(text: string | null): string {
  if (text === null) return "0001-01-01T00:00:00Z";
  return new Date(text).toISOString().replace(/\.\d+Z$/, "Z");
}

/** Whether two PEM texts hold the same certificates, however they are written and ordered. */
function sameCertificates(was: Value, now: Value): boolean {
  const [a, b] = [fingerprints(was), fingerprints(now)];
  return a !== undefined && b !== undefined && a.length > 0 && a.join() === b.join();
}

function fingerprints(pem: Value): string[] | undefined {
  if (typeof pem !== "string") return undefined;
  const blocks = pem.match(/-----BEGIN CERTIFICATE-----[\s\S]+?-----END CERTIFICATE-----/g) ?? [];
  try {
    return blocks.map((block) => new X509Certificate(block).fingerprint256).toSorted();
  } catch {
    return undefined;
  }
}
