import { randomBytes } from "node:crypto";
import * as x509 from "@peculiar/x509";
import { daysFrom } from "./timing.ts";

/** As long as those of Let's Encrypt. */
const validDays = 90;
const algorithm = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" };

/** A certificate with its key, both in PEM. */
export interface Issued {
  certificate: string;
  privateKey: string;
}

/** A certificate that nobody vouches for, where there is no ACME server; its issuer says so. */
export async function selfSigned(domains: readonly string[], now: Date): Promise<Issued> {
  const keys = await crypto.subtle.generateKey(algorithm, true, ["sign", "verify"]);
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    serialNumber: randomBytes(16).toString("hex"),
    name: "CN=Self-signed by the lab,O=Berth lab without an ACME server",
    notBefore: now,
    notAfter: new Date(daysFrom(now, validDays)),
    signingAlgorithm: algorithm,
    keys,
    extensions: [
      new x509.SubjectAlternativeNameExtension(domains.map((value) => ({ type: "dns", value }))),
      new x509.BasicConstraintsExtension(false),
      new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.serverAuth]),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature),
    ],
  });
  const pkcs8 = await crypto.subtle.exportKey("pkcs8", keys.privateKey);
  return {
    certificate: `${certificate.toString("pem")}\n`,
    privateKey: `${x509.PemConverter.encode(pkcs8, "PRIVATE KEY")}\n`,
  };
}
