import { expect } from "vitest";
import type { Reply, TestCloud } from "./client.ts";

/** hcloud-go's WaitFor: finished actions are never asked for; every id asked for must come back. */
export async function waitFor(cloud: TestCloud, reply: Reply, ...paths: string[]): Promise<number> {
  let ids = paths
    .filter((path) => reply.at(`${path}.status`) === "running")
    .map((path) => reply.number(`${path}.id`));
  let polls = 0;
  while (ids.length > 0) {
    await new Promise((resolve) => setTimeout(resolve, 5));
    const poll = await cloud.get(
      `/actions?${ids.map((id) => `id=${id}`).join("&")}&page=1&sort=status&sort=id`,
    );
    const actions = poll.at("actions") as { id: number; status: string; error: { message: string } | null }[];
    expect(actions.map(({ id }) => id).sort()).toEqual([...ids].sort());
    expect(actions.map(({ error }) => error)).toEqual(ids.map(() => null));
    ids = actions.filter(({ status }) => status === "running").map(({ id }) => id);
    polls++;
  }
  return polls;
}
