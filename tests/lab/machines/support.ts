import { once } from "node:events";
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import { join } from "node:path";
import { execa, type ResultPromise } from "execa";
import type { LabNetwork, MachineSpec, PrivateInterface, VolumeSpec } from "../../../lab/cloud/driver.ts";
import { MachinesClient } from "../../../lab/cloud/machines-client.ts";
import { driverInfo } from "../../../lab/machines/client.ts";
import { ConsoleLog } from "../../../lab/machines/console-log.ts";
import { livingDaemon } from "../../../lab/machines/daemon-file.ts";
import { labNames, labPlaces } from "../../../lab/machines/names.ts";
import { hostAddress } from "../../../lab/machines/network-choice.ts";
import { waitFor } from "../../../lab/machines/waiting.ts";
import { cacheFolder } from "../../../lab/setup/places.mjs";
import { hostKeyUserData, type KeyPair, newKeyPair } from "./keys.ts";
import { Remote } from "./remote.ts";

const CHECKOUT = join(import.meta.dirname, "../../..");
const MAIN = join(CHECKOUT, "lab/machines/main.ts");

/** Why these tests cannot run here; null when they can. */
export const impossible =
  process.getuid?.() === 0 ? null : "needs root: machines are namespaces, mounts and a bridge";

/** The driver's client, which remembers what was ordered. */
class RememberingClient extends MachinesClient {
  readonly orders = new Map<number, MachineSpec>();

  override create(spec: MachineSpec): Promise<void> {
    this.orders.set(spec.id, spec);
    return super.create(spec);
  }

  override rebuild(spec: MachineSpec): Promise<void> {
    this.orders.set(spec.id, spec);
    return super.rebuild(spec);
  }

  override configure(spec: MachineSpec): Promise<void> {
    this.orders.set(spec.id, spec);
    return super.configure(spec);
  }
}

/** What a cloud tells a server's cloud-init of its order. */
function seedFile({ id, name, sshKeys, userData }: MachineSpec, file: string): string {
  const told = { "instance-id": String(id), "local-hostname": name, "public-keys": sshKeys };
  return file === "meta-data" ? JSON.stringify(told) : file === "user-data" ? (userData ?? "") : "";
}

/** A lab folder with a daemon of its own, and a cloud that does no more than tell servers their orders. */
export class TestLab {
  readonly folder: string;
  readonly driver: RememberingClient;
  #cloud: Server | null = null;
  readonly login = newKeyPair("login");
  #daemon: ResultPromise | null = null;
  #said = "";

  private constructor(folder: string) {
    this.folder = folder;
    this.driver = new RememberingClient(labPlaces(folder).socket);
  }

  /** A new lab in a folder below `.lab-test-machines` of the checkout, up. */
  static async up(): Promise<TestLab> {
    const parent = join(CHECKOUT, ".lab-test-machines");
    await mkdir(parent, { recursive: true });
    const lab = new TestLab(await mkdtemp(join(parent, "lab-")));
    await writeFile(join(lab.folder, "login"), lab.login.privateKey, { mode: 0o600 });
    await lab.openCloud();
    await lab.start();
    return lab;
  }

  /** Answers servers' questions, by the address they ask from. */
  async openCloud(): Promise<void> {
    const server = createServer((request, response) => {
      const [, address = "", file = ""] =
        /^\/by-address\/([^/]+)\/lab\/v1\/(.+)$/.exec(request.url ?? "") ?? [];
      const order = [...this.driver.orders.values()].find(
        ({ ipv4, ipv6 }) => ipv4 === address || (ipv6 && hostAddress(ipv6) === address),
      );
      response.writeHead(order ? 200 : 404).end(order ? seedFile(order, file) : "not found");
    });
    server.listen(this.places.metadataSocket);
    await once(server, "listening");
    this.#cloud = server;
  }

