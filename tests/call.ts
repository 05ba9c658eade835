import type { CallContext } from "../provider/framework/types.ts";

/** A call of the engine's, to a resource that is none of anybody's. @param said gets what is logged, as "severity: message" */
export const callOf = (name: string, said: string[] = []): CallContext => ({
  urn: `urn:pulumi:test::berth::berth:test:Resource::${name}`,
  name,
  timeoutSeconds: undefined,
  signal: new AbortController().signal,
  log: (severity, message) => said.push(`${severity}: ${message}`),
  status: () => undefined,
});
