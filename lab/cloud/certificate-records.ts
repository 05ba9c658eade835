import type { Labels } from "./labels.ts";
import type { Collection, Item, Store } from "./store.ts";

export interface CertificateRecord extends Item {
  name: string;
  type: "uploaded" | "managed";
  labels: Labels;
  /** PEM, with its chain, byte for byte as it was sent; null until a managed one is issued. */
  certificate: string | null;
  /** PEM; never leaves the store but to the driver. */
  private_key: string | null;
  domain_names: string[];
  /** RFC 3339 */
  not_valid_before: string | null;
  /** RFC 3339 */
  not_valid_after: string | null;
  /** SHA-256 in colon hex. */
  fingerprint: string | null;
  /** Null for an uploaded one. */
  status: CertificateStatus | null;
}

export interface CertificateStatus {
  issuance: "pending" | "completed" | "failed";
  renewal: "scheduled" | "pending" | "failed" | "unavailable";
  error: { code: string; message: string } | null;
}

export const certificateRecords = (store: Store): Collection<CertificateRecord> =>
  store.collection("certificates");
