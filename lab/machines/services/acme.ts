import { X509Certificate } from "node:crypto";
import { copyFile, mkdir, readFile, rename, writeFile } from "node:fs/promises";
import { request } from "node:https";
import { join } from "node:path";
import type { LabNetwork } from "../../cloud/driver.ts";
import { Box, type BoxHome } from "./box.ts";
import { RESOLVERS, serviceAddresses } from "./service-addresses.ts";

const SCRIPT = "pebble.sh";
const PORT = 14_000;
const MANAGEMENT_PORT = 15_000;

/** How many of pebble's roots are kept; it makes a new one whenever it starts. */
const KEPT_ROOTS = 20;

/** How long it may take to answer one question. */
const LIMIT_MS = 3_000;

/** Where the ACME server is, and what signs its own TLS. */
export interface AcmeAccess {
  directory: string;
  /** PEM */
  root: string;
}

/** The lab's ACME server: pebble, which validates for real, through the lab's name server. Started when first asked for. */
export class AcmeServer {
  readonly #box: Box;
  readonly #address: string;
  readonly #rootsFile: string;
  #starting: Promise<AcmeAccess> | null = null;

  /** @param rootsFile takes the roots of the certificates it issues, the newest first */
  constructor(home: BoxHome, network: LabNetwork, rootsFile: string) {
    const { ipv4, ipv6 } = serviceAddresses(network).acme;
    const addresses = [`${ipv4}/32`, `${ipv6}/128`];
    this.#address = ipv4;
    this.#rootsFile = rootsFile;
    this.#box = new Box(home, {
      name: "acme",
      title: "the lab's ACME server",
      port: "acme",
      mac: "d2:74:7f:6e:d2:02",
      addresses,
      routes: addresses,
      command: ["sh", `/run/lab/${SCRIPT}`],
      environment: {
        IPV4: ipv4,
        IPV6: ipv6,
        RESOLVER: `${RESOLVERS.ipv4[0]}:53`,
        PEBBLE_VA_NOSLEEP: "1",
        // Every certificate is validated, none on the strength of an earlier one.
        PEBBLE_AUTHZREUSE: "0",
        // Percent of requests refused for no reason, as a client must bear it.
        PEBBLE_WFE_NONCEREJECT: process.env.PEBBLE_WFE_NONCEREJECT ?? "0",
      },
      ready: async () => ((await this.#issuingRoot().catch(() => "")) ? true : null),
      served: async () => await this.#noteRoot(),
    });
  }

  /** Starts it unless it runs. */
  access(): Promise<AcmeAccess> {
    this.#starting ??= this.#start().catch((error: unknown) => {
      this.#starting = null;
      throw error;
    });
    return this.#starting;
  }

  async stop(): Promise<void> {
    await this.#starting?.catch(() => undefined);
    await this.#box.stop();
  }

  async #start(): Promise<AcmeAccess> {
    await mkdir(this.#box.data, { recursive: true });
    await copyFile(join(import.meta.dirname, SCRIPT), join(this.#box.data, SCRIPT));
    await this.#box.start();
    return { directory: `https://${this.#address}:${PORT}/dir`, root: await this.#ownRoot() };
  }

  #ownRoot(): Promise<string> {
    return readFile(join(this.#box.data, "ca.pem"), "utf8");
  }

  /** The root of the certificates it issues now. */
  async #issuingRoot(): Promise<string> {
    return await get(this.#address, MANAGEMENT_PORT, "/roots/0", await this.#ownRoot());
  }

  async #noteRoot(): Promise<void> {
    const before = await readFile(this.#rootsFile, "utf8").catch(() => "");
    await writeFile(`${this.#rootsFile}.new`, withRoot(before, await this.#issuingRoot()));
    await rename(`${this.#rootsFile}.new`, this.#rootsFile);
  }
}

/** A bundle of roots with one more at its head; the oldest go. */
function withRoot(bundle: string, root: string): string {
  const known = bundle.match(/-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/g) ?? [];
  const all = [root, ...known].map((pem) => new X509Certificate(pem).toString().trim());
  return `${[...new Set(all)].slice(0, KEPT_ROOTS).join("\n")}\n`;
}

function get(host: string, port: number, path: string, ca: string): Promise<string> {
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  const asked = request({ host, port, path, ca, agent: false, timeout: LIMIT_MS }, (answer) => {
    const chunks: Buffer[] = [];
    answer.on("data", (chunk: Buffer) => chunks.push(chunk));
    answer.on("error", reject);
    answer.on("end", () => {
      if (answer.statusCode === 200) resolve(Buffer.concat(chunks).toString());
      else reject(new Error(`https://${host}:${port}${path} answered ${answer.statusCode}`));
    });
  });
  asked.on("timeout", () => asked.destroy(new Error(`no answer within ${LIMIT_MS / 1000} s`)));
  asked.on("error", reject);
  asked.end();
  return promise;
}
