import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { execa } from "execa";
import { afterEach, beforeEach } from "vitest";
import type { LabNetwork } from "../../../lab/cloud/driver.ts";
import { hostKeyUserData, newKeyPair } from "./keys.ts";
import { impossible, privateCard, TestLab, volume, volumeDevice } from "./support.ts";

const hostKey = newKeyPair("host");

/** Server 1 of a lab: it answers, has a volume mounted, and is in a private network. */
async function wholeServer(lab: TestLab) {
  const order = await lab.order(1, { userData: hostKeyUserData(hostKey) });
  await lab.driver.create(order);
  await lab.driver.setVolumes([volume(1, 1)]);
  await lab.driver.setPrivateInterfaces([privateCard(1, 1)]);
  await lab.driver.start(1);
  const remote = lab.remote(order.ipv4 ?? "", hostKey);
  await remote.ready();
  await remote.run(`mount ${volumeDevice(1)} /mnt && echo kept >/mnt/file && sync`);
  return { remote, ipv4: order.ipv4 ?? "", init: await lab.initOf(1) };
}

/** A lab for each test of a file that asks for one, empty or with server 1 in it; it goes with the test. */
export function labOfEachTest() {
  let lab: TestLab | undefined;
  beforeEach(({ skip }) => skip(impossible !== null, impossible ?? ""));
  afterEach(async () => {
    await lab?.dispose();
    lab = undefined;
  });
  const emptyLab = async () => {
    lab = await TestLab.up();
    return lab;
  };
  const labWithServer = async () => {
    const made = await emptyLab();
    return { lab: made, ...(await wholeServer(made)) };
  };
  return { emptyLab, labWithServer };
}

/** Everything on this machine that carries the lab's name or lies in its folder. */
export async function tracesOf(lab: TestLab): Promise<string[]> {
  const { names, places, folder } = lab;
  const lines = async (file: string, args: string[]) => (await execa(file, args)).stdout.split("\n");
  const network = JSON.parse(await readFile(places.network, "utf8").catch(() => "null")) as LabNetwork | null;
  const prefixes = network ? [network.ipv4.replace("0/24", ""), network.ipv6.replace("::/48", ":")] : [];
  const routes = [...(await lines("ip", ["-4", "route"])), ...(await lines("ip", ["-6", "route"]))];
  const processes = (await lines("ps", ["-eo", "pid,stat,args"])).filter((line) => !/^\s*\d+ Z/.test(line));
  return [
    ...routes.filter((line) => prefixes.some((prefix) => line.includes(prefix)) || line.includes(names.link)),
    ...(await lines("ip", ["-br", "link"])).filter((line) => line.startsWith(names.link)),
    ...(await lines("losetup", ["--list", "--noheadings"])).filter((line) => line.includes(folder)),
    ...(await lines("ip", ["netns"])).filter((line) => line.startsWith(names.namespace)),
    ...(await readFile("/proc/self/mountinfo", "utf8")).split("\n").filter((line) => line.includes(folder)),
    ...processes.filter((line) => line.includes(folder) || line.includes(`berth-${names.id}`)),
    ...["unified", "systemd", "."]
      .map((root) => join("/sys/fs/cgroup", root, names.cgroup))
      .filter(existsSync),
  ];
}
