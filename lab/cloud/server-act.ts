import type { Action } from "./actions.ts";
import { find, idParam, type Resource } from "./collection.ts";
import type { Cloud } from "./context.ts";
import type { Api, ApiRequest } from "./http.ts";
import type { ServerRecord } from "./records.ts";

/** What a server action leads to: the action, and what its answer carries beside it, asked when the answer is given. */
export type Acted = Action | { action: Action; beside: () => object };
export type Act = (server: ServerRecord, request: ApiRequest) => Promise<Acted> | Acted;

/** `POST /servers/{id}/actions/{name}` for one kind of thing after the other; 423 while another action of the server runs. */
export function serverActs(api: Api, cloud: Cloud, resource: Resource<ServerRecord>) {
  return (name: string, act: Act): void =>
    api.post(`/servers/${idParam}/actions/${name}`, async (request) => {
      const server = find(resource, request);
      cloud.actions.ensureUnlocked(server.id);
      const acted = await act(server, request);
      const { action: started, beside } = "action" in acted ? acted : { action: acted, beside: () => ({}) };
      const [action] = await cloud.actions.answer(started);
      return { status: 201, body: { action, ...beside() } };
    });
}

/** Starts an action of a server, which locks it. Without work it records a change that was already made. */
export function startAct(
  cloud: Cloud,
  server: ServerRecord,
  command: string,
  work?: (cloud: Cloud, server: ServerRecord) => Promise<void>,
): Action {
  return cloud.actions.start({
    command,
    resources: [{ id: server.id, type: "server" }],
    locks: server.id,
    ...(work ? { work: () => work(cloud, server) } : {}),
  });
}
