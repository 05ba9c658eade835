import { expect } from "vitest";
import { diskoWith } from "../installing.ts";
import { expectInstalled, type InstallWorld, phasesOf } from "./world.ts";

/** A disk layout that fails half-way, and a disk that fills up during the copy. */
export async function disk(world: InstallWorld): Promise<void> {
  const server = await world.order("disk");
  const failing = await diskoWith(
    world.lab,
    world.web.diskoScript.out,
    ":",
    "echo no space for the second partition >&2; exit 3",
  );
  const half = await world.run(server, "disko fails half-way", server.document({ diskoScript: failing }));
  expect(half.exitCode).toBe(1);
  expect(half.said).toMatch(
    /phase disko \(lay out the disk\), at "Formatting hard drive with disko": nixos-anywhere ended with 3\n.*no space for the second partition/s,
  );

  const tiny = await diskoWith(
    world.lab,
    world.web.diskoScript.out,
    ":",
    "mkdir -p /mnt/nix; mount -t tmpfs -o size=200k tmpfs /mnt/nix",
  );
  const full = await world.run(server, "full disk during the copy", server.document({ diskoScript: tiny }));
  expect(full.exitCode).toBe(1);
  expect(phasesOf(full.said)).toEqual(["disko", "install"]);
  expect(full.said).toMatch(/phase install .*No space left on device/is);

  await server.sh("bootstrap", "umount /mnt/nix");
  const document = server.document();
  const { said, exitCode } = await world.run(
    server,
    "the run after these, with a layout that fits",
    document,
  );
  expect(exitCode, said).toBe(0);
  expect(phasesOf(said), "another layout begins anew").toEqual(["disko", "install", "reboot"]);
  await expectInstalled(server, document);
}
