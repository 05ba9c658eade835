import { createPrivateKey, type KeyObject, X509Certificate } from "node:crypto";
import type { CertificateRecord } from "./certificate-records.ts";
import type { FieldError } from "./errors.ts";
import { timestamp } from "./timing.ts";

/** What a certificate says of itself. */
export type CertificateFacts = Pick<
  CertificateRecord,
  "domain_names" | "not_valid_before" | "not_valid_after" | "fingerprint"
>;

const block = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g;

/** The certificates of a PEM text, the one of the server first; throws when one of them cannot be read. */
function chainOf(pem: string): X509Certificate[] {
  return (pem.match(block) ?? []).map((text) => new X509Certificate(text));
}

/** The facts of a chain's first certificate. */
export function factsOf(pem: string): CertificateFacts {
  const [leaf] = chainOf(pem);
  if (leaf === undefined) {
    throw new Error("there is no certificate in the PEM text");
  }
  return {
    domain_names: namesOf(leaf),
    not_valid_before: timestamp(leaf.validFromDate),
    not_valid_after: timestamp(leaf.validToDate),
    fingerprint: leaf.fingerprint256.toLowerCase(),
  };
}

function namesOf({ subjectAltName, subject }: X509Certificate): string[] {
  const alternatives = (subjectAltName ?? "")
    .split(", ")
    .flatMap((name) => (name.startsWith("DNS:") ? [name.slice("DNS:".length)] : []));
  const common = /^CN=(.+)$/m.exec(subject ?? "")?.[1];
  return alternatives.length === 0 && common !== undefined ? [common] : alternatives;
}

/** Why a certificate with its chain and its key cannot be used, or undefined. Never repeats what was given. */
export function uploadProblem(certificate: string, privateKey: string): FieldError | undefined {
  const wrong = (name: string, message: string): FieldError => ({ name, messages: [message] });
  const chain = attempt(() => chainOf(certificate));
  const [leaf] = chain ?? [];
  if (chain === undefined || leaf === undefined) {
    return wrong("certificate", "must be a certificate in PEM format, with its chain");
  }
  const stranger = chain.findIndex((one, index) => {
    const next = chain[index + 1];
    return next !== undefined && !one.checkIssued(next);
  });
  if (stranger !== -1) {
    return wrong(
      "certificate",
      `certificate ${stranger + 2} of the chain does not certify the one before it`,
    );
  }
  const key: KeyObject | undefined = attempt(() => createPrivateKey(privateKey));
  if (key === undefined) {
    return wrong("private_key", "must be a private key in PEM format, without a passphrase");
  }
  return leaf.checkPrivateKey(key) ? undefined : wrong("private_key", "does not belong to the certificate");
}

function attempt<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch {
    return undefined;
  }
}
