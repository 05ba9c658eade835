import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { BalancerHealth, BalancerSpec } from "../../cloud/driver.ts";
import { BadRequest } from "../bad-request.ts";
import { changes } from "../changes.ts";
import { hostAddress } from "../network-choice.ts";
import { MTU, type PrivateNetworks } from "../private-networks.ts";
import { balancerFiles } from "./balancer-configuration.ts";
import { balancerHealth, type Health, healthKey, healthOf, serverStates } from "./balancer-health.ts";
import { Box, type BoxHome } from "./box.ts";
import { Generations } from "./generations.ts";
import { askMaster } from "./master-socket.ts";

const CONFIGURATION = "haproxy.cfg";

type Card = BalancerSpec["privateInterfaces"][number];

/** haproxy's words for a configuration that is wrong. */
const ALERT = /^\[ALERT\]\s+\(\d+\) : (?:config : )?/;

/** A load balancer: haproxy in a network namespace of its own. Calls must come one after the other. */
export class Balancer {
  spec: BalancerSpec;
  readonly #box: Box;
  readonly #files: Generations;
  readonly #known = new Map<string, Health>();
  readonly #networks: PrivateNetworks;
  #plugged: Card[] = [];

  constructor(home: BoxHome, networks: PrivateNetworks, spec: BalancerSpec) {
    this.spec = spec;
    this.#networks = networks;
    const { id, name, ipv4, ipv6, mac } = spec;
    this.#box = new Box(home, {
      name: `balancer-${id}`,
      title: `load balancer ${id} (${name})`,
      port: `lb${id}`,
      mac,
      addresses: [...(ipv4 ? [`${ipv4}/32`] : []), ...(ipv6 ? [`${hostAddress(ipv6)}/64`] : [])],
      routes: [...(ipv4 ? [`${ipv4}/32`] : []), ...(ipv6 ? [ipv6] : [])],
      command: ["haproxy", "-W", "-S", "/run/service/master", "-f", `/run/lab/${CONFIGURATION}`],
      connect: async () => {
        this.#plugged = [];
        await this.#replug(this.spec.privateInterfaces);
      },
      ready: async () => {
        const processes = await this.#ask("show proc").catch(() => "");
        return /^\d+\s+worker\s/m.test(processes) ? true : null;
      },
    });
    this.#files = new Generations(this.#box.data, CONFIGURATION);
  }

  async start(): Promise<void> {
    await this.#files.use(await this.#lay(this.spec));
    await writeFile(this.#stateFile, "");
    await this.#box.start();
  }

  async stop(): Promise<void> {
    await this.#box.stop();
    for (const { network } of this.#plugged) await this.#networks.forget(network);
  }

  /** Its folder, which holds certificates' keys. */
  get folder(): string {
    return this.#box.folder;
  }

  /** Whether the balancer can become this one without being made anew. */
  canBecome({ ipv4, ipv6, mac }: BalancerSpec): boolean {
    return this.spec.ipv4 === ipv4 && this.spec.ipv6 === ipv6 && this.spec.mac === mac;
  }

  /**
   * Takes new services and targets. Connections that are open go on under the old ones.
   * @throws {BadRequest} when haproxy refuses them; then everything stays as it was
   */
  async become(spec: BalancerSpec): Promise<void> {
    const generation = await this.#lay(spec);
    await this.#check(generation);
    await this.#replug(spec.privateInterfaces);
    const known = await this.#ask("@1 show servers state");
    await writeFile(this.#stateFile, known);
    await this.#files.use(generation);
    const answer = await this.#ask("reload");
    if (!answer.includes("Success=1"))
      throw new Error(`${this.#box.spec.title} did not reload: ${answer.trim().split("\n").at(-1)}`);
    this.spec = spec;
  }

  async health(): Promise<BalancerHealth> {
    const states = serverStates(await this.#ask("@1 show stat").catch(() => ""));
    for (const { backend, server, ...state } of states) {
      const key = healthKey(Number(backend.replace("port-", "")), server);
      this.#known.set(key, healthOf(state, this.#known.get(key) ?? "unknown"));
    }
    return balancerHealth(this.spec, this.#known);
  }

  /** Plugs and unplugs until it has these interfaces and no others. */
  async #replug(wanted: Card[]): Promise<void> {
    const server = this.#box.spec.name;
    const cards = changes(this.#plugged, wanted);
    for (const { network } of cards.out) {
      await this.#networks.unplug({ server, network });
      await this.#networks.forget(network);
    }
    for (const { network, mac, address, range } of cards.in) {
      const name = `pn${network}`;
      await this.#networks.plug({ server, network, mac }, this.#box.init, name);
      await this.#box.ip("addr", "add", `${address}/32`, "dev", name);
      await this.#box.ip("link", "set", name, "mtu", String(MTU), "up");
      await this.#box.ip("route", "replace", range, "dev", name, "src", address);
    }
    this.#plugged = wanted;
  }

  get #stateFile(): string {
    return join(this.#box.data, "state");
  }

  #ask(command: string): Promise<string> {
    return askMaster(this.#box.inside("/run/service/master"), command);
  }

  #lay(spec: BalancerSpec): Promise<string> {
    return this.#files.lay((folder) => {
      const { configuration, certificates } = balancerFiles(spec, folder);
      return [
        { name: CONFIGURATION, content: configuration },
        ...[...certificates].map(([name, content]) => ({ name, content, secret: true })),
      ];
    });
  }

  async #check(generation: string): Promise<void> {
    const configuration = this.#files.path(generation, CONFIGURATION);
    const complaints = await this.#box.complaints(["haproxy", "-c", "-f", configuration]);
    if (complaints.length === 0) return;
    await this.#files.drop(generation);
    const [alert = complaints[0] ?? ""] = complaints.filter((line) => ALERT.test(line));
    throw new BadRequest(`${this.#box.spec.title}: ${alert.replace(ALERT, "")}`);
  }
}
