import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { PacketRule } from "../../../../lab/cloud/driver.ts";
import { type Guarded, ruleset } from "../../../../lab/machines/firewall.ts";

const anywhere = ["0.0.0.0/0", "::/0"];
const server = (rules: PacketRule[] | null): Guarded => ({
  id: 7,
  ipv4: "10.1.2.10",
  ipv6: "fd00:1:2:1::/64",
  floating: [],
  rules,
});
const rule = (rule: Partial<PacketRule>): PacketRule => ({
  direction: "in",
  protocol: "tcp",
  port: "22",
  networks: anywhere,
  ...rule,
});

/** Lines of one chain; null when there is none. */
function chain(text: string, name: string): string[] | null {
  const body = new RegExp(`\\tchain ${name} \\{\\n([^}]*(?:\\{[^}]*\\}[^}]*)*)\\t\\}`).exec(text)?.[1];
  return body === undefined ? null : body.trim().split(/\n\t*/);
}

test.each<[string, PacketRule[], string[]]>([
  [
    "one port from anywhere is a line a family",
    [rule({})],
    ["meta nfproto ipv4 tcp dport 22 return", "meta nfproto ipv6 tcp dport 22 return", "drop"],
  ],
  [
    "a range from one network is one line",
    [rule({ port: "80-85", networks: ["203.0.113.0/24"] })],
    ["ip saddr 203.0.113.0/24 tcp dport 80-85 return", "drop"],
  ],
  [
    "overlapping networks are lines of their own",
    [rule({ protocol: "udp", networks: ["10.0.0.0/8", "10.1.0.0/16"] })],
    ["ip saddr 10.0.0.0/8 udp dport 22 return", "ip saddr 10.1.0.0/16 udp dport 22 return", "drop"],
  ],
  [
    "icmp means each family's own",
    [rule({ protocol: "icmp", port: null })],
    ["meta nfproto ipv4 meta l4proto icmp return", "meta nfproto ipv6 meta l4proto ipv6-icmp return", "drop"],
  ],
  [
    "protocols without ports",
    [
      rule({ protocol: "esp", port: null, networks: ["fd00::/8"] }),
      rule({ protocol: "gre", port: null, networks: ["192.0.2.1/32"] }),
    ],
    ["ip6 saddr fd00::/8 meta l4proto esp return", "ip saddr 192.0.2.1/32 meta l4proto gre return", "drop"],
  ],
  [
    "any port of a protocol",
    [rule({ port: "any", networks: ["192.0.2.1/32"] })],
    ["ip saddr 192.0.2.1/32 meta l4proto tcp return", "drop"],
  ],
  ["a firewall without rules lets nothing in", [], ["drop"]],
  ["outgoing rules let nothing in", [rule({ direction: "out" })], ["drop"]],
])("incoming: %s", (_, rules, expected) => {
  expect(chain(ruleset([server(rules)]), "in-7")).toEqual(expected);
});

describe("the whole ruleset", () => {
  test("leaves a server open when no firewall applies", () => {
    const text = ruleset([server(null)]);
    expect(text).not.toContain("10.1.2.10");
    expect(chain(text, "forward")).toEqual([
      "type filter hook forward priority filter; policy accept;",
      "ct state established,related accept",
    ]);
  });

  test("limits what goes out only when an outgoing rule exists", () => {
    expect(chain(ruleset([server([rule({})])]), "out-7")).toBeNull();
    const limited = ruleset([
      server([rule({ direction: "out", port: "443", networks: ["198.51.100.0/24"] })]),
    ]);
    expect(chain(limited, "out-7")).toEqual(["ip daddr 198.51.100.0/24 tcp dport 443 return", "drop"]);
    expect(chain(limited, "forward")).toContain("ip saddr vmap { 10.1.2.10 : jump out-7 }");
  });

  test("asks the sender's rules before the receiver's, in both families", () => {
    const text = ruleset([
      server([rule({ direction: "out" })]),
      { id: 8, ipv4: null, ipv6: "fd00:1:2:2::/64", floating: [], rules: [] },
    ]);
    expect(chain(text, "forward")?.slice(1)).toEqual([
      "ct state established,related accept",
      "ip saddr vmap { 10.1.2.10 : jump out-7 }",
      "ip6 saddr vmap { fd00:1:2:1::/64 : jump out-7 }",
      "ip daddr vmap { 10.1.2.10 : jump in-7 }",
      "ip6 daddr vmap { fd00:1:2:1::/64 : jump in-7, fd00:1:2:2::/64 : jump in-8 }",
    ]);
  });

  test("guards a server's floating addresses like its own", () => {
    const floating = ["10.1.2.99", "fd00:1:2:99::/64"];
    expect(chain(ruleset([{ ...server([]), floating }]), "forward")?.slice(2)).toEqual([
      "ip daddr vmap { 10.1.2.10 : jump in-7, 10.1.2.99 : jump in-7 }",
      "ip6 daddr vmap { fd00:1:2:1::/64 : jump in-7, fd00:1:2:99::/64 : jump in-7 }",
    ]);
  });

  test("replaces the table in one transaction, whether it is there or not", () => {
    expect(ruleset([]).split("\n").slice(0, 3)).toEqual([
      "table inet berth",
      "delete table inet berth",
      "table inet berth {",
    ]);
  });

  test("has every chain it jumps to, and every guarded chain ends in a drop", () => {
    const rules = fc.array(
      fc.record({
        direction: fc.constantFrom("in", "out"),
        protocol: fc.constantFrom("tcp", "udp"),
        port: fc.constantFrom("22", "80-85", null),
        networks: fc.array(fc.constantFrom("0.0.0.0/0", "::/0", "10.0.0.0/8", "fd00::/8")),
      }),
    );
    fc.assert(
      fc.property(fc.array(fc.option(rules)), (lists) => {
        const servers = lists.map((list, index) => ({
          id: index + 1,
          ipv4: index % 3 ? `10.1.2.${10 + index}` : null,
          ipv6: index % 2 ? `fd00:1:2:${index}::/64` : null,
          floating: index % 5 ? [] : [`10.1.3.${10 + index}`],
          rules: list as PacketRule[] | null,
        }));
        const text = ruleset(servers);
        for (const [, target] of text.matchAll(/jump ((?:in|out)-\d+)/g))
          expect(chain(text, target ?? "")?.at(-1)).toBe("drop");
      }),
    );
  });
});
