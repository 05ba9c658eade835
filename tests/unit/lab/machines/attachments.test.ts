import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { PrivateInterface, VolumeSpec } from "../../../../lab/cloud/driver.ts";
import { changes } from "../../../../lab/machines/changes.ts";
import { devicesOf } from "../../../../lab/machines/loop-devices.ts";
import { privateBridgeName, privatePortName } from "../../../../lab/machines/names.ts";
import { linkLocal } from "../../../../lab/machines/network-choice.ts";
import { freeName, pluggedAtBoot } from "../../../../lab/machines/plugged.ts";
import { privateFile, privateFileName } from "../../../../lab/machines/private-networks.ts";
import { volumeChanges } from "../../../../lab/machines/volumes.ts";

const card = (network: number): PrivateInterface => ({
  server: 7,
  network,
  mac: `86:00:00:00:00:0${network}`,
  address: "10.0.1.2",
  aliases: ["10.0.1.3"],
  range: "10.0.0.0/16",
});
const volume = (id: number, more: Partial<VolumeSpec> = {}): VolumeSpec => ({
  id,
  size: 10,
  format: null,
  server: null,
  ...more,
});

describe("private interfaces", () => {
  test("are told to networkd with one address and the way to the whole network; aliases are the user's", () => {
    expect(privateFileName(card(3))).toBe("20-private-3.network");
    const lines = privateFile(card(3)).split("\n");
    expect(lines).toContain("MACAddress=86:00:00:00:00:03");
    expect(lines.filter((line) => line.startsWith("Address="))).toEqual(["Address=10.0.1.2/32"]);
    expect(lines).toContain("Destination=10.0.0.0/16");
    expect(lines).toContain("MTUBytes=1450");
  });

  test("are named in the order of their networks at boot, and take the first free name later", () => {
    const { cards } = pluggedAtBoot({ interfaces: [card(5), card(2)], volumes: [] });
    expect(cards.map(({ card, name }) => [card.network, name])).toEqual([
      [2, "eth1"],
      [5, "eth2"],
    ]);
    expect(freeName(["eth2", "eth1"])).toBe("eth3");
    expect(freeName(["eth2"])).toBe("eth1");
  });

  test("have port and bridge names the kernel takes, each pair its own", () => {
    expect(privateBridgeName(9_999_999_999_999)).toHaveLength(15);
    expect(privatePortName(9_999_999_999_999, 1).length).toBeLessThanOrEqual(15);
    expect(privatePortName(1, 23)).not.toBe(privatePortName(12, 3));
  });
});

test("a MAC's link-local address is the one the kernel makes", () => {
  expect(linkLocal("96:00:01:ab:cd:0f")).toBe("fe80::9400:1ff:feab:cd0f");
});

test("taking out and putting in leads from any list to any other, and leaves alone what stays", () => {
  const item = fc.record({ id: fc.nat(5), size: fc.nat(2) }, { noNullPrototype: true });
  const list = fc.uniqueArray(item, { selector: ({ id }) => id });
  fc.assert(
    fc.property(list, list, (has, wanted) => {
      const { out, in: added } = changes(has, wanted);
      const after = [...has.filter((one) => !out.includes(one)), ...added];
      const sorted = (items: typeof has) => items.toSorted((a, b) => a.id - b.id);
      expect(sorted(after)).toEqual(sorted(wanted));
      for (const gone of out) expect(wanted).not.toContainEqual(gone);
    }),
  );
});

describe("a list of volumes", () => {
  const before = [volume(1, { server: 7 }), volume(2), volume(3, { server: 8 })];

  test("tells what is made, grown, detached and removed", () => {
    const after = [volume(1, { server: 8, size: 20 }), volume(2, { server: 7 }), volume(4)];
    const { made, grown, detached, removed, problem } = volumeChanges(before, after);
    const ids = (volumes: VolumeSpec[]) => volumes.map(({ id }) => id);
    expect([ids(made), ids(grown), ids(detached), ids(removed)]).toEqual([[4], [1], [1, 3], [3]]);
    expect(problem).toBeNull();
  });

  test.each([
    [[volume(1, { size: 9, server: 7 })], "volume 1 has 10 GB and cannot shrink to 9"],
    [[volume(1), volume(1)], "a volume is named twice"],
  ])("that cannot be is refused: %#", (after, problem) => {
    expect(volumeChanges(before, after).problem).toBe(problem);
  });
});

test("loop devices of one folder are found, a deleted file's and none of a neighbour's", () => {
  const listing = JSON.stringify({
    loopdevices: [
      { name: "/dev/loop0", "back-file": "/lab/volumes/1.img" },
      { name: "/dev/loop1", "back-file": "/lab/volumes/2.img (deleted)" },
      { name: "/dev/loop2", "back-file": "/lab/volumes-2/1.img" },
      { name: "/dev/loop3", "back-file": null },
    ],
  });
  expect(devicesOf(listing, "/lab/volumes")).toEqual([
    { device: "/dev/loop0", file: "/lab/volumes/1.img" },
    { device: "/dev/loop1", file: "/lab/volumes/2.img" },
  ]);
  expect(devicesOf("", "/lab/volumes")).toEqual([]);
});
