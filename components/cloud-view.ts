import * as pulumi from "@pulumi/pulumi";
import { allConfig } from "@pulumi/pulumi/runtime/index.js";
import { serverName } from "../config/checks/context.ts";
import type { CloudView } from "../config/running.ts";
import type { StackConfig } from "../config/stack.ts";
import { defaultEndpoint } from "../deployer/hetzner/api.ts";
import { lookAtCloud } from "../deployer/hetzner/look.ts";
import { checkToken, getToken, missingToken, readOnlyToken, usesHetzner } from "../deployer/hetzner/token.ts";

/**
 * What Hetzner sells and what runs for the stack, by the provider's own token and endpoint. Null where nobody can or need ask: a stack
 * without anything at Hetzner, or a preview without a token, which says so. An update without a token that may write is refused.
 */
export async function readCloudView(stack: string, config: StackConfig): Promise<CloudView | null> {
  if (!usesHetzner(config)) return null;
  const preview = pulumi.runtime.isDryRun();
  const set = setting("token", "HCLOUD_TOKEN");
  if (!set) {
    if (!preview) throw missingToken();
    await pulumi.log.warn(
      `No API token of Hetzner's is set: offers and prices are those of the list that comes with Berth, and what runs now is not known. For pulumi up, ${getToken}`,
    );
    return null;
  }
  checkToken(set.value, set.from);
  const view = await lookAtCloud({
    token: set.value,
    tokenFrom: set.from,
    endpoint: setting("endpoint", "HCLOUD_ENDPOINT")?.value ?? defaultEndpoint,
    stack,
    servers: Object.entries(config.hosts)
      .filter(([, { server }]) => server !== undefined)
      .map(([host]) => serverName(stack, host)),
    say: (line) => void pulumi.log.info(line),
  });
  if (view.readOnly) {
    if (!preview) throw readOnlyToken(set.from);
    await pulumi.log.warn(
      `The API token of ${set.from} may only read. That is enough for a preview; for pulumi up, ${getToken}`,
    );
  }
  return view;
}

/** As the provider reads it: the configuration first, then the environment. */
function setting(key: string, variable: string): { value: string; from: string } | undefined {
  const configured = allConfig()[`hcloud:${key}`];
  if (configured) return { value: configured, from: `hcloud:${key}` };
  const value = process.env[variable];
  return value ? { value, from: variable } : undefined;
}
