import type { AddressInfo } from "node:net";
import { type CloudOptions, openCloud, type RunningCloud } from "../../../lab/cloud/cloud.ts";
import type { RequestRecord } from "../../../lab/cloud/http.ts";
import { apiServer } from "../../../lab/cloud/listener.ts";
import { MemoryDriver } from "../../../lab/cloud/memory-driver.ts";

export const token = "0123456789abcdef".repeat(4);

/** An answer, with its body as JSON when it says it is. */
export class Reply {
  readonly status: number;
  readonly headers: Headers;
  readonly body: unknown;

  constructor(status: number, headers: Headers, body: unknown) {
    this.status = status;
    this.headers = headers;
    this.body = body;
  }

  /** What lies at a path such as "server.public_net.ipv4.ip" or "actions.0.id". */
  at(path: string): unknown {
    return path
      .split(".")
      .reduce<unknown>(
        (value, key) => (value as Record<string, unknown> | null | undefined)?.[key],
        this.body,
      );
  }

  /** The number at a path. */
  number(path: string): number {
    const value = this.at(path);
    if (typeof value !== "number") {
      throw new Error(`no number at ${path} of ${JSON.stringify(this.body)}`);
    }
    return value;
  }
}

/** A cloud on a memory driver, with a small client. */
export interface TestCloud extends RunningCloud {
  driver: MemoryDriver;
  requests: RequestRecord[];
  lines: string[];
  get(path: string): Promise<Reply>;
  post(path: string, body?: unknown): Promise<Reply>;
  put(path: string, body: unknown): Promise<Reply>;
  delete(path: string): Promise<Reply>;
  raw(path: string, init?: RequestInit): Promise<Reply>;
}

export async function testCloud(
  options: Partial<CloudOptions> & { driver?: MemoryDriver } = {},
): Promise<TestCloud> {
  const driver = options.driver ?? new MemoryDriver();
  const requests: RequestRecord[] = [];
  const lines: string[] = [];
  const running = await openCloud({
    token,
    onRequest: (record) => requests.push(record),
    log: (line) => lines.push(line),
    ...options,
    driver,
  });
  const raw = async (path: string, init: RequestInit = {}): Promise<Reply> => {
    const response = await running.app.request(path, init);
    const text = await response.text();
    const json = response.headers.get("content-type")?.startsWith("application/json");
    return new Reply(response.status, response.headers, json ? JSON.parse(text) : text);
  };
  const send = (method: string) => (path: string, body?: unknown) =>
    raw(path.startsWith("/lab") ? path : `/v1${path}`, {
      method,
      headers: { authorization: `Bearer ${token}` },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
  return {
    ...running,
    driver,
    requests,
    lines,
    raw,
    get: send("GET"),
    post: send("POST"),
    put: send("PUT"),
    delete: send("DELETE"),
  };
}

/** The same cloud behind a real listener, for clients that are programs. */
export async function listeningCloud(
  options: Partial<CloudOptions> & { driver?: MemoryDriver } = {},
): Promise<TestCloud & { url: string; close: () => void }> {
  const cloud = await testCloud(options);
  const server = apiServer(cloud.app);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return { ...cloud, url: `http://127.0.0.1:${port}/v1`, close: () => void server.close() };
}

/** Two keys of the same person, so that fingerprints differ. */
export const publicKeys = [
  "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJirXf/cLr++EcagA+r+RVnIH4jUaGTsKMGx++ZJz9bi ada@example.org",
  "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAAEd8Y8xrHO0IUXSp2lXiW5LGP+Lgi0FCRnwhGIs/t/ ada@example.net",
] as const;

/** Orders a server with the least a body needs and waits until it runs. */
export async function orderServer(cloud: TestCloud, fields: object = {}): Promise<number> {
  const reply = await cloud.post("/servers", {
    name: "web",
    server_type: "cx23",
    image: "debian-13",
    location: "fsn1",
    ...fields,
  });
  if (reply.status !== 201) {
    throw new Error(`the server was not ordered: ${JSON.stringify(reply.body)}`);
  }
  await cloud.cloud.actions.settled();
  return reply.number("server.id");
}

/** An answer's status and the code of its error, where it is one. */
export const code = (reply: Reply): unknown[] => [reply.status, reply.at("error.code")];

/** Waits until nothing runs, then reads the action a reply told of. */
export async function finished(cloud: TestCloud, reply: Reply, path = "action.id"): Promise<unknown> {
  await cloud.cloud.actions.settled();
  return (await cloud.get(`/actions/${reply.number(path)}`)).at("action");
}
