import * as pulumi from "@pulumi/pulumi";
import { serverName } from "../config/checks/context.ts";
import type { CloudView } from "../config/running.ts";
import type { StackConfig } from "../config/stack.ts";
import { lookAtCloud } from "../deployer/hetzner/look.ts";
import { checkToken, getToken, missingToken, readOnlyToken, usesHetzner } from "../deployer/hetzner/token.ts";
import { hetznerEndpoint, hetznerToken } from "./hetzner-api.ts";

/**
 * What Hetzner sells and what runs for the stack, by the provider's own token and endpoint. Null where nobody can or need ask: a stack
 * without anything at Hetzner, or a preview without a token, which says so. An update without a token that may write is refused.
 */
export async function readCloudView(stack: string, config: StackConfig): Promise<CloudView | null> {
  if (!usesHetzner(config)) return null;
  const preview = pulumi.runtime.isDryRun();
  const set = hetznerToken();
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
    endpoint: hetznerEndpoint(),
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
