import { randomUUID } from "node:crypto";
import { z } from "zod";
import { absent, FlyAppApi, listOf } from "./app-api.ts";
import { type Asked, FlyFailure } from "./http.ts";
import { metadata } from "./machine.ts";
import { reading, slow } from "./pace.ts";
import { type FlyMachine, flyLease, flyMachine, jsonAt, type MachineConfig } from "./shapes.ts";

/** How a machine is made or changed. */
export interface Launch {
  config: MachineConfig;
  region: string;
  name?: string;
  /** Leave it stopped. */
  skipLaunch?: boolean;
  /** Out of the way of traffic until it is uncordoned. */
  skipServiceRegistration?: boolean;
  /** The version of the app's secrets that it has to have at least. */
  minSecretsVersion?: number;
  /** Seconds for which the machine is held for whoever makes it. */
  leaseTtl?: number;
}
const nothing = z.unknown();

/** The routes of Fly's machines API that Berth asks, for one app. Errors are FlyFailures. */
export class FlyApi extends FlyAppApi {
  async machines(): Promise<FlyMachine[]> {
    return await this.ask({
      method: "GET",
      path: "/machines",
      tried: `list the machines of ${this.app}`,
      schema: listOf(flyMachine),
    });
  }

  /** A machine; undefined when it is gone. */
  async machine(id: string): Promise<FlyMachine | undefined> {
    return await absent(
      this.ask({
        method: "GET",
        path: `/machines/${id}`,
        tried: `read the machine ${id} of ${this.app}`,
        schema: flyMachine,
        rate: reading(id),
      }),
    );
  }

  /** Make a machine. Its launch has a name, so that one whose answer was lost is found and not made twice. */
  async createMachine(launch: Launch): Promise<FlyMachine> {
    const { body, id } = launchBody(launch);
    return await this.ask({
      method: "POST",
      path: "/machines",
      body,
      tried: `make a machine of ${this.app} in ${launch.region}`,
      schema: flyMachine,
      deadline: 90_000,
      find: async () => (await this.machines()).find((machine) => launchOf(machine) === id),
    });
  }

