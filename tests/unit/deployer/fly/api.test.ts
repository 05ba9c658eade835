import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { describe, expect, onTestFinished, test } from "vitest";
import { type Clock, fastClock } from "../../../../deployer/clock.ts";
import { FlyApi } from "../../../../deployer/fly/api.ts";
import { wantedMachines } from "../../../../deployer/fly/machine.ts";
import { Pace } from "../../../../deployer/fly/pace.ts";
import { flyWorld } from "./world.ts";

type World = Awaited<ReturnType<typeof flyWorld>>;
const configOf = ({ release }: World) =>
  wantedMachines({ ...release("old"), secretsRevision: "" })[0]?.config ?? {};
const made = (world: World) => world.api.createMachine({ config: configOf(world), region: "sea" });

describe("an order whose answer was lost", () => {
  test.each([408, 500, 503])(
    "makes one machine, where it was carried out and answered %i",
    async (status) => {
      const world = await flyWorld();
      world.world.faults.add({
        kind: "answer",
        method: "POST",
        path: "/apps/shop/machines",
        status,
        when: "after",
      });
      const machine = await made(world);
      expect(world.machines().map(({ id }) => id)).toEqual([machine.id]);
    },
  );

  test("makes one machine, where it was not carried out", async () => {
    const world = await flyWorld();
    world.world.faults.add({ kind: "answer", method: "POST", path: "/apps/shop/machines", status: 408 });
    const machine = await made(world);
    expect(world.machines().map(({ id }) => id)).toEqual([machine.id]);
  });

  test("changes a machine once: it has one version more", async () => {
    const world = await flyWorld();
    const machine = await made(world);
    const nonce = await world.api.lease(machine.id, 30);
    world.world.faults.add({
      kind: "answer",
      method: "POST",
      path: `/apps/shop/machines/${machine.id}`,
      status: 408,
      when: "after",
    });
    const launch = { config: { ...configOf(world), env: { X: "1" } }, region: "sea" };
    const updated = await world.api.updateMachine(machine, launch, nonce, machine.instance_id);
    expect(updated.instance_id).not.toBe(machine.instance_id);
    expect(world.machines()[0]?.versions).toHaveLength(2);
  });

  test("makes one volume and one address", async () => {
    const world = await flyWorld();
    world.world.faults.add({
      kind: "answer",
      method: "POST",
      path: "/apps/shop/volumes",
      status: 408,
      when: "after",
    });
    world.world.faults.add({
      kind: "answer",
      method: "POST",
      path: "/apps/shop/ip_assignments",
      status: 408,
      when: "after",
    });
    await world.api.createVolume("data", "sea", 1);
    await world.api.assignAddress("v6");
    expect(await world.api.volumes()).toHaveLength(1);
    expect(await world.api.addresses()).toHaveLength(1);
  });
});

describe("a refusal is told in words, once", () => {
  test("a name that another one has", async () => {
    const world = await flyWorld();
    world.world.foreign.add("taken");
    const api = new FlyApi("taken", world.options);
    await expect(api.create("personal")).rejects.toThrow(
      /make the app taken in the organisation personal: it answered 422: .*already been taken.*an app that you cannot see may have it/s,
    );
  });

  test("a machine of an older version is not changed", async () => {
    const world = await flyWorld();
    const machine = await made(world);
    const nonce = await world.api.lease(machine.id, 30);
    const launch = { config: configOf(world), region: "sea" };
    await expect(world.api.updateMachine(machine, launch, nonce, "01OLD")).rejects.toMatchObject({
      status: 412,
    });
    expect(world.machines()[0]?.versions).toHaveLength(1);
  });

  test("a machine that is held is nobody else's to change", async () => {
    const world = await flyWorld();
    const { id } = await made(world);
    await world.api.lease(id, 30);
    await expect(world.api.lease(id, 30)).rejects.toMatchObject({ status: 409 });
    await expect(world.api.cordon(id)).rejects.toMatchObject({ status: 409 });
  });

  test("a gateway's page is cut to its first line", async () => {
    const server = createServer((_, response) => response.writeHead(404).end("<html>\n<body>lots"));
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    onTestFinished(() => new Promise<void>((resolve) => void server.close(() => resolve())));
    const endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`;
    const api = new FlyApi("shop", { token: "the-token", tokenFrom: "fly:token", endpoint });
    await expect(api.machines()).rejects.toThrow(/list the machines of shop: it answered 404: <html>\. Next/);
  });
});

test("nobody there is told after the patience, and the token is in no message", async () => {
  const options = {
    token: "the-token",
    tokenFrom: "fly:token",
    endpoint: "http://127.0.0.1:9/v1",
    clock: fastClock(100),
  };
  const failure: unknown = await new FlyApi("shop", options).machines().catch((error: unknown) => error);
  expect(failure).toMatchObject({ message: expect.stringMatching(/no answer: .*Next: check the network/s) });
  expect(JSON.stringify(failure) + String(failure)).not.toContain("the-token");
});

test("waiting for a state that does not come ends in time, and a version that is gone at once", async () => {
  const world = await flyWorld();
  const machine = await made(world);
  expect(await world.api.waitFor(machine.id, "started", machine.instance_id, 20_000)).toBe(true);
  expect(await world.api.waitFor(machine.id, "stopped", machine.instance_id, 3000)).toBe(false);
  expect(await world.api.waitFor(machine.id, "started", "01OTHER", 60_000)).toBe(false);
});

test("a limit of the platform's is waited for and not taken for a refusal", async () => {
  const world = await flyWorld();
  const { id } = await made(world);
  world.world.faults.add({ kind: "answer", path: `/apps/shop/machines/${id}`, status: 429, times: 2 });
  expect(await world.api.machine(id)).toMatchObject({ id });
  expect(world.said).toContainEqual(expect.stringContaining("Fly has had too many requests"));
});

test("requests keep below their rate on their own", async () => {
  let now = 0;
  const clock: Clock = {
    now: () => now,
    sleep: async (milliseconds) => {
      now += milliseconds;
    },
  };
  const pace = new Pace(clock);
  const at: number[] = [];
  for (let index = 0; index < 6; index++) {
    await pace.wait({ key: "update m1", perSecond: 1, burst: 3 });
    at.push(now);
  }
  expect(at).toEqual([0, 0, 0, 1000, 2000, 3000]);
  await pace.wait({ key: "update m2", perSecond: 1, burst: 3 });
  expect(now).toBe(3000);
});
