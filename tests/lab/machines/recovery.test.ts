import { existsSync } from "node:fs";
import { execa } from "execa";
import { expect, test } from "vitest";
import { ControlGroup } from "../../../lab/machines/cgroups.ts";
import { quitDriver } from "../../../lab/machines/client.ts";
import { waitFor } from "../../../lab/machines/waiting.ts";
import { knock } from "./remote.ts";
import { livingDaemon, type TestLab, volumeDevice } from "./support.ts";
import { labOfEachTest, tracesOf } from "./whole-lab.ts";

const { emptyLab, labWithServer } = labOfEachTest();

test("machines die with a killed daemon, and the next one starts on what it left: same network, same disk, same rules", async () => {
  const { lab, remote, init, ipv4 } = await labWithServer();
  const network = await lab.driver.network();
  await remote.run("echo kept >/root/file && sync");
  const rule = { direction: "in", protocol: "tcp", port: "22", networks: ["0.0.0.0/0"] } as const;
  await lab.driver.setFirewalls([{ id: 1, rules: [{ ...rule, networks: [...rule.networks] }] }]);
  const group = await ControlGroup.at(lab.names.cgroup);
  expect(await group.processes()).toContain(init);
  await lab.kill();
  // The services' processes as well, whatever user they became.
  await waitFor(
    "the end of every process of the lab",
    async () => ((await group.processes()).length === 0 ? true : null),
    30_000,
  );

  await lab.start();
  expect(lab.said).toContain(
    `left by an earlier driver of this lab, removed: network namespace ${lab.names.namespace}`,
  );
  expect(await lab.driver.network()).toEqual(network);
  expect(await lab.driver.status(1)).toBe("off");
  await lab.driver.start(1);
  await remote.ready();
  expect(await remote.run("cat /root/file")).toBe("kept");
  expect(await knock(ipv4, 9999)).toBe("silent");
  expect(await remote.run(`mount ${volumeDevice(1)} /mnt && cat /mnt/file`)).toBe("kept");
  expect(await remote.run("ip -4 -brief address show eth1")).toContain("10.0.1.1/32");
});

test("a second daemon for the same lab is refused in one line", async () => {
  const lab = await emptyLab();
  const pid = await livingDaemon(lab.places.daemon);
  await expect(lab.start()).rejects.toThrow(
    `the lab in ${lab.folder} has a server driver already (process ${pid})`,
  );
  expect(await lab.driver.network()).toBeTruthy();
  await quitDriver(lab.folder);
});

test.each([
  ["quit", (lab: TestLab) => quitDriver(lab.folder)],
  ["SIGTERM", async (lab: TestLab) => lab.terminate()],
])(
  "%s ends the machines in order and takes the network down; only disks and volumes stay",
  async (_, end) => {
    const { lab } = await labWithServer();
    await end(lab);
    expect(await lab.ended()).toBe(0);
    expect(await lab.console(1)).toContain("powered off");
    expect(await tracesOf(lab)).toEqual([]);
    expect(existsSync(lab.places.socket)).toBe(false);
    expect(existsSync(lab.places.machines)).toBe(true);
  },
);

test("the socket is its owner's alone", async () => {
  const lab = await emptyLab();
  const { stdout } = await execa("stat", ["-c", "%a %u:%g", lab.places.socket]);
  expect(stdout).toBe("600 0:0");
});
