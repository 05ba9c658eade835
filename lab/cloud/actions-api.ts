import type { Action } from "./actions.ts";
import { idOf, idParam } from "./collection.ts";
import type { Cloud } from "./context.ts";
import { invalidField, notFound } from "./errors.ts";
import type { Answer, Api } from "./http.ts";
import { filterValues, paginate, sortBy } from "./query.ts";

const sortable = ["id", "command", "status", "progress", "started", "finished"];

/** GET /actions, which wants ids, and GET /actions/{id}. */
export function serveActions(api: Api, cloud: Cloud): void {
  api.get("/actions", ({ query }) => {
    if (filterValues(query, "id") === undefined) {
      throw invalidField("id", "is required");
    }
    return listActions(cloud.actions.all(), query);
  });
  api.get(`/actions/${idParam}`, (request) => oneAction(cloud, idOf(request), () => true));
}

/** The reads of actions below a resource: of all things of the kind, and of one. */
export function serveActionReads(
  api: Api,
  cloud: Cloud,
  {
    many,
    one: type,
    what,
    records,
  }: { many: string; one: string; what: string; records: { get(id: number): unknown } },
): void {
  const ofKind = (action: Action) => action.resources.some((resource) => resource.type === type);
  const ofThing = (id: number) => (action: Action) =>
    action.resources.some((resource) => resource.type === type && resource.id === id);

  api.get(`/${many}/actions`, ({ query }) => listActions(cloud.actions.all().filter(ofKind), query));
  api.get(`/${many}/actions/${idParam}`, (request) => oneAction(cloud, idOf(request), ofKind));
  api.get(`/${many}/${idParam}/actions`, (request) => {
    const id = idOf(request);
    if (records.get(id) === undefined) {
      throw notFound(what, id);
    }
    return listActions(cloud.actions.all().filter(ofThing(id)), request.query);
  });
  // Also when the thing is gone: that is how old clients wait for a deletion.
  api.get(`/${many}/${idParam}/actions/:action{[0-9]+}`, (request) =>
    oneAction(cloud, Number(request.params.action), ofThing(idOf(request))),
  );
}

/** An action that belongs to what the path names. */
export function oneAction(cloud: Cloud, id: number, belongs: (action: Action) => boolean): Answer {
  const action = cloud.actions.get(id);
  if (action === undefined || !belongs(action)) {
    throw notFound("action", id);
  }
  return { status: 200, body: { action } };
}

/** A page of some actions, as the query filters and sorts them. */
export function listActions(actions: Action[], query: URLSearchParams): Answer {
  const ids = filterValues(query, "id");
  const statuses = filterValues(query, "status");
  const found = actions.filter(
    ({ id, status }) => (ids?.includes(String(id)) ?? true) && (statuses?.includes(status) ?? true),
  );
  const { items, meta } = paginate(sortBy(found, query, sortable), query);
  return { status: 200, body: { actions: items, meta } };
}
