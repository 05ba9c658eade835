import { randomInt } from "node:crypto";
import type { Properties } from "../../../provider/framework/types.ts";
import type { Api } from "./api.ts";
import type { Work } from "./resource.ts";
import type { Server } from "./server-lookups.ts";
import { blocksOf } from "./server-networks.ts";
import { powerOn } from "./server-steps.ts";

type Family = "ipv4" | "ipv6";

/** What a block of public nets says of one family. */
interface Side {
  enabled: boolean;
  /** The primary IP that is named; 0 where the cloud makes one. */
  ip: number;
}

/** What becomes of a server's address of one family. */
export type AddressChange =
  | { do: "nothing" }
  | { do: "swap"; to: number; deletes: boolean }
  | { do: "drop"; deletes: boolean }
  | { do: "make"; unassign: number }
  | { do: "refuse"; ip: number };

/** The real provider's decision for one family. `has` is the id of the address the server holds, 0 for none. */
function decideAddress(was: Side, now: Side): AddressChange {
  if (now.enabled && now.ip) return { do: "swap", to: now.ip, deletes: was.ip === 0 };
  if (now.ip) return { do: "refuse", ip: now.ip };
  if (!now.enabled) return { do: "drop", deletes: was.ip === 0 };
  if (was.enabled && was.ip) return { do: "make", unassign: was.ip };
  return !was.enabled && !was.ip ? { do: "make", unassign: 0 } : { do: "nothing" };
}

/** Changes what addresses a server has: it is off meanwhile. */
export async function changeAddresses(found: Server, old: Properties, work: Work): Promise<void> {
  const { api, wanted, signal } = work;
  const [was] = blocksOf(old.publicNets);
  const [now] = blocksOf(wanted.publicNets);
  await api.act(`/servers/${found.id}/actions/poweroff`, undefined, signal);
  for (const family of ["ipv4", "ipv6"] as const) {
    if (now) await changeFamily(found, family, decideAddress(sideOf(was, family), sideOf(now, family)), work);
    else await makeOwn(found, family, sideOf(was, family).ip, work);
  }
  await powerOn(found.id, work);
}

/** The old side counts as enabled where there was no block. */
function sideOf(block: Properties | undefined, family: Family): Side {
  return { enabled: block?.[`${family}Enabled`] !== false, ip: Number(block?.[family] ?? 0) };
}

/** The whole block was taken away: a named address is let go, and the cloud makes one in its place. */
async function makeOwn(found: Server, family: Family, named: number, { api, signal }: Work): Promise<void> {
  const held = found.public_net[family]?.id ?? 0;
  if (!held || !named) return;
  if (held !== named)
    throw new Error(
      `Assigned ${family === "ipv4" ? "IPv4" : "IPv6"} changed between plan and apply, please check and generate a new plan`,
    );
  await unassign(held, api, signal);
  await make(found.id, family, api, signal);
}

async function changeFamily(found: Server, family: Family, change: AddressChange, work: Work): Promise<void> {
  const { api, signal } = work;
  const held = found.public_net[family]?.id ?? 0;
  const letGo = async (deletes: boolean) => {
    if (!held) return;
    await unassign(held, api, signal);
    if (deletes) await api.delete(`/primary_ips/${held}`, signal);
  };
  const steps = async () => {
    switch (change.do) {
      case "nothing":
        return;
      case "swap":
        await letGo(change.deletes);
        return await api.act(
          `/primary_ips/${change.to}/actions/assign`,
          { assignee_id: found.id, assignee_type: "server" },
          signal,
        );
      case "drop":
        return await letGo(change.deletes);
      case "make":
        if (change.unassign) await unassign(change.unassign, api, signal);
        return await make(found.id, family, api, signal);
      case "refuse":
        throw new Error(`this operation is not allowed: ipv4_enabled = false | ipv4 = ${change.ip}`);
    }
  };
  try {
    await steps();
  } catch (error) {
    await powerOn(found.id, work);
    throw error;
  }
}

async function unassign(ip: number, api: Api, signal: AbortSignal): Promise<void> {
  await api.act(`/primary_ips/${ip}/actions/unassign`, undefined, signal);
}

async function make(server: number, type: Family, api: Api, signal: AbortSignal): Promise<void> {
  const body = {
    name: `primary_ip-${randomInt(1_000_000, 9_999_999)}`,
    type,
    assignee_type: "server",
    assignee_id: server,
    auto_delete: true,
  };
  await api.act("/primary_ips", body, signal);
}
