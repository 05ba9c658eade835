import { execa } from "execa";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { waitFor } from "../../../lab/machines/waiting.ts";
import { type KeyPair, newKeyPair } from "./keys.ts";
import type { Remote } from "./remote.ts";
import { impossible, TestLab } from "./support.ts";

const hostKey = newKeyPair("host");
let lab: TestLab;
let server: Remote;

beforeEach(({ skip }) => skip(impossible !== null, impossible ?? ""));

beforeAll(async () => {
  if (impossible) return;
  lab = await TestLab.up();
  server = await lab.serve(1, hostKey);
}, 600_000);

afterAll(async () => await lab?.dispose());

/** The ed25519 host key that answers at the server's address, whoever that is. */
async function scannedKey(): Promise<string> {
  const { ipv4 = "" } = await lab.order(1);
  return await waitFor(
    "a host key",
    async () => {
      const { stdout } = await execa("ssh-keyscan", ["-T", "5", "-t", "ed25519", ipv4 ?? ""], {
        reject: false,
      });
      return stdout.split(" ").slice(1).join(" ") || null;
    },
    120_000,
    100,
  );
}

/** Resets into whatever is next, and connects to whoever answers there. */
async function resetInto(): Promise<{ remote: Remote; key: string }> {
  await lab.driver.reset(1);
  const key = await scannedKey();
  const { ipv4 } = await lab.order(1);
  const remote = lab.remote(ipv4 ?? "", { publicKey: key } as KeyPair);
  await remote.ready();
  return { remote, key };
}

test("the rescue system answers the keys it was ordered with, and no others", async () => {
  const stranger = newKeyPair("stranger");
  await lab.driver.setRescue(1, { sshKeys: [stranger.publicKey] });
  await lab.driver.reset(1);
  const key = await scannedKey();
  const { ipv4 } = await lab.order(1);
  expect(await lab.remote(ipv4 ?? "", { publicKey: key } as KeyPair).complaint()).toContain(
    "Permission denied",
  );
});

test("it says what it is, stays a Debian, and has the disk at /run/lab/disk, where writes last", async () => {
  await lab.driver.setRescue(1, { sshKeys: [lab.login.publicKey] });
  const { remote } = await resetInto();
  expect(await remote.run("hostname; . /etc/os-release; echo $ID")).toBe("rescue\ndebian");
  expect(await remote.run("cat /etc/motd")).toContain("rescue system");
  expect(await remote.run("systemctl is-system-running --wait")).toBe("running");
  await remote.run("echo mended >/run/lab/disk/debian/root/file; echo lost >/root/file; sync");
});

test("it is loaded once: the next boot is the disk's, with the disk's host key", async () => {
  await lab.driver.reset(1);
  await server.ready();
  expect(await server.run("hostname; cat /root/file")).toBe("web1\nmended");
});

test("its host keys are new each time, and what was written to its root is gone", async () => {
  const keys: string[] = [];
  for (const _ of [1, 2]) {
    await lab.driver.setRescue(1, { sshKeys: [lab.login.publicKey] });
    const { remote, key } = await resetInto();
    expect(await remote.run("ls /root")).toBe("");
    keys.push(key);
  }
  expect(keys[0]).not.toBe(keys[1]);
});

test("from the rescue system a handover boots the installer, with the rescue system's host key", async () => {
  await lab.driver.setRescue(1, { sshKeys: [lab.login.publicKey] });
  const { remote } = await resetInto();
  const before = await lab.boots(1);
  await remote.send(`set -e
root=/run/lab/firmware/kexec/root
mkdir -p $root/etc/ssh $root/root/.ssh
cp -a /etc/ssh/ssh_host_ed25519_key* $root/etc/ssh/
cp -a /root/.ssh/authorized_keys $root/root/.ssh/
chmod 700 $root/root/.ssh
: >/run/lab/firmware/kexec/next
reboot -ff`);
  await waitFor("the next boot", async () => ((await lab.boots(1)) > before ? true : null), 60_000);
  await remote.ready();
  expect(await remote.run(". /etc/os-release && echo $VARIANT_ID; ls /run/lab/disk")).toBe(
    "installer\ndebian",
  );
});

test("an order that is taken back, or a rebuild, leaves the disk to boot", async () => {
  await lab.driver.setRescue(1, { sshKeys: [lab.login.publicKey] });
  await lab.driver.setRescue(1, null);
  await lab.driver.reset(1);
  await server.ready();
  await lab.driver.setRescue(1, { sshKeys: [lab.login.publicKey] });
  await lab.driver.rebuild(await lab.order(1));
  await lab.driver.start(1);
  expect((await lab.console(1)).split("] boots ").at(-1)).toMatch(/^debian/);
  await expect(lab.driver.setRescue(9, null)).rejects.toThrow("there is no server 9");
});
