import { execa } from "execa";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { newKeyPair } from "./keys.ts";
import { attemptTcp, knock, type Remote } from "./remote.ts";
import { hostAddress, impossible, TestLab } from "./support.ts";

const hostKey = newKeyPair("host");
let lab: TestLab;
const servers: Remote[] = [];
const server = (id: number) => servers[id] as Remote;
let ipv4: string;
let ipv6: string;

beforeEach(({ skip }) => skip(impossible !== null, impossible ?? ""));

beforeAll(async () => {
  if (impossible) return;
  lab = await TestLab.up();
  for (const id of [1, 2]) servers[id] = await lab.serve(id, hostKey);
  const spare = await lab.order(90);
  ipv4 = spare.ipv4 ?? "";
  ipv6 = spare.ipv6 ?? "";
}, 600_000);

afterAll(async () => await lab?.dispose());

/** The name of whoever answers at an address. */
async function whoAnswers(address: string): Promise<string> {
  return await lab.remote(address, hostKey).run("hostname");
}

const claim = async (id: number) =>
  await server(id).run(
    `ip address replace ${ipv4}/32 dev eth0; ip address replace ${hostAddress(ipv6)}/64 dev eth0 nodad`,
  );

test("a floating address arrives at its server's card, where nothing is configured for it", async () => {
  await lab.driver.setFloatingAddresses([
    { ip: ipv4, server: 1 },
    { ip: ipv6, server: 1 },
  ]);
  expect(await server(1).run("ip -brief address show eth0")).not.toContain(ipv4);
  const received = "cat /sys/class/net/eth0/statistics/rx_packets";
  const before = Number(await server(1).run(received));
  await execa("ping", ["-c", "20", "-i", "0.01", "-W", "1", ipv4], { reject: false });
  expect(Number(await server(1).run(received)) - before).toBeGreaterThanOrEqual(20);
});

test("a server that has configured it answers, by both families", async () => {
  await claim(1);
  expect(await whoAnswers(ipv4)).toBe("web1");
  expect(await whoAnswers(hostAddress(ipv6))).toBe("web1");
});

test("another server that claims it gets nothing until it is assigned, and then all", async () => {
  await claim(2);
  expect(await whoAnswers(ipv4)).toBe("web1");
  await lab.driver.setFloatingAddresses([
    { ip: ipv4, server: 2 },
    { ip: ipv6, server: 2 },
  ]);
  expect(await whoAnswers(ipv4)).toBe("web2");
  expect(await whoAnswers(hostAddress(ipv6))).toBe("web2");
});

test("the server's firewall applies to it", async () => {
  await lab.driver.setFirewalls([{ id: 2, rules: [] }]);
  expect(await knock(ipv4, 22, 1_000)).toBe("silent");
  expect(await knock(hostAddress(ipv6), 22, 1_000)).toBe("silent");
  await lab.driver.setFirewalls([]);
  expect(await knock(ipv4, 22, 20_000)).toBe("open");
});

test("it is unreachable while its server is down, and reachable at another one at once", async () => {
  await lab.driver.stop(2);
  expect(await attemptTcp(ipv4, 22, 10_000)).toBe("EHOSTUNREACH");
  await lab.driver.setFloatingAddresses([{ ip: ipv4, server: 1 }]);
  expect(await whoAnswers(ipv4)).toBe("web1");
});

test("an address outside the lab's network is refused, and an unassigned one leads nowhere", async () => {
  await expect(lab.driver.setFloatingAddresses([{ ip: "192.0.2.1", server: 1 }])).rejects.toThrow(
    "192.0.2.1 is not in the lab's network",
  );
  await lab.driver.setFloatingAddresses([{ ip: ipv4, server: null }]);
  expect(await knock(ipv4, 22, 1_000)).toBe("silent");
});
