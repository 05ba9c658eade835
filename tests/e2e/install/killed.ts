import { expect } from "vitest";
import { expectInstalled, type InstallWorld, phasesOf } from "./world.ts";

/** A deployer that is killed in each phase, and run again. */
export async function killed(world: InstallWorld): Promise<void> {
  const server = await world.order("killed");
  const document = server.document(await world.slow());
  await world.killAt(server, "Switching system into kexec", document);
  await world.killAt(server, "Formatting hard drive", document);
  await world.killAt(server, "Installing NixOS", document);
  await world.killAt(server, "Waiting for the machine to become unreachable", document);
  const { said, exitCode } = await world.run(server, "the run after these", document);
  expect(exitCode, said).toBe(0);
  expect(["", "reboot"], "the system was there already").toContain(phasesOf(said).join());
  await expectInstalled(server, document);
}
