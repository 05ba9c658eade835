import { execa } from "execa";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { hostKeyUserData, newKeyPair } from "./keys.ts";
import type { Remote } from "./remote.ts";
import { hostAddress, impossible, TestLab, volume } from "./support.ts";

const hostKey = newKeyPair("host");
let lab: TestLab;
let original: Remote;

beforeEach(({ skip }) => skip(impossible !== null, impossible ?? ""));

beforeAll(async () => {
  if (impossible) return;
  lab = await TestLab.up();
  original = await lab.serve(1, hostKey);
}, 600_000);

afterAll(async () => await lab?.dispose());

test("a running server is held still while its disk is copied, and runs on", async () => {
  await lab.driver.setVolumes([volume(1, 1)]);
  // Two files that a copy of a moving disk would hardly catch with the same number in them.
  await original.run(`rm /etc/motd && echo kept >/root/file && ln /root/file /root/same && chown 1:2 /root/file
cat >/root/count.sh <<'END'
n=0
cd /root
while :; do n=$((n + 1)); for f in first second; do echo $n >new; mv new $f; done; done
END
setsid --fork sh /root/count.sh </dev/null >/dev/null 2>&1; sync`);
  const before = Number(await original.run("cat /root/first"));
  const { size } = await lab.driver.takeSnapshot(1, 50);
  expect(size).toBeGreaterThan(0);
  expect(size).toBeLessThan(1);
  expect(Number(await original.run("sleep 0.3; cat /root/first"))).toBeGreaterThan(before);
});

test("a new server from a snapshot has the disk's content, and name, keys and addresses of its own", async () => {
  const copyKey = newKeyPair("copy");
  const copy = await lab.serve(2, copyKey, { image: 50 });
  expect(
    await copy.run("cat /root/file; stat -c '%u %g %h' /root/same; ls /etc/motd 2>/dev/null || echo deleted"),
  ).toBe("kept\n1 2 2\ndeleted");
  const counted = (await copy.run("cat /root/first /root/second")).split("\n").map(Number);
  expect((counted[0] ?? 0) - (counted[1] ?? 0)).toBeLessThanOrEqual(1);
  expect(await copy.run("hostname")).toBe("web2");
  expect(await copy.run("ip -4 -brief address show eth0")).toContain(`${(await lab.order(2)).ipv4}/32`);
  expect(await copy.run("cloud-init status --wait")).toContain("done");
  expect(await copy.run("test -e /dev/disk || echo no volume")).toBe("no volume");
});

test("a server is rebuilt from a snapshot, which outlives the server it was taken of", async () => {
  await lab.driver.remove(1);
  await lab.driver.rebuild(await lab.order(2, { image: 50, userData: hostKeyUserData(hostKey) }));
  await lab.driver.start(2);
  const rebuilt = lab.remote((await lab.order(2)).ipv4 ?? "", hostKey);
  await rebuilt.ready();
  expect(await rebuilt.run("cat /root/file")).toBe("kept");
});

/** Lays an installed system on the disk the rescue system has before it. */
const install = (key: { privateKey: string; publicKey: string }) => `set -e
cd /run/lab/disk
rm -rf debian
system=nix/store/00000000000000000000000000000001-nixos-system-web
mkdir -p esp/loader/entries root/$system root/etc/ssh root/root/.ssh
chmod 755 root; chmod 700 root/root root/root/.ssh
printf '#!/bin/sh\\nexec /usr/lib/systemd/systemd "$@"\\n' >root/$system/init
chmod 755 root/$system/init
printf 'title NixOS\\noptions init=/%s/init\\n' $system >esp/loader/entries/nixos-generation-1.conf
echo 'default nixos-generation-1.conf' >esp/loader/loader.conf
cp /root/.ssh/authorized_keys root/root/.ssh/
umask 077
cat >root/etc/ssh/ssh_host_ed25519_key <<'KEY'
${key.privateKey.trim()}
KEY
echo '${key.publicKey}' >root/etc/ssh/ssh_host_ed25519_key.pub
sync`;

test("a snapshot of an installed system boots as a new server with the firmware's name and addresses", async () => {
  await lab.driver.setRescue(2, { sshKeys: [lab.login.publicKey] });
  await lab.driver.reset(2);
  const init = await lab.initOf(2);
  const inside = ["--target", String(init), "--mount", "--root", "--wd", "--", "sh", "-s"];
  await execa("nsenter", inside, { input: install(hostKey) });
  await lab.driver.reset(2);
  const installed = lab.remote((await lab.order(2)).ipv4 ?? "", hostKey);
  await installed.ready();
  await lab.driver.stop(2);
  await lab.driver.takeSnapshot(2, 51);

  const order = await lab.order(3, { image: 51, name: "web-copy", sshKeys: [], userData: null });
  await lab.driver.create(order);
  await lab.driver.start(3);
  const copy = lab.remote(hostAddress(order.ipv6 ?? ""), hostKey);
  await copy.ready();
  expect(await copy.run("hostname; cat /sys/class/net/eth0/address")).toBe(`web-copy\n${order.mac}`);
  expect(await copy.run("ip -4 -brief address show eth0")).toContain(`${order.ipv4}/32`);
  expect(await copy.run("test -e /run/cloud-init/enabled || echo no cloud-init")).toBe("no cloud-init");
});

test("a snapshot that is removed, or never was, lays no disk", async () => {
  await lab.driver.removeSnapshot(51);
  await lab.driver.removeSnapshot(51);
  await expect(lab.driver.create(await lab.order(4, { image: 51 }))).rejects.toThrow(
    "there is no snapshot 51",
  );
  await expect(lab.driver.takeSnapshot(9, 60)).rejects.toThrow("there is no server 9");
});
