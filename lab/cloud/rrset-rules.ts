import { z } from "zod";
import { rrsetNameProblem } from "./dns-names.ts";
import { type RrsetType, rrsetTypes, valueProblem } from "./dns-values.ts";
import type { FieldError } from "./errors.ts";
import { labels } from "./validate.ts";
import type { DnsRecord, RrsetFields } from "./zone-records.ts";

/** Seconds */
export const ttl = z.int().min(60).max(2_147_483_647);

const maxRecords = 50;
const maxComment = 255;

const dnsRecord = z.object({
  value: z.string().min(1),
  comment: z
    .string()
    .max(maxComment)
    .refine((text) => !/[\r\n]/.test(text), "must be on one line")
    .nullish()
    .transform((text) => text ?? ""),
});

/** Records of one set; every value once. */
export const dnsRecords = z
  .array(dnsRecord)
  .min(1)
  .max(maxRecords)
  .superRefine((records, context) => {
    const seen = new Set<string>();
    for (const [index, { value }] of records.entries()) {
      if (seen.has(value)) {
        context.addIssue({ code: "custom", path: [index, "value"], message: "is there twice" });
      }
      seen.add(value);
    }
  });

export const newRrset = z.object({
  name: z.string().min(1),
  type: z.enum(rrsetTypes),
  ttl: ttl.nullish(),
  records: dnsRecords,
  labels: labels.nullish(),
});

export type NewRrset = z.output<typeof newRrset>;

export function fieldsOf({
  name,
  type,
  ttl,
  records,
  labels,
}: Omit<NewRrset, "labels"> & Partial<NewRrset>): RrsetFields {
  return { name, type, ttl: ttl ?? null, records, labels: labels ?? {} };
}

type SetKey = { name: string; type: RrsetType };

/** What is wrong with a record set for itself. @param field where it is in the request, e.g. "rrsets.0." */
export function rrsetProblems(
  rrset: SetKey & { records: DnsRecord[] },
  zone: string,
  field = "",
): FieldError[] {
  const name = rrsetNameProblem(rrset.name, zone);
  return [
    ...(name === undefined ? [] : [{ name: `${field}name`, messages: [name] }]),
    ...recordProblems(rrset.type, rrset.records, zone, field),
    ...(rrset.type === "CNAME" && rrset.name === "@"
      ? [{ name: `${field}type`, messages: ["the zone itself cannot be a CNAME"] }]
      : []),
    ...(rrset.type === "SOA" && rrset.name !== "@"
      ? [{ name: `${field}name`, messages: ["only the zone itself, '@', has an SOA"] }]
      : []),
  ];
}

/** What is wrong with the records of a set of a type. */
export function recordProblems(
  type: RrsetType,
  records: DnsRecord[],
  zone: string,
  field = "",
): FieldError[] {
  const single = (type === "CNAME" || type === "SOA") && records.length > 1;
  return [
    ...records.flatMap(({ value }, index) => {
      const problem = valueProblem(type, value, zone);
      return problem === undefined
        ? []
        : [{ name: `${field}records.${index}.value`, messages: [`${type}: ${problem}`] }];
    }),
    ...(single ? [{ name: `${field}records`, messages: [`a ${type} has one record only`] }] : []),
  ];
}

/** Why a set cannot be beside the others of its zone: a CNAME is alone at its name. */
export function neighbourProblem(rrset: SetKey, others: readonly SetKey[]): string | undefined {
  const besides = others.filter(({ name, type }) => name === rrset.name && type !== rrset.type);
  if (rrset.type === "CNAME" && besides.length > 0) {
    return `a CNAME cannot be beside other records; '${rrset.name}' has ${besides.map(({ type }) => type).join(", ")}`;
  }
  return besides.some(({ type }) => type === "CNAME")
    ? `'${rrset.name}' is a CNAME, which cannot be beside other records`
    : undefined;
}
