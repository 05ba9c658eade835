import type { Value } from "../../../provider/framework/types.ts";
import type { Api } from "./api.ts";
import { lookUp } from "./entity.ts";
import type { PrivateNet } from "./membership.ts";
import type { Image, ServerType } from "./server-deprecation.ts";

/** What the stand-in reads of a server. */
export interface Server {
  id: number;
  name: string;
  status: string;
  labels: Record<string, string>;
  server_type: ServerType;
  location: { name: string };
  image: { id: number; name: string | null } | null;
  iso: { id: number } | null;
  rescue_enabled: boolean;
  private_net: PrivateNet[];
  backup_window: string | null;
  primary_disk_size: number;
  placement_group: { id: number } | null;
  protection: { delete: boolean; rebuild: boolean };
  public_net: {
    ipv4: { id: number; ip: string } | null;
    ipv6: { id: number; ip: string } | null;
    firewalls: { id: number }[];
  };
}

interface Named {
  id: number;
  name: string;
}

const numeric = /^\d+$/;

/** The server type, by name or id; its architecture chooses the image. */
export async function requireServerType(name: string, api: Api, signal: AbortSignal): Promise<ServerType> {
  const found = numeric.test(name)
    ? (await api.find(`/server_types/${name}`, signal))?.server_type
    : first(await api.get(`/server_types?name=${encodeURIComponent(name)}`, signal), "server_types");
  if (!found) throw new Error(`server type ${name} not found`);
  return found as ServerType;
}

/** An image, by name or id. */
export async function requireImage(
  name: string,
  architecture: string,
  api: Api,
  signal: AbortSignal,
): Promise<Image> {
  const byId = numeric.test(name) ? (await api.find(`/images/${name}`, signal))?.image : undefined;
  const query = `architecture=${architecture}&include_deprecated=true&name=${encodeURIComponent(name)}`;
  const found = byId ?? (name && first(await api.get(`/images?${query}`, signal), "images"));
  if (!found) throw new Error(`image ${name} for architecture ${architecture} not found`);
  return found as Image;
}

/** The id of a placement group that is there. */
export async function requirePlacementGroup(id: Value, api: Api, signal: AbortSignal): Promise<number> {
  const found = await lookUp<Named>("placement_groups", "placement_group", String(id), api, signal);
  if (!found) throw new Error(`placement group not found: ${id}`);
  return found.id;
}

/** An ISO, by name or id. */
export async function requireIso(
  name: string,
  api: Api,
  signal: AbortSignal,
): Promise<{ id: number; architecture: string | null }> {
  const byId = numeric.test(name) ? (await api.find(`/isos/${name}`, signal))?.iso : undefined;
  const found = byId ?? first(await api.get(`/isos?name=${encodeURIComponent(name)}`, signal), "isos");
  if (!found) throw new Error(`ISO not found: ${name}`);
  return found as { id: number; architecture: string | null };
}

/** The ids of SSH keys, each given by id or name. */
export async function sshKeyIds(keys: Value, api: Api, signal: AbortSignal): Promise<number[]> {
  const ids: number[] = [];
  for (const key of Array.isArray(keys) ? keys.map(String) : []) {
    const byId = numeric.test(key) ? (await api.find(`/ssh_keys/${key}`, signal))?.ssh_key : undefined;
    const found =
      byId ?? first(await api.get(`/ssh_keys?name=${encodeURIComponent(key)}`, signal), "ssh_keys");
    if (!found) throw new Error(`SSH key not found: ${key}`);
    ids.push((found as Named).id);
  }
  return ids;
}

function first(answer: Record<string, unknown>, list: string): unknown {
  return (answer[list] as unknown[])[0];
}

/** The server, looked for by its id, and then, as the real provider does, by a name that reads like it. */
export async function findServer(id: string, api: Api, signal: AbortSignal): Promise<Server | undefined> {
  const byId = await api.find(`/servers/${id}`, signal);
  if (byId) return byId.server as Server;
  const byName = await api.get(`/servers?name=${id}`, signal);
  return (byName.servers as Server[])[0];
}
