import { z } from "zod";
import { withoutComment } from "../../config/public-key.ts";
import { Failure } from "../failure.ts";
import { act } from "./actions.ts";
import type { HetznerApi } from "./api.ts";

/** The part of Hetzner's API that boots a server into its rescue system and back. */
export type RescueApi = Pick<HetznerApi, "get" | "list" | "change" | "serverStatus">;

export interface RescueOrder {
  /** The host's name, for errors. */
  host: string;
  serverId: number;
  /** When it has to be done, in milliseconds since 1970. */
  until: number;
}

const sshKey = z.object({ id: z.int(), public_key: z.string() });
const enabled = z.object({ server: z.object({ rescue_enabled: z.boolean() }) });

/** Boot a server into the rescue system, with a key that may log in. Returns when the power was cut and given. */
export async function bootRescue(
  api: RescueApi,
  order: RescueOrder & { loginPublicKey: string },
): Promise<void> {
  const { host, loginPublicKey } = order;
  const keys = await api.list("/ssh_keys", "ssh_keys", sshKey);
  const wanted = withoutComment(loginPublicKey);
  const ours = keys.find(({ public_key }) => withoutComment(public_key) === wanted);
  if (!ours)
    throw new Failure({
      host,
      tried: "order the rescue system",
      cameBack: "Hetzner's project has no ssh key that is the stack's login key",
      stands: "The server was not touched",
      next: "check that hcloud:token is of the server's project; pulumi up registers the key",
    });
  await ask(api, order, "enable_rescue", { type: "linux64", ssh_keys: [ours.id] });
  await restart(api, order);
}

/** Boot a server from its disk again. */
export async function leaveRescue(api: RescueApi, order: RescueOrder): Promise<void> {
  const { server } = await api.get(`/servers/${order.serverId}`, enabled);
  // A boot has used it up as a rule.
  if (server.rescue_enabled) await ask(api, order, "disable_rescue");
  await restart(api, order);
}

/** Like the reset button, or the power button of a server that is off: what it runs is not asked. */
async function restart(api: RescueApi, order: RescueOrder): Promise<void> {
  const status = await api.serverStatus(order.serverId);
  if (status === undefined)
    throw new Failure({
      host: order.host,
      tried: `reset server ${order.serverId}`,
      cameBack: "there is no such server",
      next: "pulumi refresh shows what there is",
    });
  await ask(api, order, status === "off" ? "poweron" : "reset");
}

const ask = (api: RescueApi, { host, serverId, until }: RescueOrder, action: string, body: object = {}) =>
  act(api, `/servers/${serverId}/actions/${action}`, body, z.object({}), {
    what: `${host}: ${action} of server ${serverId}`,
    until,
  });
