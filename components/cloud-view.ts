import * as log from "@pulumi/pulumi/log/index.js";
import { isDryRun } from "@pulumi/pulumi/runtime/settings.js";
import { serverName } from "../config/checks/context.ts";
import type { CloudView } from "../config/running.ts";
import type { StackConfig } from "../config/stack.ts";
import { lookAtCloud } from "../deployer/hetzner/look.ts";
import { checkToken, getToken, missingToken, readOnlyToken, usesHetzner } from "../deployer/hetzner/token.ts";
import { hetznerEndpoint, hetznerToken } from "./hetzner-api.ts";

/**
 * What Hetzner sells and what runs for the stack, by the provider's own token and endpoint. Null where nobody can or need ask: without
 * a token (see `requireToken`), or without anything at Hetzner. An update with a token that may only read is refused.
 */
export async function readCloudView(stack: string, config: StackConfig): Promise<CloudView | null> {
  const set = hetznerToken();
  if (!set || !usesHetzner(config)) return null;
  checkToken(set.value, set.from);
  const view = await lookAtCloud({
    token: set.value,
    tokenFrom: set.from,
    endpoint: hetznerEndpoint(),
    stack,
    servers: Object.entries(config.hosts)
      .filter(([, { server }]) => server !== undefined)
      .map(([host]) => serverName(stack, host)),
    say: (line) => void log.info(line),
  });
  if (view.readOnly) {
    if (!isDryRun()) throw readOnlyToken(set.from);
    await log.warn(
      `The API token of ${set.from} may only read. That is enough for a preview; for pulumi up, ${getToken}`,
    );
  }
  return view;
}

/** The provider does not even preview without a token: it is told once, after everything that can be checked without one. */
export function requireToken(config: StackConfig): void {
  if (usesHetzner(config) && !hetznerToken()) throw missingToken();
}
