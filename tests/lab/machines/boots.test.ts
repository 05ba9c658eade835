import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { waitFor } from "../../../lab/machines/waiting.ts";
import { hostKeyUserData, newKeyPair } from "./keys.ts";
import type { Remote } from "./remote.ts";
import { hostAddress, impossible, TestLab } from "./support.ts";

/** The life of one machine, boot after boot: each test goes on where the one before left it. */
const bootstrapKey = newKeyPair("bootstrap");
const lastingKey = newKeyPair("lasting");
let lab: TestLab;
let bootstrap: Remote;
let lasting: Remote;

beforeEach(({ skip }) => skip(impossible !== null, impossible ?? ""));

beforeAll(async () => {
  if (impossible) return;
  lab = await TestLab.up();
  const order = await lab.order(1, { userData: hostKeyUserData(bootstrapKey) });
  bootstrap = lab.remote(order.ipv4 ?? "", bootstrapKey);
  // By the other family, so that the firmware's network file is tried for both.
  lasting = lab.remote(hostAddress(order.ipv6 ?? ""), lastingKey);
  await lab.driver.create(order);
  await lab.driver.start(1);
  await bootstrap.ready();
}, 600_000);

afterAll(async () => await lab?.dispose());

/** Reboots by the machine's own doing, and waits until it is down. */
async function reboot(remote: Remote, command: string): Promise<void> {
  const boots = async () => (await lab.console(1)).split("] boots ").length;
  const before = await boots();
  await remote.send(command);
  await waitFor("the next boot", async () => ((await boots()) > before ? true : null), 60_000);
}

const handOver = `set -e
root=/run/lab/firmware/kexec/root
mkdir -p $root/etc/ssh $root/root/.ssh
cp -a /etc/ssh/ssh_host_ed25519_key* $root/etc/ssh/
cp -a /root/.ssh/authorized_keys $root/root/.ssh/
chmod 700 $root/root/.ssh
: >/run/lab/firmware/kexec/next
reboot -ff`;

test("a handover boots the installer, with the old host key and login key", async () => {
  await reboot(bootstrap, handOver);
  await bootstrap.ready();
  expect(await bootstrap.run(". /etc/os-release && echo $ID $VARIANT_ID")).toBe("nixos installer");
  expect(await bootstrap.run("hostname; stat -c '%U %a' / /etc /root")).toBe(
    "web1\nroot 755\nroot 755\nroot 755",
  );
  expect(await bootstrap.run("test ! -e /run/cloud-init/enabled && systemctl is-system-running --wait")).toBe(
    "running",
  );
});

test("the handover is used up, and what the installer writes is thrown away", async () => {
  await bootstrap.run("ls -A /run/lab/firmware; echo lost >/root/file; sync");
  await reboot(bootstrap, "reboot");
  await bootstrap.ready();
  expect(await bootstrap.run(". /etc/os-release && echo $ID; ls /root")).toBe("debian");
});

/** Lays a partitioned disk as an installer does: a store with two systems, a boot loader, and a root of its own. */
const install = `set -e
cd /run/lab/disk
rm -rf debian
mkdir -p esp/loader/entries root/nix/store root/etc/ssh root/root/.ssh
chmod 755 root; chmod 700 root/root root/root/.ssh
for n in 1 2; do
  system=nix/store/0000000000000000000000000000000$n-nixos-system-web
  mkdir root/$system
  printf '#!/bin/sh\\necho %s >/run/generation\\nexec /usr/lib/systemd/systemd "$@"\\n' $n >root/$system/init
  chmod 755 root/$system/init
  printf 'title NixOS\\noptions init=/%s/init\\n' $system >esp/loader/entries/nixos-generation-$n.conf
done
echo 'default nixos-generation-1.conf' >esp/loader/loader.conf
cp /root/.ssh/authorized_keys root/root/.ssh/
umask 077
cat >root/etc/ssh/ssh_host_ed25519_key <<'KEY'
${lastingKey.privateKey.trim()}
KEY
echo '${lastingKey.publicKey}' >root/etc/ssh/ssh_host_ed25519_key.pub
sync`;

test("a disk laid by the installer boots the installed system from its own root, with the lasting host key", async () => {
  await reboot(bootstrap, handOver);
  await bootstrap.ready();
  await bootstrap.run(install);
  await reboot(bootstrap, "reboot");
  await lasting.ready();
  expect(await lasting.run("cat /run/generation; cat /boot/loader/loader.conf")).toBe(
    "1\ndefault nixos-generation-1.conf",
  );
  expect(await bootstrap.complaint()).toContain("Host key verification failed");
  expect(await lasting.run("test -e /run/cloud-init/enabled || echo no cloud-init")).toBe("no cloud-init");
  expect(await lasting.run("systemctl is-system-running --wait")).toBe("running");
});

test("an entry asked for once boots once", async () => {
  await lasting.run("echo kept >/root/file; echo nixos-generation-2.conf >/run/lab/firmware/oneshot; sync");
  await reboot(lasting, "reboot");
  await lasting.ready();
  expect(await lasting.run("cat /run/generation /root/file")).toBe("2\nkept");
  await lab.driver.reset(1);
  await lasting.ready();
  expect(await lasting.run("cat /run/generation")).toBe("1");
});

test("a new default boots from then on, and the power button works on the installed system", async () => {
  await lasting.run("echo 'default nixos-generation-2.conf' >/boot/loader/loader.conf; sync");
  await lab.driver.shutdown(1);
  await waitFor(
    "the server to go off",
    async () => ((await lab.driver.status(1)) === "off" ? true : null),
    60_000,
  );
  await lab.driver.start(1);
  await lasting.ready();
  expect(await lasting.run("cat /run/generation")).toBe("2");
});

test("a default whose init is missing does not boot, and says so", async () => {
  await lasting.run("rm /nix/store/*2-nixos-system-web/init; sync");
  await lab.driver.stop(1);
  await expect(lab.driver.start(1)).rejects.toThrow(/server 1 \(web1\) did not boot: .*init/);
  expect(await lab.driver.status(1)).toBe("off");
});

test("a rebuild brings Debian back", async () => {
  const order = await lab.order(1, { userData: hostKeyUserData(bootstrapKey) });
  await lab.driver.rebuild(order);
  await lab.driver.start(1);
  await bootstrap.ready();
  // cloud-init starts sshd once more when it has put the keys there.
  const system = () => bootstrap.run(". /etc/os-release && echo $ID").catch(String);
  await expect.poll(system, { timeout: 30_000 }).toBe("debian");
});