  async closeCloud(): Promise<void> {
    this.#cloud?.closeAllConnections();
    await new Promise((resolve) => (this.#cloud ? this.#cloud.close(resolve) : resolve(null)));
    this.#cloud = null;
  }

  get names() {
    return labNames(this.folder);
  }

  get places() {
    return labPlaces(this.folder);
  }

  /** What the daemon said so far. */
  get said(): string {
    return this.#said;
  }

  async start(): Promise<void> {
    this.#said = "";
    const args = ["daemon", "--lab", this.folder, "--cache", cacheFolder(), "--owner", "0:0"];
    const child = execa(process.execPath, [MAIN, ...args], {
      reject: false,
      all: true,
      buffer: false,
      // Asked to end, it takes as long as its machines do.
      forceKillAfterDelay: false,
    });
    this.#daemon = child;
    let over = false;
    void child.then(() => {
      over = true;
    });
    child.all.on("data", (chunk: Buffer) => {
      this.#said += chunk.toString();
    });
    await waitFor(
      "the start of the daemon",
      () => {
        if (over) throw new Error(`the daemon ended: ${this.#said}`);
        return this.#said.includes("ready:") ? true : null;
      },
      // The image may have to be built first.
      600_000,
    );
  }

  /** Kills the daemon as a crash would. */
  async kill(): Promise<void> {
    this.#daemon?.kill("SIGKILL");
    await this.#daemon;
  }

  /** Waits for the daemon's own end. */
  async ended(): Promise<number | undefined> {
    return (await this.#daemon)?.exitCode;
  }

  /** Asks the daemon to end as the system would. */
  terminate(): void {
    this.#daemon?.kill("SIGTERM");
  }

  async purge(): Promise<void> {
    await execa(process.execPath, [MAIN, "purge", "--lab", this.folder]);
    await this.#daemon;
  }

  async dispose(): Promise<void> {
    await this.closeCloud();
    await this.purge();
    await rm(this.folder, { recursive: true, force: true });
  }

  /** An order for server `id`, with the login key. */
  async order(id: number, more: Partial<MachineSpec> = {}): Promise<MachineSpec> {
    const network: LabNetwork = await this.driver.network();
    const hex = id.toString(16).padStart(2, "0");
    return {
      id,
      name: `web${id}`,
      image: "debian-13",
      ipv4: network.ipv4.replace(/0\/24$/, String(10 + id)),
      ipv6: network.ipv6.replace("::/48", `:${id.toString(16)}::/64`),
      mac: `96:00:00:00:00:${hex}`,
      sshKeys: [this.login.publicKey],
      userData: null,
      ...more,
    };
  }

  /** A new server that runs and answers with `hostKey`. */
  async serve(id: number, hostKey: KeyPair, more: Partial<MachineSpec> = {}): Promise<Remote> {
    const order = await this.order(id, { userData: hostKeyUserData(hostKey), ...more });
    await this.driver.create(order);
    await this.driver.start(id);
    const remote = this.remote(order.ipv4 ?? "", hostKey);
    await remote.ready();
    return remote;
  }

  /** How often a server has booted. */
  async boots(id: number): Promise<number> {
    return (await this.console(id)).split("] boots ").length - 1;
  }

  /** A connection to one address that trusts one host key and nothing else. */
  remote(address: string, hostKey: KeyPair): Remote {
    return new Remote(this.folder, address, hostKey.publicKey, () => this.account(address));
  }

  /** Process id of a running machine's init. */
  async initOf(id: number): Promise<number> {
    const { machines } = await driverInfo(this.folder);
    const init = machines.find((machine) => machine.id === id)?.current?.init;
    if (init === undefined) throw new Error(`server ${id} does not run. ${await this.account()}`);
    return init;
  }

  console(id: number): Promise<string> {
    return readFile(join(this.places.machines, String(id), "console.log"), "utf8");
  }

  /** What the server with an address did last, for a failure's message; of all servers when none has it. */
  async account(address?: string): Promise<string> {
    const { machines } = await driverInfo(this.folder);
    const those = machines.filter(
      ({ ipv4, ipv6 }) => ipv4 === address || (ipv6 && hostAddress(ipv6) === address),
    );
    const told = (those.length > 0 ? those : machines).map(async ({ id, state, current }) => {
      const tail = await new ConsoleLog(join(this.places.machines, String(id), "console.log")).tail(15);
      return `server ${id} is ${state} (${current?.boot ?? "nothing boots"}); its console:\n  ${tail.join("\n  ")}`;
    });
    return (await Promise.all(told)).join("\n") || "there are no servers";
  }
}

/** Server `server` in network `network`, as 10.0.1.<server> of 10.0.0.0/16. */
export function privateCard(
  server: number,
  network: number,
  more: Partial<PrivateInterface> = {},
): PrivateInterface {
  const hex = (n: number) => n.toString(16).padStart(2, "0");
  return {
    server,
    network,
    mac: `86:00:00:00:${hex(network)}:${hex(server)}`,
    address: `10.0.1.${server}`,
    aliases: [],
    range: "10.0.0.0/16",
    ...more,
  };
}

/** A volume of 1 GB with ext4 on it. */
export function volume(id: number, server: number | null, more: Partial<VolumeSpec> = {}): VolumeSpec {
  return { id, size: 1, format: "ext4", server, ...more };
}

/** Where a server finds a volume. */
export function volumeDevice(id: number): string {
  return `/dev/disk/by-id/scsi-0HC_Volume_${id}`;
}

export { hostAddress, livingDaemon };
