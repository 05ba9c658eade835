import { describe, expect, test } from "vitest";
import type { PlanInput } from "../../../../config/plan-stack.ts";
import { flake, type Raw, refusals, withHost } from "../samples.ts";

/** What is asked, and each problem with its path and a part of its message. */
export type Case = [
  what: string,
  raw: Raw,
  problems: [path: string, message: string][],
  input?: Partial<PlanInput>,
];

const both = (text: string) => expect.stringContaining(text) as never;

/** Each of these stacks is refused for these problems and no others. */
export function testRefusals(part: string, cases: readonly Case[]): void {
  describe(part, () => {
    test.each(cases)("%s: refused with path and reason", (_what, raw, problems, input) => {
      expect(refusals(raw, input)).toEqual(
        problems.map(([path, message]) => expect.objectContaining({ path, message: both(message) })),
      );
    });
  });
}

/** Where the host of the stacks is in the configuration. */
export const host = "berth:hosts.web1";

/** A stack with a load balancer in front of its host, with changes of it. */
export const balancer = (changes: Raw = {}, more: Raw = {}) =>
  withHost(
    {},
    {
      loadBalancers: {
        edge: {
          location: "fsn1",
          targets: ["web1"],
          services: [{ protocol: "http", port: 80, targetPort: 80 }],
          ...changes,
        },
      },
      ...more,
    },
  );

/** A service. */
export const https = { protocol: "https", port: 443, targetPort: 80 };

/** A zone with these records. */
export const zone = (records: Raw[], more: Raw = {}, domain = "example.org") => ({
  dns: { [domain]: { records, ...more } },
});

export const record = (name: string, type: string, ...values: string[]) => ({ name, type, values });

/** A flake whose system serves these names over TLS. */
export const vhosts = (...names: string[]) => ({
  manifest: flake({ virtualHosts: names.map((name) => ({ name, tls: true })) }),
});
