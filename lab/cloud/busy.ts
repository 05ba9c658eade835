import type { ResourceRef } from "./actions.ts";
import type { Cloud } from "./context.ts";
import { ApiError } from "./errors.ts";

/** Whether an action of a thing still runs. */
function isBusy(cloud: Cloud, { id, type }: ResourceRef): boolean {
  return cloud.actions
    .all()
    .some(
      ({ status, resources }) =>
        status === "running" && resources.some((resource) => resource.id === id && resource.type === type),
    );
}

/** Throws while an action of a thing runs: 423 `locked`, or 409 `conflict` where clients repeat the request by themselves. */
export function ensureIdle(cloud: Cloud, ref: ResourceRef, code: "locked" | "conflict"): void {
  if (isBusy(cloud, ref)) {
    const what = ref.type.replaceAll("_", " ");
    throw new ApiError(
      code,
      code === "locked"
        ? `cannot perform operation because ${what} is locked`
        : `${what} with ID '${ref.id}' is being changed, try again`,
    );
  }
}
