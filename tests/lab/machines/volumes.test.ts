import { existsSync } from "node:fs";
import { readdir } from "node:fs/promises";
import { execa } from "execa";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { quitDriver } from "../../../lab/machines/client.ts";
import { waitFor } from "../../../lab/machines/waiting.ts";
import { hostKeyUserData, newKeyPair } from "./keys.ts";
import type { Remote } from "./remote.ts";
import { volumeDevice as device, impossible, TestLab, volume } from "./support.ts";

/** The life of some volumes: each test goes on where the one before left it. */
const hostKey = newKeyPair("host");
let lab: TestLab;
let one: Remote;
let two: Remote;

beforeEach(({ skip }) => skip(impossible !== null, impossible ?? ""));

beforeAll(async () => {
  if (impossible) return;
  lab = await TestLab.up();
  one = await lab.serve(1, hostKey);
  two = await lab.serve(2, hostKey);
}, 600_000);

afterAll(async () => await lab?.dispose());

async function loopDevices(): Promise<number> {
  const { stdout } = await execa("losetup", ["--list", "--noheadings"]);
  return stdout.split("\n").filter((line) => line.includes(lab.folder)).length;
}

const mountIt = `mount ${device(1)} /mnt`;

test("a volume appears on a running server by its stable path, formatted as ordered, and takes no space before it is used", async () => {
  await lab.driver.setVolumes([volume(1, 1, { size: 10 }), volume(2, null, { format: null })]);
  expect(await one.run(`blkid -o value -s TYPE ${device(1)}; blockdev --getsize64 ${device(1)}`)).toBe(
    `ext4\n${10 * 1024 ** 3}`,
  );
  await one.run(`${mountIt} && echo kept >/mnt/file && sync`);
  const { stdout } = await execa("du", ["-sm", lab.places.volumes]);
  expect(Number.parseInt(stdout, 10)).toBeLessThan(200);
});

test("another server does not see it", async () => {
  expect(await two.run("ls /dev/disk/by-id 2>/dev/null || echo none")).toBe("none");
});

test("a volume that grows is bigger at once, on a server that runs and has it mounted, and its file system grows into it", async () => {
  await lab.driver.setVolumes([volume(1, 1, { size: 12 }), volume(2, null, { format: null })]);
  expect(await one.run(`blockdev --getsize64 ${device(1)}`)).toBe(String(12 * 1024 ** 3));
  // Unmounted, because the root of a container that runs these tests may lack CAP_SYS_RESOURCE, which growing online needs.
  await one.run(`umount /mnt && e2fsck -fp ${device(1)} && resize2fs ${device(1)} && ${mountIt}`);
  expect(Number(await one.run("df -m --output=size /mnt | tail -1"))).toBeGreaterThan(11_500);
  await expect(lab.driver.setVolumes([volume(1, 1, { size: 10 })])).rejects.toThrow(
    "volume 1 has 12 GB and cannot shrink to 10",
  );
});

test("a volume survives a rebuild of its server, which has it again at boot, before any service starts", async () => {
  const order = await lab.order(1, { userData: hostKeyUserData(hostKey) });
  await lab.driver.rebuild(order);
  await lab.driver.start(1);
  await one.ready();
  expect(await one.run(`${mountIt} && cat /mnt/file`)).toBe("kept");
});

test("the rescue system sees the volume, and neither it nor an install's disk contains it", async () => {
  await lab.driver.setRescue(1, { sshKeys: [lab.login.publicKey] });
  await lab.driver.reset(1);
  const init = await lab.initOf(1);
  const inside = ["nsenter", `--target=${init}`, "--mount", "--root", "--"];
  const { stdout } = await execa(inside[0] ?? "", [
    ...inside.slice(1),
    "sh",
    "-c",
    `test -b ${device(1)} && ls /run/lab/disk`,
  ]);
  expect(stdout).toBe("debian");
  await lab.driver.reset(1);
  await one.ready();
});

test("a detached volume is gone from the server, even mounted and in use there, and its data is whole elsewhere", async () => {
  await one.run(
    `${mountIt} && echo more >>/mnt/file && cd /mnt && setsid --fork sleep 1000 </dev/null >/dev/null 2>&1`,
  );
  await lab.driver.setVolumes([volume(1, 2, { size: 12 }), volume(2, null, { format: null })]);
  expect(
    await one.run(`ls /dev/disk/by-id; findmnt /mnt || echo not mounted; pgrep sleep || echo killed`),
  ).toBe("not mounted\nkilled");
  expect(await two.run(`${mountIt} && cat /mnt/file`)).toBe("kept\nmore");
  await lab.driver.setVolumes([volume(1, null, { size: 12 }), volume(2, null, { format: null })]);
  expect(await loopDevices()).toBe(0);
});

test("a volume present since the boot is detached as well as one that was plugged in later", async () => {
  await lab.driver.setVolumes([volume(1, 2, { size: 12 })]);
  await lab.driver.reset(2);
  await two.ready();
  expect(await two.run(`${mountIt} && cat /mnt/file`)).toBe("kept\nmore");
  await lab.driver.setVolumes([volume(1, null, { size: 12 })]);
  expect(await two.run("ls -A /dev/disk/by-id; findmnt /mnt || echo not mounted")).toBe("not mounted");
  expect(await loopDevices()).toBe(0);
});

test("a volume survives its server's end and the lab's, and hangs on the server it hung on", async () => {
  await lab.driver.setVolumes([volume(1, 2, { size: 12 }), volume(3, 1)]);
  await lab.driver.remove(1);
  await lab.driver.setVolumes([volume(1, 2, { size: 12 }), volume(3, null)]);
  await quitDriver(lab.folder);
  await lab.ended();
  expect(await loopDevices()).toBe(0);
  await lab.start();
  await lab.driver.start(2);
  await two.ready();
  expect(await two.run(`${mountIt} && cat /mnt/file`)).toBe("kept\nmore");
});

test("xfs is made as well", async () => {
  await lab.driver.setVolumes([volume(1, 2, { size: 12 }), volume(4, 2, { format: "xfs" })]);
  expect(await two.run(`blkid -o value -s TYPE ${device(4)}`)).toBe("xfs");
});

test("a systemd mount unit of a volume starts at boot, without a udev that announces the device", async () => {
  const unit = `[Mount]\\nWhat=${device(1)}\\nWhere=/srv\\n[Install]\\nWantedBy=multi-user.target\\n`;
  await two.run(
    `umount /mnt; printf '${unit}' >/etc/systemd/system/srv.mount && systemctl enable srv.mount && sync`,
  );
  await lab.driver.reset(2);
  await two.ready();
  await two.run("systemctl is-system-running --wait || :");
  expect(await two.run("cat /srv/file")).toBe("kept\nmore");
});

test("a volume left out of the list is gone with its data", async () => {
  await lab.driver.setVolumes([]);
  expect(await readdir(lab.places.volumes)).toEqual([]);
  expect(await loopDevices()).toBe(0);
  await lab.driver.setVolumes([volume(1, 2)]);
  expect(await two.run(`${mountIt} && ls /mnt`)).toBe("lost+found");
});

test("a daemon that dies leaves loop devices to the next one, which gives them up first", async () => {
  const init = await lab.initOf(2);
  await lab.kill();
  await waitFor("the machine's end", () => (existsSync(`/proc/${init}`) ? null : true), 30_000);
  expect(await loopDevices()).toBe(1);
  await lab.start();
  expect(lab.said).toMatch(/removed: loop device \/dev\/loop\d+ of .*volumes\/1\.img/);
  expect(await loopDevices()).toBe(0);
});