  /** Give a machine another configuration; `version` is the one it must have now. The answer has the new version. */
  async updateMachine(
    machine: Pick<FlyMachine, "id">,
    launch: Launch,
    nonce: string,
    version: string,
  ): Promise<FlyMachine> {
    const { body, id } = launchBody(launch);
    return await this.#change("update", machine.id, {
      body: { ...body, ...(version && { current_version: version }) },
      nonce,
      schema: flyMachine,
      deadline: 90_000,
      find: async () => {
        const now = await this.machine(machine.id);
        return now && launchOf(now) === id ? now : undefined;
      },
    });
  }

  async start(id: string, nonce?: string): Promise<void> {
    await this.#change("start", id, { nonce, schema: nothing });
  }

  async stop(id: string, nonce?: string): Promise<void> {
    await this.#change("stop", id, { nonce, schema: nothing });
  }

  /** Let a machine get nothing new. */
  async cordon(id: string, nonce?: string): Promise<void> {
    await this.#change("cordon", id, { nonce, schema: nothing });
  }

  async uncordon(id: string, nonce?: string): Promise<void> {
    await this.#change("uncordon", id, { nonce, schema: nothing });
  }

  /** Destroy a machine, whatever it does. One that is gone is well gone. */
  async destroy(id: string, nonce?: string): Promise<void> {
    await absent(
      this.ask({
        method: "DELETE",
        path: `/machines/${id}?force=true`,
        tried: `destroy the machine ${id} of ${this.app}`,
        schema: nothing,
        rate: slow("destroy", id),
        headers: nonceHeader(nonce),
      }),
    );
  }

  /** Take a mark off a machine, without another version of it. */
  async unmark(id: string, key: string, nonce?: string): Promise<void> {
    await absent(
      this.ask({
        method: "DELETE",
        path: `/machines/${id}/metadata/${key}`,
        tried: `take the mark ${key} off the machine ${id} of ${this.app}`,
        schema: nothing,
        rate: slow("metadata", id),
        headers: nonceHeader(nonce),
      }),
    );
  }

  /**
   * Whether a version of a machine came into a state within so many milliseconds. The API waits for a minute at most and says 408 when that
   * was not enough, and something else when the version is another one by now.
   */
  async waitFor(id: string, state: string, version: string, within: number): Promise<boolean> {
    const until = this.clock.now() + within;
    for (let left = within; left > 0; left = until - this.clock.now()) {
      const seconds = Math.max(1, Math.min(60, Math.ceil(left / 1000)));
      const query = new URLSearchParams({ state, timeout: String(seconds), ...(version && { version }) });
      try {
        await this.#waitOnce(id, query, seconds, state);
        return true;
      } catch (error) {
        if (!(error instanceof FlyFailure)) throw error;
        if (error.status === 400 || error.status === 404) return false;
        if (error.status !== 408) throw error;
      }
    }
    return false;
  }

  async #waitOnce(id: string, query: URLSearchParams, seconds: number, state: string): Promise<void> {
    // The pace is enough: what is asked for again is decided by whoever waits.
    await this.http.ask<unknown>({
      method: "GET",
      path: `/apps/${this.app}/machines/${id}/wait?${query}`,
      tried: `wait for the machine ${id} of ${this.app} to be ${state}`,
      schema: nothing,
      deadline: seconds * 1000 + 15_000,
      rate: slow("wait", id),
      once: [408],
    });
  }

  /** Hold a machine for so many seconds, or longer with the nonce. Held by somebody else is a FlyFailure with 409. */
  async lease(id: string, ttl: number, nonce?: string): Promise<string> {
    const { data } = await this.ask({
      method: "POST",
      path: `/machines/${id}/lease?ttl=${ttl}`,
      tried: `hold the machine ${id} of ${this.app}`,
      schema: flyLease,
      headers: nonceHeader(nonce),
      rate: slow("lease", id),
    });
    return data.nonce;
  }

  async releaseLease(id: string, nonce: string): Promise<void> {
    await absent(
      this.ask({
        method: "DELETE",
        path: `/machines/${id}/lease`,
        tried: `give back the machine ${id} of ${this.app}`,
        schema: nothing,
        headers: nonceHeader(nonce),
        rate: slow("lease", id),
      }),
    );
  }

  #change<T>(
    action: "update" | "start" | "stop" | "cordon" | "uncordon",
    id: string,
    {
      nonce,
      ...asked
    }: Pick<Asked<T>, "schema" | "body" | "find" | "deadline"> & { nonce: string | undefined },
  ): Promise<T> {
    return this.ask({
      ...asked,
      method: "POST",
      path: `/machines/${id}${action === "update" ? "" : `/${action}`}`,
      tried: `${action} the machine ${id} of ${this.app}`,
      headers: nonceHeader(nonce),
      rate: slow(action, id),
    });
  }
}

const nonceHeader = (nonce: string | undefined): Record<string, string> =>
  nonce ? { "fly-machine-lease-nonce": nonce } : {};

/** The name of the launch that a machine has its configuration from. */
const launchOf = (machine: FlyMachine): string | undefined => {
  const id = jsonAt(machine.config ?? {}, "metadata", metadata.launch);
  return typeof id === "string" ? id : undefined;
};

function launchBody(launch: Launch): { body: object; id: string } {
  const id = randomUUID();
  const { config } = launch;
  const own = config["metadata"];
  const body = {
    region: launch.region,
    ...(launch.name && { name: launch.name }),
    config: { ...config, metadata: { ...(typeof own === "object" ? own : {}), [metadata.launch]: id } },
    ...(launch.skipLaunch && { skip_launch: true }),
    ...(launch.skipServiceRegistration && { skip_service_registration: true }),
    ...(launch.minSecretsVersion !== undefined && { min_secrets_version: launch.minSecretsVersion }),
    ...(launch.leaseTtl !== undefined && { lease_ttl: launch.leaseTtl }),
  };
  return { body, id };
}
