import type { LabNetwork, ZoneSpec } from "../../cloud/driver.ts";
import { BadRequest } from "../bad-request.ts";
import { Box, type BoxHome } from "./box.ts";
import { Generations } from "./generations.ts";
import { knotConfiguration, rootZone, zoneProblem } from "./knot-configuration.ts";
import { RESOLVERS, serviceAddresses } from "./service-addresses.ts";

const CONFIGURATION = "knot.conf";

/**
 * The lab's name server: knot, authoritative for the zones it is given and for the root, at Hetzner's resolvers' addresses
 * inside the lab and at one of the lab's own. It keeps its zones over restarts.
 */
export class NameServer {
  readonly #box: Box;
  readonly #files: Generations;
  readonly #network: LabNetwork;
  readonly #listen: string[];

  constructor(home: BoxHome, network: LabNetwork) {
    const { dns } = serviceAddresses(network);
    const four = [dns.ipv4, ...RESOLVERS.ipv4];
    const six = [dns.ipv6, ...RESOLVERS.ipv6];
    const addresses = [...four.map((address) => `${address}/32`), ...six.map((address) => `${address}/128`)];
    this.#network = network;
    this.#listen = [...four, ...six];
    this.#box = new Box(home, {
      name: "dns",
      title: "the lab's name server",
      port: "dns",
      mac: "d2:74:7f:6e:d2:01",
      addresses,
      routes: addresses,
      command: ["knotd", "--config", `/run/lab/${CONFIGURATION}`],
      owner: "knot",
      ready: async (box) => {
        const answer = await box.run([...CONTROL, "zone-status", "."]).catch(() => "");
        return answer.includes("serial") ? true : null;
      },
    });
    this.#files = new Generations(this.#box.data, CONFIGURATION);
  }

  async start(zones: ZoneSpec[]): Promise<void> {
    await this.#files.use(await this.#lay(zones));
    await this.#box.start();
  }

  /**
   * Serves these zones and no others, without a moment in which one that stays is missing.
   * @throws {BadRequest} when one cannot be served; then everything stays as it was
   */
  async serve(zones: ZoneSpec[]): Promise<void> {
    const generation = await this.#lay(zones);
    await this.#check(generation);
    await this.#files.use(generation);
    await this.#box.run([...CONTROL, "reload"]);
    await this.#box.run([...CONTROL, "--blocking", "--force", "zone-reload"]);
  }

  async stop(): Promise<void> {
    await this.#box.stop();
  }

  /** Writes zone files and a configuration that names them into a folder of their own. */
  async #lay(zones: ZoneSpec[]): Promise<string> {
    const names = new Map([[".", "root"]]);
    const files = [{ name: "root", content: rootZone(serviceAddresses(this.#network)) }];
    for (const [index, { name, text }] of zones.entries()) {
      const domain = `${name.toLowerCase()}.`;
      if (names.has(domain)) throw new BadRequest(`zone ${name} is there twice`);
      names.set(domain, `zone-${index}`);
      files.push({ name: `zone-${index}`, content: text.endsWith("\n") ? text : `${text}\n` });
    }
    return await this.#files.lay((folder) => [
      ...files,
      { name: CONFIGURATION, content: knotConfiguration(names, folder, this.#listen) },
    ]);
  }

  async #check(generation: string): Promise<void> {
    const configuration = this.#files.path(generation, CONFIGURATION);
    const complaints = await this.#box.complaints(["knotc", "--config", configuration, "zone-check"]);
    if (complaints.length === 0) return;
    await this.#files.drop(generation);
    throw new BadRequest(zoneProblem(complaints));
  }
}

const CONTROL = ["knotc", "--socket", "/run/service/knot.sock"];
