import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Properties } from "../../../provider/framework/types.ts";
import { dockerHostService } from "../../../provider/resources/docker-host-service.ts";
import { closeSessions } from "../../../provider/resources/sessions.ts";
import { callOf } from "../../call.ts";
import { impossible } from "../machines/support.ts";
import { type AppImage, appImage } from "./images.ts";
import { ask, type DockerWorld, dockerWorld, spec, stack } from "./world.ts";

describe.skipIf(impossible)(`the resource of a service${impossible ? ` (${impossible})` : ""}`, () => {
  let world: DockerWorld;
  const said: string[] = [];
  const call = callOf("site-service", said);
  const resource = () => dockerHostService(world.folder);
  const inputsOf = async (image: AppImage, more: Record<string, unknown> = {}): Promise<Properties> => {
    const { id, path, layers, architecture } = await appImage(world.folder, image);
    const { hostKeys, loginKey, address } = world.host.session.target;
    return JSON.parse(
      JSON.stringify({
        stack,
        host: "dock1",
        address,
        port: 22,
        hostKey: hostKeys[0],
        loginKey,
        spec: spec(more),
        image: { id, path, layers, platform: `linux/${architecture}` },
      }),
    ) as Properties;
  };
  let state: { id: string; inputs: Properties; outputs: Properties };

  beforeAll(async () => {
    world = await dockerWorld(4);
  });
  afterAll(async () => {
    await closeSessions();
    await world?.close();
  });

  test("a preview tells what would be sent, and a create does it", async () => {
    said.length = 0;
    const inputs = await inputsOf({ version: "v1" });
    const foreseen = await resource().preview?.(inputs, undefined, call);
    expect(said).toEqual([
      expect.stringMatching(
        /^info: dock1: site: image \w{12}; a first release; 2 of 2 layers to send, 5\.\d MB/,
      ),
    ]);
    const { id, outputs } = await resource().create(inputs, call);
    expect(outputs).toMatchObject({ container: foreseen?.["container"], drift: [] });
    expect(await ask(world.address)).toBe("200 v1");
    state = { id, inputs, outputs };
  });

  test("the same inputs are no difference, and neither is another path to the same image", async () => {
    const same = await inputsOf({ version: "v1" });
    expect((await resource().diff?.(state, same, call))?.changes).toBe(false);
    const elsewhere = { ...same, image: { ...(same["image"] as Properties), path: "/nix/store/other" } };
    expect((await resource().diff?.(state, elsewhere, call))?.changes).toBe(false);
  });

  test("another image is an update, which a preview tells with the layers it sends", async () => {
    said.length = 0;
    const news = await inputsOf({ version: "v2" });
    expect(await resource().diff?.(state, news, call)).toMatchObject({
      changes: true,
      detailed: { image: "update" },
    });
    await resource().preview?.(news, state.outputs, call);
    expect(said[0]).toMatch(
      /image \w{12} → \w{12}; starts beside what runs.*; 1 of 2 layers to send, 0\.0 MB/,
    );
    const outputs = await resource().update?.(state.id, state, news, call);
    expect(await ask(world.address)).toBe("200 v2");
    state = { ...state, inputs: news, outputs: outputs ?? {} };
  });

  test("another name replaces it, the old one first", async () => {
    const { spec: wanted } = state.inputs as { spec: Properties };
    const news = { ...state.inputs, spec: { ...wanted, name: "shop" } };
    expect(await resource().diff?.(state, news, call)).toMatchObject({
      deleteBeforeReplace: true,
      detailed: { spec: "update-replace" },
    });
  });

  test("a refresh sees what somebody did, and the next update is one", async () => {
    said.length = 0;
    await world.remote.run(`docker stop ${String(state.outputs["container"])}`);
    const seen = await resource().read?.(state.id, state, call);
    expect(said[0]).toMatch(/warning: .* is exited; the next pulumi up puts that right/);
    const olds = { ...state, outputs: seen?.outputs ?? {} };
    expect(await resource().diff?.(olds, state.inputs, call)).toMatchObject({
      detailed: { drift: "update" },
    });
    await resource().update?.(state.id, olds, state.inputs, call);
    expect(await ask(world.address)).toBe("200 v2");
  });

  test("a host that does not answer keeps its state, with a warning", async () => {
    said.length = 0;
    const lost = { inputs: { ...state.inputs, port: 2 }, outputs: state.outputs };
    expect(await resource().read?.(state.id, lost, call)).toEqual(lost);
    expect(said[0]).toMatch(/warning: dock1 could not be read, its state is kept/);
  });

  test("deleted, it answers no more", async () => {
    await resource().delete?.(state.id, state, call);
    await expect(ask(world.address)).rejects.toThrow();
  });
});
