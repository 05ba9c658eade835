import { secretsOf } from "../../config/checks/containers.ts";
import type { StackConfig } from "../../config/stack.ts";

/** One place that a secret goes to. */
export interface SecretUse {
  /** Name under `berth:secrets`. */
  secret: string;
  /** For people, e.g. "web1: site, DATABASE_URL". */
  where: string;
  /** Of a host's credential: which one. */
  credential?: { host: string; service: string; name: string };
}

/** Every place that the configuration sends a secret to. Pure. */
export function usesOf({ hosts, containers, fly, builds }: StackConfig): SecretUse[] {
  return [
    ...Object.entries(hosts).flatMap(([host, { secrets, disk }]): SecretUse[] => [
      ...Object.entries(secrets).flatMap(([service, credentials]) =>
        Object.entries(credentials).map(([name, secret]) => ({
          secret,
          where: `${host}: ${service}, ${name}`,
          credential: { host, service, name },
        })),
      ),
      ...(disk ? [{ secret: disk.passphrase, where: `${host}: passphrase of its disk` }] : []),
    ]),
    ...secretsOf(containers).map(({ path, secret }) => ({ secret, where: path })),
    ...Object.entries(fly).flatMap(([app, { secrets }]) =>
      Object.entries(secrets).map(([variable, secret]) => ({
        secret,
        where: `${app} at Fly: ${variable}`,
      })),
    ),
    ...builds.caches.flatMap(({ push, url }) =>
      push === undefined ? [] : [{ secret: push, where: `signs for ${url}` }],
    ),
  ];
}
