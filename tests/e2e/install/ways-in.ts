import { expect } from "vitest";
import type { InstallDocument } from "../../../deployer/install/document.ts";
import { expectInstalled, type InstallWorld, phasesOf, touched } from "./world.ts";

/** A user who may sudo, a jump host, IPv6 and another port. */
export async function waysIn(world: InstallWorld): Promise<void> {
  const [gate, server] = await Promise.all([world.order("gate"), world.order("far")]);
  await gate.sh(
    "bootstrap",
    `echo '${server.login.publicKey}' >>/root/.ssh/authorized_keys
     systemd-run --quiet --unit=forward --socket-property=ListenStream='[::]:2222' /lib/systemd/systemd-socket-proxyd ${server.ipv4}:22`,
  );
  await server.sh(
    "bootstrap",
    `useradd --create-home --shell /bin/sh admin
     install -d -o admin -m 700 /home/admin/.ssh
     install -o admin -m 600 /root/.ssh/authorized_keys /home/admin/.ssh/authorized_keys
     rm /root/.ssh/authorized_keys
     if ! command -v sudo; then
       install -m 4755 /usr/bin/setpriv /usr/local/bin/setpriv-root
       printf '%s\\n' '#!/bin/sh' '[ "$1" != -n ] || shift' 'SUDO_USER=$(id -un); export SUDO_USER' \\
         'exec /usr/local/bin/setpriv-root --reuid=0 --regid=0 --init-groups "$@"' >/usr/local/bin/sudo
       chmod 755 /usr/local/bin/sudo
     fi`,
  );
  const { loginKey } = server.document().target;
  const document = server.document({
    substitutes: false,
    target: {
      ...{ stack: "lab", host: "far", address: gate.ipv6, port: 2222, user: "admin" },
      ...(loginKey === undefined ? {} : { loginKey }),
      jump: { address: gate.ipv4, port: 22, user: "root", hostKey: gate.bootstrap.publicKey },
    },
  });
  const stranger = await world.run(server, "a jump host with another key", {
    ...document,
    ...{
      target: { ...document.target, jump: { ...gateOf(document), hostKey: server.lasting.publicKey } },
      deadline: 8,
    },
  });
  expect(stranger.exitCode).toBe(1);
  expect(touched(stranger.said)).toBe(false);
  const { said, exitCode } = await world.run(server, "sudo, jump host, IPv6, port 2222, no caches", document);
  expect(exitCode, said).toBe(0);
  expect(phasesOf(said)).toEqual(["kexec", "disko", "install", "reboot"]);
  await expectInstalled(server, document);
}

function gateOf({ target: { jump } }: InstallDocument): NonNullable<InstallDocument["target"]["jump"]> {
  if (!jump) throw new Error("the document has no jump host");
  return jump;
}
