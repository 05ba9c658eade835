import type { ServeText } from "./acme.ts";
import { type Action, ActionFailure } from "./actions.ts";
import { caaAllows } from "./caa.ts";
import { factsOf } from "./certificate-pem.ts";
import { type CertificateRecord, certificateRecords } from "./certificate-records.ts";
import type { Cloud } from "./context.ts";
import { relativeName } from "./dns-names.ts";
import type { Issued } from "./self-signed.ts";
import { reason } from "./store.ts";
import { rrsetsOf, type ZoneRecord, zoneRecords } from "./zone-records.ts";

/** A certificate is renewed when less than this part of its life is left. */
const renewalPart = 1 / 3;
const renewalCheck = 60 * 60 * 1000;

/** Starts the issuance of a managed certificate, or its renewal when it was issued before. */
export function startIssue(cloud: Cloud, certificate: CertificateRecord, command: string): Action {
  const records = certificateRecords(cloud.store);
  const renewing = certificate.certificate !== null;
  records.change(certificate, {
    status: renewing
      ? { issuance: "completed", renewal: "pending", error: null }
      : { issuance: "pending", renewal: "unavailable", error: null },
  });
  return cloud.actions.start({
    command,
    resources: [{ id: certificate.id, type: "certificate" }],
    work: async () => {
      try {
        const issued = await issue(cloud, certificate.domain_names);
        const { domain_names: _, ...facts } = factsOf(issued.certificate);
        records.change(certificate, {
          ...facts,
          certificate: issued.certificate,
          private_key: issued.privateKey,
          status: { issuance: "completed", renewal: "scheduled", error: null },
        });
      } catch (error) {
        throw error instanceof ActionFailure ? error : new ActionFailure("action_failed", reason(error));
      }
    },
    failed: (error) =>
      records.change(certificate, {
        status: {
          issuance: renewing ? "completed" : "failed",
          renewal: renewing ? "failed" : "unavailable",
          error,
        },
      }),
  });
}

async function issue(cloud: Cloud, domains: readonly string[]): Promise<Issued> {
  const zones = new Map(domains.map((domain) => [domain, zoneFor(cloud, domain)]));
  for (const [domain, zone] of zones) {
    if (!caaAllows(rrsetsOf(cloud.store, zone), relativeName(`${domain}.`, zone.name) ?? "@")) {
      throw new ActionFailure(
        "caa_record_does_not_allow_ca",
        `CAA record of ${domain} does not allow certificate authority`,
      );
    }
  }
  // The libraries of both ways take long to load, and most clouds issue nothing.
  const server = await cloud.driver.acme();
  if (server === null) {
    const { selfSigned } = await import("./self-signed.ts");
    return selfSigned(domains, cloud.now());
  }
  const serve: ServeText = (name, value) => {
    const zone = zoneFor(cloud, name);
    return cloud.zones.challenge(zone, relativeName(`${name}.`, zone.name) ?? "@", value);
  };
  const { ChallengeFailed, orderCertificate } = await import("./acme.ts");
  try {
    return await orderCertificate(server, domains, serve);
  } catch (error) {
    if (error instanceof ChallengeFailed) {
      throw new ActionFailure(
        "ca_dns_validation_failed",
        `Certificate Authority: DNS validation failed: ${reason(error)}`,
      );
    }
    throw error;
  }
}

/** The zone of this cloud that a name lies in, which must be one whose records are managed here. */
function zoneFor(cloud: Cloud, domain: string): ZoneRecord {
  const zone = zoneRecords(cloud.store)
    .all()
    .find(({ name }) => relativeName(`${domain}.`, name) !== undefined);
  if (zone === undefined) {
    throw new ActionFailure("dns_zone_not_found", `DNS zone of ${domain} not found`);
  }
  if (zone.mode === "secondary") {
    throw new ActionFailure("dns_zone_is_secondary_zone", `DNS zone ${zone.name} is a secondary zone`);
  }
  return zone;
}

/** Whether a managed certificate has to be renewed by now. */
function isDue(certificate: CertificateRecord, now: Date): boolean {
  const { status, not_valid_before: from, not_valid_after: until } = certificate;
  if (status?.renewal !== "scheduled" || from === null || until === null) {
    return false;
  }
  const [start, end] = [Date.parse(from), Date.parse(until)];
  return now.getTime() > end - (end - start) * renewalPart;
}

/** Renews what is due by now. */
export function renewDue(cloud: Cloud): void {
  for (const certificate of certificateRecords(cloud.store).all()) {
    if (isDue(certificate, cloud.now())) {
      startIssue(cloud, certificate, "issue_certificate");
    }
  }
}

/** Issues what was interrupted, and renews what is due now and from now on. Call once at start. */
export function resumeCertificates(cloud: Cloud): void {
  for (const certificate of certificateRecords(cloud.store).all()) {
    if (certificate.status?.issuance === "pending" || certificate.status?.renewal === "pending") {
      startIssue(cloud, certificate, "issue_certificate");
    }
  }
  renewDue(cloud);
  setInterval(() => renewDue(cloud), renewalCheck).unref();
}
