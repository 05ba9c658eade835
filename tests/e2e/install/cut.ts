import { expect } from "vitest";
import { expectInstalled, type InstallWorld, phasesOf } from "./world.ts";

/** A connection that is cut in each phase. */
export async function cut(world: InstallWorld): Promise<void> {
  const server = await world.order("cut");
  const document = server.document(await world.slow());
  const kexec = await world.cutAt(server, "kexec", "Switching system into kexec", document);
  // Cut off from its deployer, the host may boot the installer all the same; either way it goes on from what is there.
  if (kexec.exitCode !== 0) expect(kexec.said).toMatch(/phase kexec .*Next: .*run pulumi up again/s);
  const disko = await world.cutAt(server, "disko", "Formatting hard drive", document);
  expect(disko.exitCode).toBe(1);
  expect(disko.said).toMatch(/cut \(.*\): install NixOS, phase disko .*It answers and runs the installer/s);
  const install = await world.cutAt(server, "install", "Installing NixOS", document);
  expect(phasesOf(install.said)[0], install.said).toBe("disko");
  expect(install.exitCode).toBe(1);
  expect(install.said).toMatch(/phase install \(copy and install the system\)/);
  const reboot = await world.cutAt(server, "reboot", "phase reboot: restart", document);
  expect(phasesOf(reboot.said), "the disk was laid out already").toEqual(["install", "reboot"]);
  const { said, exitCode } = await world.run(server, "the run after these", document);
  expect(exitCode, said).toBe(0);
  // Cut off from its deployer, the host may restart all the same.
  expect(["", "reboot"], "the system was there already").toContain(phasesOf(said).join());
  await expectInstalled(server, document);
}
