import { expect } from "vitest";
import { expectInstalled, type InstallWorld, phasesOf } from "./world.ts";

/** A connection that is cut in each phase. */
export async function cut(world: InstallWorld): Promise<void> {
  const cutInKexec = async (name: string) => {
    const server = await world.order(name);
    const document = server.document(await world.slow());
    return {
      server,
      document,
      ...(await world.cutAt(server, "kexec", "Switching system into kexec", document)),
    };
  };
  let kexec = await cutInKexec("cut");
  // Where nothing was being said just then, nothing was cut: the whole installation has gone through.
  for (let time = 2; kexec.exitCode === 0 && time < 5; time++) kexec = await cutInKexec(`cut${time}`);
  const { server, document } = kexec;
  // Cut off from its deployer, the host may boot the installer all the same; either way it goes on from what is there.
  expect(kexec.said).toMatch(/phase kexec .*Next: .*run pulumi up again/s);
  const disko = await world.cutAt(server, "disko", "Formatting hard drive", document);
  expect(disko.exitCode).toBe(1);
  expect(disko.said).toMatch(
    /cut\d? \(.*\): install NixOS, phase disko .*It answers and runs the installer/s,
  );
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
