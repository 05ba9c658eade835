import { expect } from "vitest";
import { LabServer } from "../installing.ts";
import { expectInstalled, type InstallWorld, phasesOf } from "./world.ts";

/** A wanted reinstall: with a snapshot and without the volume, killed in its middle, and once. */
export async function reinstall(world: InstallWorld): Promise<void> {
  const server = await world.order("again");
  const plain = server.document();
  expect((await world.run(server, "an installation without a fault", plain)).exitCode).toBe(0);
  const { volume } = (await server.api("POST", "/volumes", {
    ...{ name: "again-data", size: 10, server: Number(server.id), automount: false },
  })) as { volume: { id: number } };
  await server.sh(
    "lasting",
    "until ls /dev/disk/by-id/scsi-0HC_Volume_*; do sleep 0.5; done; touch /root/was-here",
  );
  const reinstall = { server: server.id, value: "new layout", snapshot: true };
  const document = server.document({ ...(await world.slow()), reinstall });

  await world.killAt(server, "Formatting hard drive", document);
  const { said, exitCode } = await world.run(
    server,
    "a wanted reinstall that was killed, run again",
    document,
  );
  expect(exitCode, said).toBe(0);
  expect(phasesOf(said)).toEqual(["disko", "install", "reboot"]);
  expect(said).toMatch(/attached again: volume again-data/);
  await expectInstalled(server, document);
  expect(JSON.parse(await server.sh("lasting", "cat /etc/berth/install.json")).reinstall).toBe("new layout");
  expect(await server.sh("lasting", "ls /root")).not.toContain("was-here");
  expect(await server.sh("lasting", "cat /root/.ssh/authorized_keys")).not.toContain("berth-reinstall");
  const after = (await server.api("GET", `/volumes/${volume.id}`)) as {
    volume: { server: number; labels: object };
  };
  expect(after.volume).toMatchObject({ server: Number(server.id), labels: {} });

  const bootId = await server.sh("lasting", "cat /proc/sys/kernel/random/boot_id");
  for (const [what, again] of [
    ["the same word once more", document],
    ["the word taken away", server.document()],
    [
      "the word for another server",
      server.document({ reinstall: { ...reinstall, server: "1", value: "x" } }),
    ],
  ] as const) {
    const ended = await world.run(server, what, again);
    expect(ended.said).toContain("installed already; nothing to do");
    expect(ended.exitCode).toBe(0);
  }
  expect(await server.sh("lasting", "cat /proc/sys/kernel/random/boot_id")).toBe(bootId);

  const { images } = (await server.api("GET", "/images?type=snapshot")) as { images: { id: number }[] };
  expect(images, "one snapshot, though it was begun twice").toHaveLength(1);
  await restored(world, server, images[0]?.id ?? 0);
}

/** A new server from the snapshot of an installed one is taken over by the word alone. */
async function restored(world: InstallWorld, former: LabServer, image: number): Promise<void> {
  const server = await LabServer.order(world.lab, world.web, "restored", { order: { image }, former });
  await server.answers("lasting");
  const refused = await world.run(
    server,
    "a restored snapshot on a new server, without the word",
    server.document(),
  );
  expect(refused.said).toMatch(
    new RegExp(`if this is that server's restored snapshot, set berth:hosts.again.adopt to "${former.id}"`),
  );
  expect(refused.exitCode).toBe(1);
  const taken = await world.run(server, "the same with the word", server.document({ adopt: former.id }));
  expect(taken.exitCode, taken.said).toBe(0);
  expect(await server.sh("lasting", "cat /etc/berth/install.json; ls /root/was-here")).toContain(
    `{"stack":"lab","host":"again","server":"${server.id}"}`,
  );
  const next = await world.run(server, "and without it ever after", server.document());
  expect(next.said).toContain("installed already; nothing to do");
}
