import { missingFlySecrets } from "../fly-rules.ts";
import type { Problem } from "../problems.ts";
import { credentialBytes } from "../secrets.ts";
import { secretsOf } from "./containers.ts";
import { type Context, type Findings, hostPath, type MatchedHost, manifestPath } from "./context.ts";

/** That every secret that a host names is there, and that every service gets the credentials that it expects, and no others. */
export function checkSecrets({ config, hosts }: Context): Findings {
  const used = new Set(
    Object.values(config.hosts).flatMap(({ secrets, disk }) => [
      ...Object.values(secrets).flatMap(Object.values),
      ...(disk ? [disk.passphrase] : []),
    ]),
  );
  for (const { push } of config.builds.caches) if (push !== undefined) used.add(push);
  for (const { secret } of secretsOf(config.containers)) used.add(secret);
  for (const { secrets } of Object.values(config.fly))
    for (const secret of Object.values(secrets)) used.add(secret);
  return {
    problems: [
      ...hosts.flatMap((host) => checkNamed(host, config.secrets)),
      ...hosts.flatMap(checkExpected),
      ...missingFlySecrets(config.fly, config.secrets),
    ],
    notes: Object.keys(config.secrets)
      .filter((name) => !used.has(name))
      .map((name) => `berth:secrets.${name}: nothing uses it; ${removalOf(name)} removes it`),
  };
}

/** The command that makes a secret. */
export const orderOf = (name: string): string => `pulumi config set --secret --path 'berth:secrets.${name}'`;
const removalOf = (name: string): string => `pulumi config rm --path 'berth:secrets.${name}'`;
/** What there is, for people. */
export const listed = (names: readonly string[]): string => (names.length === 0 ? "none" : names.join(", "));

/** What a host names, against what the stack has. Tells names and sizes, never a value. */
function checkNamed({ name, settings }: MatchedHost, values: Record<string, string>): Problem[] {
  const problems: Problem[] = [];
  for (const [service, credentials] of Object.entries(settings.secrets)) {
    const path = `${hostPath(name)}.secrets.${service}`;
    let bytes = 0;
    for (const [credential, secret] of Object.entries(credentials)) {
      const value = Object.hasOwn(values, secret) ? values[secret] : undefined;
      if (value !== undefined) {
        bytes += Buffer.byteLength(value);
        continue;
      }
      problems.push({
        path: `${path}.${credential}`,
        message: `there is no secret "${secret}" under berth:secrets; there are ${listed(Object.keys(values))}`,
        example: orderOf(secret),
      });
    }
    if (bytes <= credentialBytes) continue;
    problems.push({
      path,
      message: `its secrets are ${bytes} bytes together, and systemd hands a service ${credentialBytes} at most`,
    });
  }
  return problems;
}

/** What a host gives, against what its system in the flake expects. */
function checkExpected({ name, settings, manifest }: MatchedHost): Problem[] {
  const problems: Problem[] = [];
  const services = new Set([...Object.keys(manifest.credentials), ...Object.keys(settings.secrets)]);
  for (const service of services) {
    const path = `${hostPath(name)}.secrets.${service}`;
    const flake = `the flake's ${manifestPath(settings.system)}.credentials.${service}`;
    const expected = manifest.credentials[service] ?? [];
    const given = Object.keys(settings.secrets[service] ?? {});
    for (const credential of expected) {
      if (given.includes(credential)) continue;
      problems.push({
        path: `${path}.${credential}`,
        message: `is missing; ${flake} expects ${credential}, and ${service}.service would not start without it: name the secret here`,
        example: "db-url",
      });
    }
    for (const credential of given) {
      if (expected.includes(credential)) continue;
      problems.push({
        path: `${path}.${credential}`,
        message: `${flake} does not expect it (it expects ${listed(expected)}), and nothing would read it; add it to berth.credentials there, or take it out here`,
      });
    }
  }
  return problems;
}
