import fc from "fast-check";
import { expect, test } from "vitest";
import { takeAddress } from "../../../lab/cloud/addresses.ts";
import {
  contains,
  formatAddress,
  formatCidr,
  networkOf,
  parseAddress,
  parseCidr,
} from "../../../lab/cloud/ip.ts";
import { Store } from "../../../lab/cloud/store.ts";

const network = { ipv4: "10.1.2.0/28", ipv6: "fd00:0:1::/62" };

test.each([
  ["10.0.0.255/8", "10.0.0.0/8"],
  ["2001:DB8:0:0:1:0:0:1/64", "2001:db8::/64"],
  ["::/0", "::/0"],
  ["::ffff:1.2.3.4/128", "::ffff:102:304/128"],
  ["2001:db8:0:1:0:0:0:0/64", "2001:db8:0:1::/64"],
])("%s is kept as %s", (text, canonical) => {
  const cidr = parseCidr(text);
  expect(cidr && formatCidr(networkOf(cidr))).toBe(canonical);
});

test.each(["10.0.0.1", "10.0.0/8", "10.0.0.0/33", "::/129", "fe80::1%eth0/64", "x/8", ""])(
  "'%s' is no network",
  (text) => expect(parseCidr(text)).toBeUndefined(),
);

test("an address written in any valid form means the same", () => {
  fc.assert(
    fc.property(fc.ipV6(), (text) => {
      const address = parseAddress(text);
      expect(address).toBeDefined();
      const again = address && formatAddress(address);
      // The platform's own parser is the judge of equality.
      expect(new URL(`http://[${again}]/`).hostname).toBe(new URL(`http://[${text}]/`).hostname);
    }),
  );
});

test("a network holds exactly the addresses that share its prefix", () => {
  fc.assert(
    fc.property(
      fc.bigInt(0n, 2n ** 32n - 1n),
      fc.integer({ min: 0, max: 32 }),
      fc.bigInt(0n, 2n ** 32n - 1n),
      (a, prefix, b) => {
        const shift = BigInt(32 - prefix);
        expect(contains({ family: 4, value: a, prefix }, { family: 4, value: b })).toBe(
          a >> shift === b >> shift,
        );
      },
    ),
  );
});

test("addresses begin at .10 and end before the broadcast address", () => {
  const store = new Store(null);
  const inUse = new Set<string>();
  for (let i = 0; i < 5; i++) inUse.add(takeAddress(store, network, "ipv4", inUse));
  expect([...inUse]).toEqual(["10.1.2.10", "10.1.2.11", "10.1.2.12", "10.1.2.13", "10.1.2.14"]);
  expect(() => takeAddress(store, network, "ipv4", inUse)).toThrow("no free ipv4");
});

test("IPv6 networks begin at subnet 1", () => {
  const store = new Store(null);
  const inUse = new Set<string>();
  for (let i = 0; i < 3; i++) inUse.add(takeAddress(store, network, "ipv6", inUse));
  expect([...inUse]).toEqual(["fd00:0:1:1::/64", "fd00:0:1:2::/64", "fd00:0:1:3::/64"]);
  expect(() => takeAddress(store, network, "ipv6", inUse)).toThrow("no free ipv6");
});

test("an address that was given back is the last to be used again", () => {
  const store = new Store(null);
  expect(takeAddress(store, network, "ipv4", new Set())).toBe("10.1.2.10");
  expect(takeAddress(store, network, "ipv4", new Set())).toBe("10.1.2.11");
});
