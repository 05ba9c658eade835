import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { newKeyPair } from "./keys.ts";
import type { Remote } from "./remote.ts";
import { impossible, privateCard, TestLab } from "./support.ts";

/** One afternoon of three servers: each test goes on where the one before left it. */
const hostKey = newKeyPair("host");
let lab: TestLab;
const servers: Remote[] = [];
const server = (id: number) => servers[id] as Remote;

beforeEach(({ skip }) => skip(impossible !== null, impossible ?? ""));

beforeAll(async () => {
  if (impossible) return;
  lab = await TestLab.up();
  for (const id of [1, 2, 3]) servers[id] = await lab.serve(id, hostKey);
}, 600_000);

afterAll(async () => await lab?.dispose());

/** Whether one server reaches a private address; no answer is waited for longer where one is due. */
async function reaches(from: number, address: string, due = false): Promise<string> {
  const ping = `ping -c 1 -W ${due ? 20 : 1} ${address}`;
  return await server(from).run(`${ping} >/dev/null && echo yes || echo no`);
}

/** Waits for a server's address on a private interface. */
async function addressOf(id: number, name = "eth1"): Promise<string> {
  return await server(id).run(
    `for i in $(seq 400); do a=$(ip -4 -brief address show dev ${name} 2>/dev/null | awk '{ print $3 }'); ` +
      `[ -z "$a" ] || break; sleep 0.1; done; echo "$a"`,
  );
}

test("running servers that enter a network get their addresses and reach each other by them", async () => {
  await lab.driver.setPrivateInterfaces([privateCard(1, 1), privateCard(2, 1)]);
  expect([await addressOf(1), await addressOf(2)]).toEqual(["10.0.1.1/32", "10.0.1.2/32"]);
  expect(await reaches(1, "10.0.1.2", true)).toBe("yes");
  expect(await server(1).run("cat /sys/class/net/eth1/address /sys/class/net/eth1/mtu")).toBe(
    "86:00:00:00:01:01\n1450",
  );
});

test("a server outside the network does not reach it", async () => {
  expect(await reaches(3, "10.0.1.2")).toBe("no");
});

test("an alias address is reached once the server has configured it", async () => {
  await server(2).run("ip address add 10.0.9.9/32 dev eth1");
  expect(await reaches(1, "10.0.9.9", true)).toBe("yes");
});

test("two networks of the same range do not see each other, even with the same addresses in both", async () => {
  const another = privateCard(3, 2, { address: "10.0.1.3" });
  await lab.driver.setPrivateInterfaces([privateCard(1, 1), privateCard(2, 1), another]);
  expect(await addressOf(3)).toBe("10.0.1.3/32");
  expect(await reaches(3, "10.0.1.2")).toBe("no");
  expect(await reaches(1, "10.0.1.3")).toBe("no");
  await lab.driver.setPrivateInterfaces([
    privateCard(1, 1),
    privateCard(2, 1),
    { ...another, address: "10.0.1.2" },
  ]);
  expect(await addressOf(3)).toBe("10.0.1.2/32");
  expect(
    await server(1).run("ip neigh flush dev eth1; ping -c 1 10.0.1.2 >/dev/null; ip neigh show dev eth1"),
  ).toContain("86:00:00:00:01:02");
});

/** A server that asks a private network's whole wire for an address, as a router on it would be asked. */
const askAll = (address: string) => `ip neigh replace 10.0.77.77 lladdr ff:ff:ff:ff:ff:ff dev eth1
ip route replace ${address}/32 via 10.0.77.77 dev eth1 onlink
ping -c 1 -W 1 -I eth1 ${address} >/dev/null && echo yes || echo no
ip route del ${address}/32 dev eth1`;

test("a private network leads nowhere else: not to the gateway, not to the metadata, not to a server outside", async () => {
  for (const address of ["172.31.1.1", "169.254.169.254", (await lab.order(3)).ipv4 ?? ""])
    expect(await server(1).run(askAll(address)), address).toBe("no");
});

test("the public firewall does not hold private traffic up", async () => {
  await lab.driver.setFirewalls([{ id: 2, rules: [] }]);
  expect(await reaches(1, (await lab.order(2)).ipv4 ?? "")).toBe("no");
  expect(await reaches(1, "10.0.1.2", true)).toBe("yes");
  await lab.driver.setFirewalls([]);
});

test("a server finds its interfaces at boot, whatever it boots, and units that wait for the network do not wait for them", async () => {
  await lab.driver.reset(1);
  await server(1).ready();
  expect(await addressOf(1)).toBe("10.0.1.1/32");
  expect(await reaches(1, "10.0.1.2", true)).toBe("yes");
  expect(await server(1).run("systemctl is-system-running --wait")).toBe("running");
  await lab.driver.setRescue(1, { sshKeys: [lab.login.publicKey] });
  await lab.driver.reset(1);
  await expect.poll(() => reaches(2, "10.0.1.1"), { timeout: 90_000 }).toBe("yes");
  await lab.driver.reset(1);
  await server(1).ready();
});

test("a server that leaves a network loses the interface and the address, and keeps its other network", async () => {
  const second = privateCard(1, 3, { address: "10.7.0.2", range: "10.7.0.0/24" });
  await lab.driver.setPrivateInterfaces([privateCard(1, 1), privateCard(2, 1), second]);
  expect(await addressOf(1, "eth2")).toBe("10.7.0.2/32");
  await lab.driver.setPrivateInterfaces([privateCard(2, 1), second]);
  expect(await server(1).run("ls /sys/class/net; ls /run/systemd/network | grep private")).toBe(
    "eth0\neth2\nlo\n20-private-3.network",
  );
  expect(await reaches(2, "10.0.1.1")).toBe("no");
});

test("an interface whose address changes has the new one", async () => {
  await lab.driver.setPrivateInterfaces([
    privateCard(2, 1, { address: "10.0.2.2" }),
    privateCard(1, 1, { address: "10.0.2.1" }),
  ]);
  expect([await addressOf(1), await addressOf(2)]).toEqual(["10.0.2.1/32", "10.0.2.2/32"]);
  expect(await reaches(1, "10.0.2.2", true)).toBe("yes");
});
