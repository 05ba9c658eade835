import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execa } from "execa";
import { expect, onTestFinished, test } from "vitest";
import { labNames } from "../../../lab/machines/names.ts";
import { LabWiring } from "../../../lab/machines/network.ts";
import { PrivateNetworks } from "../../../lab/machines/private-networks.ts";
import { impossible } from "./support.ts";

test("servers that boot, join and leave at the same time share a network's one bridge", async ({ skip }) => {
  skip(impossible !== null, impossible ?? "");
  const folder = await mkdtemp(join(tmpdir(), "berth-bridges-"));
  const names = labNames(folder);
  onTestFinished(async () => {
    await execa("ip", ["netns", "del", names.namespace], { reject: false });
    await rm(folder, { recursive: true });
  });
  await execa("ip", ["netns", "add", names.namespace]);
  const networks = new PrivateNetworks(
    new LabWiring(names, { ipv4: "203.0.113.0/24", ipv6: "2001:db8::/48" }),
  );
  const bridges = await Promise.all(Array.from({ length: 8 }, () => networks.bridge(7)));
  expect(new Set(bridges).size).toBe(1);
  await Promise.all([networks.forget(7), networks.bridge(7), networks.forget(7), networks.bridge(7)]);
  const { stdout } = await execa("ip", ["-n", names.namespace, "-br", "link", "show", "type", "bridge"]);
  expect(stdout.split("\n").map((line) => line.split(" ")[0])).toEqual([bridges[0]]);
});
