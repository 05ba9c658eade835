import { existsSync } from "node:fs";
import { readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { execa } from "execa";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { waitFor } from "../../../lab/machines/waiting.ts";
import { hostKeyUserData, newKeyPair } from "./keys.ts";
import { attemptTcp, knock } from "./remote.ts";
import { hostAddress, impossible, TestLab } from "./support.ts";

const hostKey = newKeyPair("host");
let lab: TestLab;

beforeEach(({ skip }) => skip(impossible !== null, impossible ?? ""));

beforeAll(async () => {
  if (impossible) return;
  lab = await TestLab.up();
  await lab.driver.create(await lab.order(1, { userData: hostKeyUserData(hostKey) }));
}, 600_000);

afterAll(async () => await lab?.dispose());

async function addresses() {
  const { ipv4, ipv6 } = await lab.order(1);
  return { ipv4: ipv4 ?? "", ipv6: hostAddress(ipv6 ?? "") };
}

async function remote() {
  return lab.remote((await addresses()).ipv4, hostKey);
}

test("a created server is off, and one that was never created is missing", async () => {
  expect(await lab.driver.status(1)).toBe("off");
  expect(await lab.driver.status(2)).toBe("missing");
});

test("a started server answers strict ssh by both addresses, with the host key of its user data and the ordered login key", async () => {
  const { ipv4, ipv6 } = await addresses();
  const began = performance.now();
  await lab.driver.start(1);
  const ms = await lab.remote(ipv4, hostKey).ready();
  process.stdout.write(
    `strict ssh ${((performance.now() - began) / 1000).toFixed(1)} s after power on (${ms} ms of ssh)\n`,
  );
  expect(await lab.driver.status(1)).toBe("running");
  expect(await lab.remote(ipv6, hostKey).run("hostname")).toBe("web1");
  expect(await lab.remote(ipv4, newKeyPair("another")).complaint()).toContain("Host key verification failed");
});

test("cloud-init ends without an error and no unit failed", async () => {
  const server = await remote();
  expect(await server.run("cloud-init status --wait")).toContain("done");
  expect(await server.run("systemctl is-system-running --wait; systemctl --failed --plain --no-legend")).toBe(
    "running",
  );
});

test("keys and user data came from the metadata service; the disk held the network alone", async () => {
  const server = await remote();
  expect(await server.run("cat /run/cloud-init/result.json")).toContain(
    "DataSourceNoCloudNet [seed=/var/lib/cloud/seed/nocloud,http://169.254.169.254/lab/v1/]",
  );
  expect(await server.run("cat /var/lib/cloud/seed/nocloud/*")).not.toContain("ssh");
});

test("a server has Node, Nix and nginx, its own MAC, and no other user's key", async () => {
  const server = await remote();
  expect(await server.run("node --version")).toBe(process.version);
  expect(await server.run("nix --version")).toMatch(/^nix \(Nix\) 2\./);
  expect(await server.run("cat /sys/class/net/eth0/address")).toBe((await lab.order(1)).mac);
  expect(await server.run("cat /root/.ssh/authorized_keys")).toBe(lab.login.publicKey);
  expect((await server.run("test -x /usr/sbin/nginx; ls /etc/ssh/ssh_host_*_key")).split("\n")).toEqual([
    "/etc/ssh/ssh_host_ed25519_key",
  ]);
});

test("without a cloud the metadata service says so", async () => {
  await lab.closeCloud();
  const answer = await (await remote()).run(
    "curl -sS -m 5 -w '%{http_code}' http://169.254.169.254/hetzner/v1/metadata",
  );
  await lab.openCloud();
  expect(answer).toMatch(/^the lab's cloud does not answer: .*\n502$/);
});

test("the power button shuts a server down in order, and its disk survives", async () => {
  await (await remote()).run("echo kept >/root/file && sync");
  await lab.driver.shutdown(1);
  await waitFor(
    "the server to go off",
    async () => ((await lab.driver.status(1)) === "off" ? true : null),
    60_000,
  );
  expect(await lab.console(1)).toContain("powered off");
  expect(await knock((await addresses()).ipv4, 22)).toBe("silent");
  await lab.driver.start(1);
  await (await remote()).ready();
  expect(await (await remote()).run("cat /root/file")).toBe("kept");
});

test("a reset boots the machine anew with the same identity", async () => {
  const server = await remote();
  const ids = "cat /etc/machine-id /etc/ssh/ssh_host_ed25519_key.pub";
  const before = await server.run(ids);
  const boot = await server.run("cat /proc/sys/kernel/random/boot_id");
  await lab.driver.reset(1);
  await server.ready();
  expect(await server.run(ids)).toBe(before);
  expect(await server.run("cat /proc/sys/kernel/random/boot_id")).not.toBe(boot);
});

test("a server that reboots by itself is seen down: attempts to reach it meanwhile fail at once", async () => {
  const server = await remote();
  const { ipv4 } = await addresses();
  await server.send("reboot -ff");
  // Its own kernel may still refuse, or nobody answer, for a moment.
  await waitFor(
    "the server to be gone",
    async () => ((await attemptTcp(ipv4, 22, 100)) === "EHOSTUNREACH" ? true : null),
    20_000,
    1,
  );
  // An attempt that waited instead would be answered by the next boot, and its caller would never see the server down.
  expect(await attemptTcp(ipv4, 22, 2_000)).toBe("EHOSTUNREACH");
  expect(await lab.driver.status(1)).toBe("running");
  await server.ready();
  expect(await lab.console(1)).toContain("reboots");
});

test("an attempt from before a reset is ended, not answered by the next boot", async () => {
  const { ipv4 } = await addresses();
  // Nobody answers the attempt, so that it still waits when the power is cut.
  await lab.driver.setFirewalls([{ id: 1, rules: [] }]);
  const waiting = attemptTcp(ipv4, 22, 60_000);
  let booted = false;
  const reset = lab.driver.reset(1).then(() => {
    booted = true;
  });
  // By an error of its own, before the next boot could answer: not by time.
  expect(await waiting).not.toMatch(/^(silent|open)$/);
  expect(booted).toBe(false);
  await reset;
  await lab.driver.setFirewalls([]);
  await (await remote()).ready();
});

test("a cut off server is off at once", async () => {
  await lab.driver.stop(1);
  expect(await lab.driver.status(1)).toBe("off");
  await lab.driver.stop(1);
});

test("a server that is off takes other addresses, and has them after its next boot", async () => {
  const before = await lab.order(1);
  const after = { ...before, ipv4: (await lab.order(40)).ipv4, userData: hostKeyUserData(hostKey) };
  await lab.driver.configure(after);
  await lab.driver.start(1);
  await expect(lab.driver.configure(after)).rejects.toThrow(/runs: power it off/);
  const moved = lab.remote(after.ipv4 ?? "", hostKey);
  await moved.ready();
  expect(await moved.run("ip -4 -brief address show eth0")).toContain(`${after.ipv4}/32`);
  expect(await knock(before.ipv4 ?? "", 22)).toBe("silent");
});

test("a rebuilt server has a fresh disk", async () => {
  const order = await lab.order(1, { userData: hostKeyUserData(hostKey) });
  await lab.driver.rebuild(order);
  expect(await lab.driver.status(1)).toBe("off");
  await lab.driver.start(1);
  await (await remote()).ready();
  expect(await (await remote()).run("ls /root")).toBe("");
});

test("a disk with nothing bootable stays down, and the console says why", async () => {
  await lab.driver.create(await lab.order(2));
  const folder = join(lab.places.machines, "2");
  await rm(join(folder, "disk/debian"), { recursive: true });
  await expect(lab.driver.start(2)).rejects.toThrow(
    "server 2 (web2) did not boot: the disk holds neither a boot loader (esp/loader/loader.conf) nor Debian",
  );
  expect(await lab.driver.status(2)).toBe("off");
  expect(await lab.console(2)).toContain("the disk holds neither");
});

test("a console grows to a megabyte and no further", async () => {
  const file = join(lab.places.machines, "1", "console.log");
  await writeFile(file, "old line\n".repeat(150_000));
  await (await remote()).run("echo newest >/dev/console");
  await waitFor("the cut", async () => ((await readFile(file)).length < 1024 * 1024 ? true : null), 30_000);
  await expect.poll(() => lab.console(1), { timeout: 30_000 }).toMatch(/newest\r?\n/);
});

test("a removed server leaves nothing, and removing it again is fine", async () => {
  await lab.driver.remove(1);
  await lab.driver.remove(1);
  expect(await lab.driver.status(1)).toBe("missing");
  expect(existsSync(join(lab.places.machines, "1"))).toBe(false);
  await expect(lab.driver.start(1)).rejects.toThrow("there is no server 1");
});

test.each([
  ["IPv6 alone asks by IPv6", { ipv4: null }, "::2]/lab/v1/]"],
  [
    "no public address finds all on its disk",
    { ipv4: null, ipv6: null },
    "[seed=/var/lib/cloud/seed/nocloud]",
  ],
])("a server with %s", async (_, more, source) => {
  await lab.driver.create(
    await lab.order(3, {
      ...more,
      userData: "#cloud-config\nwrite_files: [{ path: /root/told, content: told }]\n",
    }),
  );
  await lab.driver.start(3);
  const init = await lab.initOf(3);
  const inside = [
    "--target",
    String(init),
    "--mount",
    "--uts",
    "--ipc",
    "--net",
    "--pid",
    "--root",
    "--wd",
    "--",
  ];
  const result = await execa("nsenter", [
    ...inside,
    "sh",
    "-c",
    "cloud-init status --wait >&2; cat /run/cloud-init/result.json /root/.ssh/authorized_keys",
  ]);
  expect(result.stdout).toContain(source);
  expect(result.stdout).toContain(lab.login.publicKey);
  expect((await execa("nsenter", [...inside, "cat", "/root/told"])).stdout).toBe("told");
  await lab.driver.remove(3);
});
