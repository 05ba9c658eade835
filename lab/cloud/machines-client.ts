import { request } from "node:http";
import type {
  BalancerHealth,
  BalancerSpec,
  FloatingAddress,
  LabNetwork,
  MachineFirewall,
  MachineSpec,
  MachineStatus,
  PrivateInterface,
  RescueSpec,
  ServerDriver,
  VolumeSpec,
  ZoneSpec,
} from "./driver.ts";

const seconds = 1000;

/** How long each verb may take; laying an image and booting are the slow ones. */
const patience: Record<keyof ServerDriver, number> = {
  network: 30 * seconds,
  status: 30 * seconds,
  create: 300 * seconds,
  rebuild: 300 * seconds,
  configure: 30 * seconds,
  start: 180 * seconds,
  shutdown: 30 * seconds,
  stop: 60 * seconds,
  reset: 180 * seconds,
  remove: 120 * seconds,
  setFirewalls: 60 * seconds,
  setPrivateInterfaces: 60 * seconds,
  setVolumes: 120 * seconds,
  setFloatingAddresses: 60 * seconds,
  takeSnapshot: 300 * seconds,
  removeSnapshot: 60 * seconds,
  setRescue: 60 * seconds,
  setBalancers: 60 * seconds,
  balancerHealth: 30 * seconds,
  setZones: 60 * seconds,
  acme: 60 * seconds,
};

/** Servers played by the machines daemon: `POST /<verb>` with `{"args": […]}` over its unix socket. */
export class MachinesClient implements ServerDriver {
  readonly #socket: string;

  constructor(socket: string) {
    this.#socket = socket;
  }

  network(): Promise<LabNetwork> {
    return this.#call("network", []) as Promise<LabNetwork>;
  }

  async create(spec: MachineSpec): Promise<void> {
    await this.#call("create", [spec]);
  }

  async rebuild(spec: MachineSpec): Promise<void> {
    await this.#call("rebuild", [spec]);
  }

  async configure(spec: MachineSpec): Promise<void> {
    await this.#call("configure", [spec]);
  }

  async start(id: number): Promise<void> {
    await this.#call("start", [id]);
  }

  async shutdown(id: number): Promise<void> {
    await this.#call("shutdown", [id]);
  }

  async stop(id: number): Promise<void> {
    await this.#call("stop", [id]);
  }

  async reset(id: number): Promise<void> {
    await this.#call("reset", [id]);
  }

  async remove(id: number): Promise<void> {
    await this.#call("remove", [id]);
  }

  status(id: number): Promise<MachineStatus> {
    return this.#call("status", [id]) as Promise<MachineStatus>;
  }

  async setFirewalls(firewalls: MachineFirewall[]): Promise<void> {
    await this.#call("setFirewalls", [firewalls]);
  }

  async setPrivateInterfaces(interfaces: PrivateInterface[]): Promise<void> {
    await this.#call("setPrivateInterfaces", [interfaces]);
  }

  async setVolumes(volumes: VolumeSpec[]): Promise<void> {
    await this.#call("setVolumes", [volumes]);
  }

  async setFloatingAddresses(addresses: FloatingAddress[]): Promise<void> {
    await this.#call("setFloatingAddresses", [addresses]);
  }

  takeSnapshot(serverId: number, image: number): Promise<{ size: number }> {
    return this.#call("takeSnapshot", [serverId, image]) as Promise<{ size: number }>;
  }

  async removeSnapshot(image: number): Promise<void> {
    await this.#call("removeSnapshot", [image]);
  }

  async setRescue(id: number, rescue: RescueSpec | null): Promise<void> {
    await this.#call("setRescue", [id, rescue]);
  }

  async setBalancers(balancers: BalancerSpec[]): Promise<void> {
    await this.#call("setBalancers", [balancers]);
  }

  balancerHealth(): Promise<BalancerHealth[]> {
    return this.#call("balancerHealth", []) as Promise<BalancerHealth[]>;
  }

  async setZones(zones: ZoneSpec[]): Promise<void> {
    await this.#call("setZones", [zones]);
  }

  acme(): Promise<{ directory: string; root: string } | null> {
    return this.#call("acme", []) as Promise<{ directory: string; root: string } | null>;
  }

  #call(verb: keyof ServerDriver, args: unknown[]): Promise<unknown> {
    const limit = patience[verb];
    return new Promise((resolve, reject) => {
      const fail = (why: string) => reject(new Error(`machines daemon (${this.#socket}): ${verb}: ${why}`));
      const call = request(
        {
          socketPath: this.#socket,
          method: "POST",
          path: `/${verb}`,
          headers: { "content-type": "application/json" },
          signal: AbortSignal.timeout(limit),
        },
        (response) => {
          const chunks: Buffer[] = [];
          response.on("data", (chunk: Buffer) => chunks.push(chunk));
          response.on("error", (error) => fail(describe(error, limit)));
          response.on("end", () => {
            const answer = parse(Buffer.concat(chunks).toString());
            if (response.statusCode === 200 && answer !== undefined) {
              resolve(answer.result);
            } else {
              fail(answer?.error ?? `answered status ${response.statusCode}`);
            }
          });
        },
      );
      call.on("error", (error) => fail(describe(error, limit)));
      call.end(JSON.stringify({ args }));
    });
  }
}

function parse(text: string): { result?: unknown; error?: string } | undefined {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function describe(error: Error & { code?: string }, limit: number): string {
  if (error.name === "TimeoutError" || error.name === "AbortError") {
    return `no answer within ${limit / seconds} s`;
  }
  if (error.code === "ENOENT" || error.code === "ECONNREFUSED") {
    return "it is not running; start the lab with `npm run lab -- up`";
  }
  return error.message;
}
