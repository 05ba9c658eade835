import { expect } from "vitest";
import { kexecWith } from "../installing.ts";
import { expectInstalled, type InstallWorld, phasesOf } from "./world.ts";

/** An installer that never comes back, and one that comes back with another host key. */
export async function lostInstaller(world: InstallWorld): Promise<void> {
  const server = await world.order("lost");
  const tarball = world.web.kexecTarball?.out ?? "";
  const handover = "/run/lab/firmware/kexec";
  const gone = await kexecWith(
    world.lab,
    tarball,
    ":",
    `rm -rf ${handover}; nohup sh -c "sleep 1; poweroff -ff" >/dev/null 2>&1 </dev/null &`,
  );
  const { deadlines } = server.document();
  const never = await world.run(
    server,
    "target never comes back after kexec",
    server.document({ kexecTarball: gone, deadlines: { ...deadlines, kexec: 25 } }),
  );
  expect(never.exitCode).toBe(1);
  expect(never.said).toMatch(
    /phase kexec \(boot the installer\).*no end within 25 s\n.*It does not answer\. Next: /s,
  );

  await server.api("POST", `/servers/${server.id}/actions/poweron`);
  await server.answers();
  const stranger = await kexecWith(
    world.lab,
    tarball,
    ":",
    `rm ${handover}/root/etc/ssh/ssh_host_*; ssh-keygen -q -t ed25519 -N "" -f ${handover}/root/etc/ssh/ssh_host_ed25519_key`,
  );
  const other = await world.run(
    server,
    "target comes back with another key",
    server.document({ kexecTarball: stranger }),
  );
  expect(other.exitCode).toBe(1);
  expect(other.said).toMatch(
    /host key verification failed: another host key than the one it was begun with answers/,
  );
  expect(other.said).toMatch(/What answers at its address has another host key/);

  await server.api("POST", `/servers/${server.id}/actions/reset`);
  await server.answers();
  const document = server.document();
  const { said, exitCode } = await world.run(server, "the run after these", document);
  expect(exitCode, said).toBe(0);
  expect(phasesOf(said)).toEqual(["kexec", "disko", "install", "reboot"]);
  await expectInstalled(server, document);
}
