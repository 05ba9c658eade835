import { expect, test } from "vitest";
import { firewallRules } from "../../../components/firewall-rules.ts";
import { types } from "../../../policy/resource.ts";
import { sshFromAnywhere } from "../../../policy/rules/ssh-from-anywhere.ts";
import { resource, unknown } from "./resources.ts";

const ssh = { direction: "in", protocol: "tcp", port: "22", sourceIps: ["0.0.0.0/0", "::/0"] };
const said = (rules: unknown, allow: string[] = []) =>
  sshFromAnywhere(resource(types.firewall, "web1-ssh", { name: "prod-web1-ssh", rules }), allow);

test.each([
  ["both families", ssh, "port 22) to 0.0.0.0/0 and ::/0."],
  ["IPv4 alone", { ...ssh, sourceIps: ["0.0.0.0/0"] }, "to 0.0.0.0/0."],
  ["IPv6 alone, beside a network", { ...ssh, sourceIps: ["10.0.0.0/8", "::/0"] }, "to ::/0."],
  ["IPv6 in other words", { ...ssh, sourceIps: ["0:0:0:0:0:0:0:0/0"] }, "to 0:0:0:0:0:0:0:0/0."],
  ["a range of ports", { ...ssh, port: "20-25" }, "(port 20-25)"],
  ["every port", { ...ssh, port: "any" }, "(port any)"],
  ["one source known, another not", { ...ssh, sourceIps: [unknown, "::/0"] }, "to ::/0."],
])("refused: ssh from anywhere, %s", (_, rule, expected) => {
  expect(said([rule])).toEqual([expect.stringContaining(expected)]);
});

test.each([
  ["a network", { ...ssh, sourceIps: ["203.0.113.0/24", "2001:db8::/32"] }],
  ["another port", { ...ssh, port: "443" }],
  ["another range", { ...ssh, port: "23-220" }],
  ["a port that has its digits", { ...ssh, port: "2222" }],
  ["what goes out", { ...ssh, direction: "out", sourceIps: [], destinationIps: ["0.0.0.0/0"] }],
  ["UDP", { ...ssh, protocol: "udp" }],
  ["ping", { direction: "in", protocol: "icmp", sourceIps: ["0.0.0.0/0"] }],
  ["what is not known yet", { ...ssh, sourceIps: unknown }],
  ["no source", { direction: "in", protocol: "tcp", port: "22" }],
])("let through: %s", (_, rule) => {
  expect(said([rule])).toEqual([]);
});

test("rules that are not known, or not there, open nothing that can be seen", () => {
  expect(said(unknown)).toEqual([]);
  expect(said(undefined)).toEqual([]);
  expect(said([unknown, ssh])).toHaveLength(1);
});

test("each rule of a firewall is told, unless the settings name the firewall", () => {
  expect(said([ssh, { ...ssh, port: "any" }])).toHaveLength(2);
  expect(said([ssh], ["prod-web2-ssh"])).toHaveLength(1);
  expect(said([ssh], ["prod-*-ssh"])).toEqual([]);
});

test("Berth's own firewall is refused as it is by default, and not with berth:access.from", () => {
  const rules = (sshFrom: string[]) =>
    firewallRules({ ports: { tcp: [80, 443], udp: [443] }, extra: [], sshFrom });
  expect(said(rules([]).ssh)).toHaveLength(1);
  expect(said(rules(["203.0.113.0/24"]).ssh)).toEqual([]);
  expect(said(rules([]).release)).toEqual([]);
});
