import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { detachVolumes, reattachVolumes } from "../../../../deployer/hetzner/volumes.ts";
import { orderServer } from "../../../lab/cloud/client.ts";
import { type AskedCloud, askedCloud, volumeOf, volumeOn } from "./clouds.ts";

let cloud: AskedCloud;
let server: string;
beforeEach(async () => {
  cloud = await askedCloud();
  server = String(cloud.server);
});
afterEach(() => cloud.close());

const within = (milliseconds: number) => ({ until: Date.now() + milliseconds, pause: 10 });
const put = (id: number) => ({ method: "PUT", path: `/volumes/${id}` });

describe("volumes of a server that is installed", () => {
  test("are taken away with a word of whose they are, and put back without it", async () => {
    const [one, two] = [await volumeOn(cloud, "one"), await volumeOn(cloud, "two")];
    expect(await detachVolumes(cloud.api, server, within(5_000))).toEqual(["one", "two"]);
    const taken = { server: null, labels: { team: "a", "berth-detached-from": server } };
    expect([await volumeOf(cloud, one), await volumeOf(cloud, two)]).toEqual([taken, taken]);
    expect(await reattachVolumes(cloud.api, server, within(5_000))).toEqual(["one", "two"]);
    const back = { server: cloud.server, labels: { team: "a" } };
    expect([await volumeOf(cloud, one), await volumeOf(cloud, two)]).toEqual([back, back]);
  });

  test("are this server's alone", async () => {
    const other = await orderServer(cloud, { name: "other" });
    const theirs = await cloud.post("/volumes", { name: "theirs", size: 10, server: other });
    await cloud.cloud.actions.settled();
    expect(await detachVolumes(cloud.api, server, within(5_000))).toEqual([]);
    expect(await reattachVolumes(cloud.api, server, within(5_000))).toEqual([]);
    expect(await volumeOf(cloud, theirs.number("volume.id"))).toEqual({ server: other, labels: {} });
  });

  test("are labelled before they are detached, so that whoever goes on after a crash finds them", async () => {
    const id = await volumeOn(cloud, "data");
    await detachVolumes(cloud.api, server, within(5_000));
    expect(cloud.changes().slice(-2)).toEqual([`PUT /volumes/${id}`, `POST /volumes/${id}/actions/detach`]);
  });

  test("are not detached without their label: it is asked for again while the volume is locked", async () => {
    const id = await volumeOn(cloud, "data");
    await cloud.fault({ ...put(id), code: "locked", times: 3 });
    await detachVolumes(cloud.api, server, within(5_000));
    expect(await volumeOf(cloud, id)).toEqual({
      server: null,
      labels: { team: "a", "berth-detached-from": server },
    });
  });

  test("stay where they are when they are locked all the time", async () => {
    const id = await volumeOn(cloud, "data");
    await cloud.fault({ ...put(id), code: "locked", times: 1_000 });
    await expect(detachVolumes(cloud.api, server, within(100))).rejects.toThrow(
      `detach volume data from server ${server}: it was locked by another action all the time.`,
    );
    expect(await volumeOf(cloud, id)).toEqual({ server: cloud.server, labels: { team: "a" } });
  });

  test("are put back by a later run, one that was attached already among them", async () => {
    const [one, two] = [await volumeOn(cloud, "one"), await volumeOn(cloud, "two")];
    await detachVolumes(cloud.api, server, within(5_000));
    // The deployer died after this.
    await cloud.post(`/volumes/${one}/actions/attach`, { server: cloud.server });
    await cloud.cloud.actions.settled();
    await reattachVolumes(cloud.api, server, within(5_000));
    const back = { server: cloud.server, labels: { team: "a" } };
    expect([await volumeOf(cloud, one), await volumeOf(cloud, two)]).toEqual([back, back]);
    expect(await reattachVolumes(cloud.api, server, within(5_000))).toEqual([]);
  });

  test("keep their label when they cannot be attached, and it is said which", async () => {
    const id = await volumeOn(cloud, "data");
    await detachVolumes(cloud.api, server, within(5_000));
    await cloud.fault({ command: "attach_volume", code: "action_failed", message: "no room on the bus" });
    await expect(reattachVolumes(cloud.api, server, within(5_000))).rejects.toThrow(
      `attach volume data to server ${server} again: no room on the bus.`,
    );
    expect((await volumeOf(cloud, id)).labels).toMatchObject({ "berth-detached-from": server });
  });
});
