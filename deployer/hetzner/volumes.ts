import { z } from "zod";
import { type ActingApi, type ActOptions, act, changeUnlocked } from "./actions.ts";

/** On a volume that an installation has taken from its server: the server's id. Gone when it is back. */
const label = "berth-detached-from";
const volume = z.object({
  id: z.int(),
  name: z.string(),
  server: z.int().nullable(),
  labels: z.record(z.string(), z.string()),
});

/**
 * Takes every volume from a server, so that nothing an installation formats can be one. Each is labelled first: whoever goes on after a
 * deployer that died knows from Hetzner what to put back.
 * @returns their names
 */
export async function detachVolumes(
  api: ActingApi,
  server: string,
  options: Omit<ActOptions, "what">,
): Promise<string[]> {
  const attached = (await api.list("/volumes", "volumes", volume)).filter(
    (one) => one.server === Number(server),
  );
  for (const { id, name, labels } of attached) {
    const what = `detach volume ${name} from server ${server}`;
    await setLabels(api, id, { ...labels, [label]: server }, { ...options, what });
    await act(api, `/volumes/${id}/actions/detach`, {}, z.object({}), { ...options, what });
  }
  return attached.map(({ name }) => name);
}

/**
 * Puts back what `detachVolumes` took from a server, in this run or in an earlier one.
 * @returns their names
 */
export async function reattachVolumes(
  api: ActingApi,
  server: string,
  options: Omit<ActOptions, "what">,
): Promise<string[]> {
  const selector = encodeURIComponent(`${label}=${server}`);
  const taken = await api.list(`/volumes?label_selector=${selector}`, "volumes", volume);
  for (const { id, name, labels, server: now } of taken) {
    const what = `attach volume ${name} to server ${server} again`;
    if (now === null) {
      const body = { server: Number(server), automount: false };
      await act(api, `/volumes/${id}/actions/attach`, body, z.object({}), { ...options, what });
    }
    const { [label]: _, ...rest } = labels;
    await setLabels(api, id, rest, { ...options, what });
  }
  return taken.map(({ name }) => name);
}

/** Hetzner locks a volume that is being attached: a label that was not set would leave it unattached for ever. */
const setLabels = (api: ActingApi, id: number, labels: Record<string, string>, options: ActOptions) =>
  changeUnlocked(api, "PUT", `/volumes/${id}`, { labels }, z.object({ volume }), options);
