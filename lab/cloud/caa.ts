import { bytesOf, wordsOf } from "./dns-text.ts";
import type { RrsetFields } from "./zone-records.ts";

/** The authority that Hetzner asks for managed certificates. */
const authority = "letsencrypt.org";
const knownTags = ["issue", "issuewild", "iodef", "issuemail", "issuevmc", "contactemail", "contactphone"];

interface Property {
  critical: boolean;
  tag: string;
  value: string;
}

/**
 * Whether a zone's CAA records (RFC 8659) let the authority certify a name. The ones of the name count, or else of the
 * nearest name above it.
 * @param name relative to the zone, "@" for the zone itself; may start with "*."
 */
export function caaAllows(rrsets: readonly RrsetFields[], name: string): boolean {
  const wildcard = name === "*" || name.startsWith("*.");
  const properties = relevant(rrsets, wildcard ? name.slice(2) || "@" : name);
  if (properties.some(({ critical, tag }) => critical && !knownTags.includes(tag))) {
    return false;
  }
  const tagged = (tag: string) => properties.filter((property) => property.tag === tag);
  const wild = wildcard ? tagged("issuewild") : [];
  const deciding = wild.length > 0 ? wild : tagged("issue");
  return deciding.length === 0 || deciding.some(({ value }) => value.split(";")[0]?.trim() === authority);
}

function relevant(rrsets: readonly RrsetFields[], name: string): Property[] {
  const set = rrsets.find((rrset) => rrset.type === "CAA" && rrset.name === name);
  if (set !== undefined || name === "@") {
    return (set?.records ?? []).map(({ value }) => propertyOf(value));
  }
  const above = name.split(".").slice(1).join(".");
  return relevant(rrsets, above || "@");
}

function propertyOf(text: string): Property {
  const [flags, tag, value] = wordsOf(text);
  return {
    critical: (Number(flags?.text) & 128) !== 0,
    tag: tag?.text.toLowerCase() ?? "",
    value: (value && bytesOf(value)?.toString()) ?? "",
  };
}
