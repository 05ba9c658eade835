import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  addressProblem,
  chooseNetwork,
  hostAddress,
  overlaps,
  ownAddresses,
  takenNetworks,
} from "../../../../lab/machines/network-choice.ts";

const mine = { ipv4: "10.87.12.0/24", ipv6: "fd7a:31c2:9e00::/48" };

test.each([
  ["10.0.0.0/8", "10.87.12.0/24", true],
  ["10.87.12.0/24", "10.0.0.0/8", true],
  ["10.87.12.7/32", "10.87.12.0/24", true],
  ["10.87.13.0/24", "10.87.12.0/24", false],
  ["fd7a:31c2:9e00::/48", "fd7a:31c2:9e00:5::/64", true],
  ["fd7a:31c2:9e01::/48", "fd7a:31c2:9e00:5::/64", false],
  ["fd00::/8", "10.0.0.0/8", false],
])("%s and %s overlap: %s", (a, b, expected) => {
  expect(overlaps(a, b)).toBe(expected);
});

describe("the choice of networks", () => {
  test("keeps the earlier ones while they are free", () => {
    expect(chooseNetwork("1a2b", ["192.0.2.0/24", "10.87.13.0/24"], mine)).toEqual(mine);
  });

  test("gives up one family alone when only that is taken", () => {
    const chosen = chooseNetwork("1a2b", ["10.87.12.128/25"], mine);
    expect(chosen.ipv4).not.toBe(mine.ipv4);
    expect(chosen.ipv6).toBe(mine.ipv6);
  });

  test("never overlaps with what is taken", () => {
    const octet = fc.integer({ min: 0, max: 255 });
    const network = fc
      .tuple(octet, octet, fc.integer({ min: 12, max: 32 }))
      .map(([b, c, prefix]) => `10.${b}.${c}.0/${prefix}`);
    fc.assert(
      fc.property(fc.stringMatching(/^[0-9a-f]{4}$/), fc.array(network, { maxLength: 8 }), (id, taken) => {
        const { ipv4 } = chooseNetwork(id, taken, null);
        expect(taken.filter((other) => overlaps(ipv4, other))).toEqual([]);
      }),
    );
  });

  test("is not among the private networks that people have first", () => {
    fc.assert(
      fc.property(fc.stringMatching(/^[0-9a-f]{4}$/), (id) => {
        expect(overlaps(chooseNetwork(id, [], null).ipv4, "10.0.0.0/9")).toBe(false);
      }),
    );
  });

  test("writes IPv6 as everybody does, without leading zeros", () => {
    fc.assert(
      fc.property(fc.stringMatching(/^[0-9a-f]{4}$/), (id) => {
        expect(chooseNetwork(id, [], null).ipv6).toMatch(
          /^fd[0-9a-f]{2}(:(0|[1-9a-f][0-9a-f]{0,3})){2}::\/48$/,
        );
      }),
    );
  });

  test("fails in one line when nothing is free", () => {
    expect(() => chooseNetwork("1a2b", ["10.0.0.0/8"], null)).toThrow(/^no free IPv4 \/24 for the lab: .*$/);
  });
});

test("default routes take nothing, routes and addresses do", () => {
  expect(
    takenNetworks(
      [{ dst: "default" }, { dst: "10.1.0.0/16" }, { dst: "10.9.9.9" }, { dst: "0.0.0.0/0" }, {}],
      [
        {
          addr_info: [
            { local: "192.0.2.2", prefixlen: 24 },
            { local: "fe80::1", prefixlen: 64 },
          ],
        },
        {},
      ],
    ),
  ).toEqual(["10.1.0.0/16", "10.9.9.9", "192.0.2.2/24", "fe80::1/64"]);
});

test.each<[string, string | null, string | null, string | null]>([
  ["an address of the lab", "10.87.12.10", "fd7a:31c2:9e00:1::/64", null],
  ["no address at all", null, null, null],
  ["another network", "10.87.13.10", null, "10.87.13.10 is not in the lab's network 10.87.12.0/24"],
  [
    "the driver's part",
    "10.87.12.9",
    null,
    "10.87.12.9 is kept for the driver: servers get .10 to .254 of 10.87.12.0/24",
  ],
  [
    "the broadcast address",
    "10.87.12.255",
    null,
    "10.87.12.255 is kept for the driver: servers get .10 to .254 of 10.87.12.0/24",
  ],
  [
    "the driver's IPv6 subnet",
    null,
    "fd7a:31c2:9e00::/64",
    "fd7a:31c2:9e00::/64 is kept for the driver: it is subnet 0",
  ],
  ["a wider network", null, "fd7a:31c2:9e00::/56", "fd7a:31c2:9e00::/56 is not a /64"],
])("a server with %s", (_, ipv4, ipv6, expected) => {
  expect(addressProblem(mine, { ipv4, ipv6 })).toBe(expected);
});

test("the driver's own addresses and a server's are in the lab's networks", () => {
  expect(ownAddresses(mine)).toEqual({
    outside: { ipv4: "10.87.12.1", ipv6: "fd7a:31c2:9e00::1" },
    inside: { ipv4: "10.87.12.2", ipv6: "fd7a:31c2:9e00::2" },
  });
  expect(hostAddress("fd7a:31c2:9e00:1::/64")).toBe("fd7a:31c2:9e00:1::1");
});
