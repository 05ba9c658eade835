import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { snapshotBefore } from "../../../../deployer/hetzner/snapshot.ts";
import { type AskedCloud, askedCloud } from "./clouds.ts";

let cloud: AskedCloud;
beforeEach(async () => {
  cloud = await askedCloud();
});
afterEach(() => cloud.close());

const take = (changes: { value?: string; server?: string; within?: number } = {}) =>
  snapshotBefore(cloud.api, {
    ...{ stack: "prod", host: "web1", server: changes.server ?? String(cloud.server) },
    value: changes.value ?? "new layout",
    until: Date.now() + (changes.within ?? 5_000),
    pause: 10,
  });
const snapshots = async () =>
  ((await cloud.get("/images?type=snapshot")).at("images") as { id: number; status: string }[]).map(
    ({ id, status }) => [id, status],
  );
const ordered = () => cloud.changes().filter((one) => one.endsWith("/actions/create_image")).length;

describe("a snapshot before a reinstall", () => {
  test("is there when it is returned, and tells of which host it is and why it was taken", async () => {
    const id = await take();
    expect(await snapshots()).toEqual([[id, "available"]]);
    const image = (await cloud.get(`/images/${id}`)).at("image");
    expect(image).toMatchObject({
      description: 'web1 of stack prod before its reinstall "new layout"',
      labels: { "berth-stack": "prod", "berth-host": "web1", "berth-reinstall": expect.any(String) },
    });
  });

  test("is taken once for a reinstall, however often that is begun", async () => {
    const id = await take();
    expect(await take()).toBe(id);
    expect(ordered()).toBe(1);
  });

  test("is another one for another value", async () => {
    expect(await take({ value: "newer layout" })).not.toBe(await take());
    expect(ordered()).toBe(2);
  });

  test("has a description that Hetzner takes, however long the value is", async () => {
    const id = await take({ value: "x".repeat(200) });
    expect(String((await cloud.get(`/images/${id}`)).at("image.description")).length).toBeLessThanOrEqual(
      255,
    );
  });

  test("waits for another action of the server to end", async () => {
    const path = `/servers/${cloud.server}/actions/create_image`;
    await cloud.fault({ method: "POST", path, code: "locked", times: 3 });
    expect(await snapshots()).toEqual([]);
    const id = await take();
    expect(await snapshots()).toEqual([[id, "available"]]);
  });

  test("that fails is an error, with Hetzner's reason, and not a snapshot", async () => {
    await cloud.fault({ command: "create_image", code: "action_failed", message: "the disk is in use" });
    await expect(take()).rejects.toThrow(
      `take a snapshot of server ${cloud.server} before it is reinstalled: the disk is in use.`,
    );
  });

  test("that does not end in time is an error, and the next run waits for the same one", async () => {
    await cloud.fault({ command: "create_image", delay: 600 });
    await expect(take({ within: 100 })).rejects.toThrow("it did not end in time");
    const id = await take();
    expect(await snapshots()).toEqual([[id, "available"]]);
    expect(ordered()).toBe(1);
  });

  test.each([
    ["with a gateway's page", { instead: "bad_gateway" }],
    ["not at all", { instead: "drop" }],
  ])(
    "whose order is carried out and answered %s is not ordered again, and the next run finds it",
    async (_, fault) => {
      const path = `/servers/${cloud.server}/actions/create_image`;
      await cloud.fault({ method: "POST", path, when: "after", ...fault });
      await expect(take()).rejects.toThrow(/ask Hetzner's API \(POST .*create_image\): .* Next: /);
      const id = await take();
      expect(await snapshots()).toEqual([[id, "available"]]);
    },
  );

  test("of a server that is gone is refused by Hetzner", async () => {
    await expect(take({ server: "999999" })).rejects.toThrow(/not_found/);
  });
});
