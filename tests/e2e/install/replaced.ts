import { expect } from "vitest";
import { until } from "../../lab/system/host.ts";
import { type InstallWorld, touched } from "./world.ts";

/** A server that was deleted, and somebody else's at its address. */
export async function replaced(world: InstallWorld): Promise<void> {
  const server = await world.order("replaced");
  const { primary_ips: ips } = (await server.api("GET", `/primary_ips?ip=${server.ipv4}`)) as {
    primary_ips: { id: number }[];
  };
  const address = ips[0]?.id ?? 0;
  await server.api("PUT", `/primary_ips/${address}`, { auto_delete: false });
  await server.api("DELETE", `/servers/${server.id}`);
  await until("the address to be free", 60_000, async () => {
    const { primary_ip: ip } = (await server.api("GET", `/primary_ips/${address}`)) as {
      primary_ip: { assignee_id: number | null };
    };
    return ip.assignee_id === null || undefined;
  });
  const stranger = await world.order("stranger", {
    public_net: { enable_ipv4: true, ipv4: address, enable_ipv6: true },
  });
  expect(stranger.ipv4).toBe(server.ipv4);
  const bootId = () => stranger.sh("bootstrap", "cat /proc/sys/kernel/random/boot_id");
  const before = await bootId();
  const { exitCode, said } = await world.run(
    server,
    "server replaced under the same address",
    server.document(),
  );
  expect(said).toMatch(/host key verification failed: it answers with another key than this stack's/);
  expect([exitCode, touched(said), await bootId()]).toEqual([1, false, before]);
}
