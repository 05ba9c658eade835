import { setTimeout as sleep } from "node:timers/promises";
import { HetznerApi } from "../../../../deployer/hetzner/api.ts";
import { listeningCloud, orderServer, type TestCloud, token } from "../../../lab/cloud/client.ts";

/** A cloud behind a listener with one server, and Berth's client of it. */
export interface AskedCloud extends TestCloud {
  api: HetznerApi;
  server: number;
  /** Let requests or actions fail. */
  fault(order: object): Promise<void>;
  /** What was asked for that changes something, in order, e.g. "POST /volumes/1/actions/detach". */
  changes(): string[];
  close(): void;
}

export async function askedCloud(): Promise<AskedCloud> {
  const cloud = await listeningCloud();
  const server = await orderServer(cloud);
  const api = new HetznerApi({
    ...{ token, tokenFrom: "hcloud:token", endpoint: cloud.url },
    signal: AbortSignal.timeout(30_000),
    until: Date.now() + 30_000,
    say: () => undefined,
    stands: "",
  });
  const before = cloud.requests.length;
  return {
    ...cloud,
    api,
    server,
    async fault(order) {
      const { status } = await cloud.post("/lab/faults", order);
      if (status !== 201) throw new Error(`no such fault: ${status}`);
    },
    changes: () =>
      cloud.requests
        .slice(before)
        .filter(({ method, path }) => method !== "GET" && !path.startsWith("/lab"))
        .map(({ method, path }) => `${method} ${path.replace(/^\/v1/, "")}`),
  };
}

/** A volume on the server, with labels of somebody's. */
export async function volumeOn(cloud: AskedCloud, name: string): Promise<number> {
  const reply = await cloud.post("/volumes", { name, size: 10, server: cloud.server, labels: { team: "a" } });
  await cloud.cloud.actions.settled();
  return reply.number("volume.id");
}

/** What the cloud says of a volume. */
export async function volumeOf(cloud: AskedCloud, id: number): Promise<{ server: unknown; labels: unknown }> {
  // An attachment that was ordered ends a moment later.
  await sleep(0);
  await cloud.cloud.actions.settled();
  const reply = await cloud.get(`/volumes/${id}`);
  return { server: reply.at("volume.server"), labels: reply.at("volume.labels") };
}
