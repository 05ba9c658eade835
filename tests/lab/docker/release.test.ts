import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { impossible } from "../machines/support.ts";
import { type AppImage, appImage, type BuiltImage, incompressible } from "./images.ts";
import { ask, type DockerWorld, deploy, dockerWorld, probed, type Said, spec } from "./world.ts";

describe.skipIf(impossible)(`a service on a Docker host${impossible ? ` (${impossible})` : ""}`, () => {
  let world: DockerWorld;
  const ballast = incompressible(3_000_000);
  const image = (more: AppImage): Promise<BuiltImage> => appImage(world.folder, { ballast, ...more });
  const containers = async () =>
    (await world.remote.run("docker ps --format '{{.Names}}' --filter label=berth.service=site")).trim();

  beforeAll(async () => {
    world = await dockerWorld();
  });
  afterAll(() => world?.close());

  test("first release: it is pulled through the connection, asked, and answers on its port", async () => {
    const first = await image({ version: "v1" });
    const released = await deploy(world, first);
    expect(released).toMatchObject({ way: "pulled through ssh", changed: true, previous: undefined });
    expect(released.bytes).toBeGreaterThan(3_000_000);
    expect(await ask(world.address)).toBe("200 v1");
    expect(await containers()).toBe(released.container);
    expect(await world.remote.run("docker image ls --format '{{.Repository}}:{{.Tag}}'")).toBe(
      `berth/site:id-${first.id.slice(7, 19)}`,
    );
  });

  test("the same again changes nothing and sends nothing", async () => {
    const said: Said = { status: [], warnings: [] };
    const before = await containers();
    const { result, probe } = await probed(world.address, async () =>
      deploy(world, await image({ version: "v1" }), spec(), { said }),
    );
    expect(result).toMatchObject({ changed: false, bytes: 0 });
    expect(await containers()).toBe(before);
    expect(probe.failed).toEqual([]);
    expect(said.warnings).toEqual([]);
  });

  test("another version sends its own layer alone, and not one request fails", async () => {
    const second = await image({ version: "v2" });
    const { result, probe } = await probed(world.address, () => deploy(world, second));
    expect(probe.failed).toEqual([]);
    expect([...probe.answers.keys()].sort()).toEqual(["200 v1", "200 v2"]);
    expect(result.way).toBe("pulled through ssh");
    expect(result.bytes).toBeLessThan(5_000);
    expect(await containers()).toBe(result.container);
    expect(await ask(world.address)).toBe("200 v2");
  });

  test("another setting alone is another container, and not one request fails", async () => {
    const { result, probe } = await probed(world.address, async () =>
      deploy(world, await image({ version: "v2" }), spec({ env: { COLOUR: "blue" } })),
    );
    expect(probe.failed).toEqual([]);
    expect(result).toMatchObject({ way: "there", bytes: 0, changed: true });
    expect(await ask(world.address, "/env?name=COLOUR")).toBe("200 blue");
  });
});
