import { existsSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import type { PacketRule } from "../../../lab/cloud/driver.ts";
import { ownAddresses } from "../../../lab/machines/network-choice.ts";
import { waitFor } from "../../../lab/machines/waiting.ts";
import { newKeyPair } from "./keys.ts";
import { knock, type Remote } from "./remote.ts";
import { hostAddress, impossible, TestLab } from "./support.ts";

const hostKey = newKeyPair("host");

/** How long an answer that is due may take; milliseconds. */
const DUE = 20_000;

const anywhere = ["0.0.0.0/0", "::/0"];
const allow = (port: string, networks = anywhere): PacketRule => ({
  direction: "in",
  protocol: "tcp",
  port,
  networks,
});
const ssh = allow("22");
const ping: PacketRule = { direction: "in", protocol: "icmp", port: null, networks: anywhere };

let lab: TestLab;
let one: { ipv4: string; ipv6: string; remote: Remote };
let two: { ipv4: string; ipv6: string; remote: Remote };

beforeEach(({ skip }) => skip(impossible !== null, impossible ?? ""));

beforeAll(async () => {
  if (impossible) return;
  lab = await TestLab.up();
  [one, two] = await Promise.all([server(1), server(2)]);
  await one.remote.run("systemd-run --quiet --unit=listener nc -lk 8080");
}, 600_000);

afterAll(async () => await lab?.dispose());

async function server(id: number) {
  const remote = await lab.serve(id, hostKey);
  const { ipv6 } = await lab.order(id);
  return { ipv4: remote.address, ipv6: hostAddress(ipv6 ?? ""), remote };
}

/** Whether server two reaches a port of server one; no answer is waited for longer where one is due. */
async function neighbourReaches(address: string, port: number, due = false): Promise<boolean> {
  return (
    (await two.remote.run(`nc -z -w ${due ? 20 : 1} ${address} ${port} && echo yes || echo no`)) === "yes"
  );
}

async function neighbourPings(address: string, due = false): Promise<boolean> {
  const ping = `ping -c 1 -W ${due ? 20 : 1} ${address}`;
  return (await two.remote.run(`${ping} >/dev/null && echo yes || echo no`)) === "yes";
}

/** Servers in these tests do not listen on IPv6 by `nc -lk`, so port 22 stands for "open" there. */
const families = ["ipv4", "ipv6"] as const;

describe.each(families)("%s", (family) => {
  test("without a firewall every port is open, to the machine and to neighbours", async () => {
    await lab.driver.setFirewalls([{ id: 1, rules: null }]);
    expect(await knock(one[family], 22, DUE)).toBe("open");
    // Nothing listens there, and the refusal comes from the server itself.
    expect(await knock(one[family], 9999, DUE)).toBe("refused");
    expect(await neighbourReaches(one[family], 22, true)).toBe(true);
    expect(await neighbourPings(one[family], true)).toBe(true);
  });

  test("with a firewall a port without a rule is not reached, by the machine or by neighbours", async () => {
    await lab.driver.setFirewalls([{ id: 1, rules: [allow("8080")] }]);
    expect(await knock(one[family], 22)).toBe("silent");
    expect(await knock(one[family], 9999)).toBe("silent");
    expect(await neighbourReaches(one[family], 22)).toBe(false);
    expect(await neighbourPings(one[family])).toBe(false);
  });

  test("a rule opens its port, and ICMP when it says so", async () => {
    await lab.driver.setFirewalls([{ id: 1, rules: [ssh, ping] }]);
    expect(await knock(one[family], 22, DUE)).toBe("open");
    expect(await knock(one[family], 9999)).toBe("silent");
    expect(await neighbourReaches(one[family], 22, true)).toBe(true);
    expect(await neighbourPings(one[family], true)).toBe(true);
  });

  test("a rule for the neighbour's network lets the neighbour in and nobody else", async () => {
    const network = family === "ipv4" ? `${two.ipv4}/32` : `${two.ipv6}/128`;
    await lab.driver.setFirewalls([{ id: 1, rules: [allow("22", [network])] }]);
    expect(await neighbourReaches(one[family], 22, true)).toBe(true);
    expect(await knock(one[family], 22)).toBe("silent");
  });

  test("outgoing rules of the sender hold between neighbours, and answers still go out", async () => {
    const out: PacketRule = { direction: "out", protocol: "tcp", port: "443", networks: anywhere };
    await lab.driver.setFirewalls([
      { id: 1, rules: null },
      { id: 2, rules: [ssh, out] },
    ]);
    expect(await neighbourReaches(one[family], 22)).toBe(false);
    expect(await knock(two[family], 22, DUE)).toBe("open");
  });
});

test("a neighbour cannot go round the router, and so round the rules", async () => {
  await lab.driver.setFirewalls([{ id: 1, rules: [] }]);
  await two.remote.run(`ip route add ${one.ipv4}/32 dev eth0`);
  expect(await neighbourReaches(one.ipv4, 22)).toBe(false);
  await two.remote.run(`ip route del ${one.ipv4}/32 dev eth0`);
});

test("a range opens the ports in it and not the one after", async () => {
  await lab.driver.setFirewalls([{ id: 1, rules: [allow("8000-8080")] }]);
  expect(await knock(one.ipv4, 8080, DUE)).toBe("open");
  expect(await knock(one.ipv4, 8000, DUE)).toBe("refused");
  expect(await knock(one.ipv4, 8081)).toBe("silent");
});

test("a connection that is open stays when its port closes", async () => {
  await lab.driver.setFirewalls([{ id: 1, rules: [ssh] }]);
  const inside = `/proc/${await lab.initOf(1)}/root/run`;
  const held = one.remote.run(": >/run/held; until [ -e /run/go ]; do sleep 0.1; done; echo still here");
  await waitFor("the login", () => (existsSync(`${inside}/held`) ? true : null), 60_000);
  await lab.driver.setFirewalls([{ id: 1, rules: [] }]);
  await writeFile(`${inside}/go`, "");
  expect(await held).toBe("still here");
  expect(await knock(one.ipv4, 22)).toBe("silent");
});

test("servers reach nothing beyond the lab", async () => {
  await lab.driver.setFirewalls([]);
  const { outside } = ownAddresses(await lab.driver.network());
  expect(await two.remote.run("ip route get 198.51.100.7 | head -1")).toContain("via 172.31.1.1");
  expect(await neighbourPings("198.51.100.7")).toBe(false);
  expect(await neighbourPings(outside.ipv4, true)).toBe(true);
});

test.each<[string, unknown, RegExp]>([
  ["a port out of range", [{ id: 1, rules: [allow("70000")] }], /setFirewalls: argument .*is not a port/],
  ["a range upside down", [{ id: 1, rules: [allow("90-80")] }], /is not a port/],
  ["a port in words for nft", [{ id: 1, rules: [allow("22 accept; drop")] }], /is not a port/],
  ["a network that is none", [{ id: 1, rules: [allow("22", ["10.0.0.0/33"])] }], /is not a network/],
  ["ports on ICMP", [{ id: 1, rules: [{ ...ping, port: "8" }] }], /only tcp and udp have ports/],
])("refused in one line: %s", async (_, firewalls, complaint) => {
  await expect(lab.driver.setFirewalls(firewalls as never)).rejects.toThrow(complaint);
});
