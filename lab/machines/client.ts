import { request } from "node:http";
import type {
  LabNetwork,
  MachineFirewall,
  MachineSpec,
  MachineStatus,
  ServerDriver,
} from "../cloud/driver.ts";
import type { DriverInfo } from "./machines.ts";
import { labPlaces } from "./names.ts";

/** How long the driver may take for one request; `quit` waits for machines to shut down. */
const LIMIT_MS = 120_000;

/** The driver refused or failed; the message is its one line. */
export class DriverError extends Error {
  /** 400: the request cannot be; 500: it went wrong. */
  readonly status: number;

  constructor(message: string, status: number) {
    super(message);
    this.status = status;
  }
}

/** The server driver as its users see it: requests to the root daemon over `<lab>/machines.sock`. */
export class MachinesClient implements ServerDriver {
  readonly #socket: string;

  /** @param lab the lab's folder */
  constructor(lab: string) {
    this.#socket = labPlaces(lab).socket;
  }

  network = () => this.#call<LabNetwork>("network");
  create = (spec: MachineSpec) => this.#call<void>("create", spec);
  rebuild = (spec: MachineSpec) => this.#call<void>("rebuild", spec);
  start = (id: number) => this.#call<void>("start", id);
  shutdown = (id: number) => this.#call<void>("shutdown", id);
  stop = (id: number) => this.#call<void>("stop", id);
  reset = (id: number) => this.#call<void>("reset", id);
  remove = (id: number) => this.#call<void>("remove", id);
  status = (id: number) => this.#call<MachineStatus>("status", id);
  setFirewalls = (firewalls: MachineFirewall[]) => this.#call<void>("setFirewalls", firewalls);
  /** Names, addresses and machines. */
  info = () => this.#call<DriverInfo>("info");
  /** Stops all machines and ends the daemon; answers before it has ended. */
  quit = () => this.#call<void>("quit");

  #call<T>(method: string, ...args: unknown[]): Promise<T> {
    const { promise, resolve, reject } = Promise.withResolvers<T>();
    const call = request(
      {
        socketPath: this.#socket,
        path: `/${method}`,
        method: "POST",
        headers: { "content-type": "application/json" },
        timeout: LIMIT_MS,
        agent: false,
      },
      (response) => {
        const chunks: Buffer[] = [];
        response.on("data", (chunk: Buffer) => chunks.push(chunk));
        response.on("error", reject);
        response.on("end", () => {
          const answer = parse(Buffer.concat(chunks).toString());
          if (response.statusCode === 200) resolve(answer.result as T);
          else
            reject(new DriverError(answer.error ?? `${method}: no reason given`, response.statusCode ?? 500));
        });
      },
    );
    call.on("timeout", () => call.destroy(new Error(`no answer within ${LIMIT_MS / 1000} s`)));
    call.on("error", (error) =>
      reject(
        new DriverError(
          `the lab's server driver (${this.#socket}) does not answer ${method}: ${error.message}`,
          500,
        ),
      ),
    );
    call.end(JSON.stringify({ args }));
    return promise;
  }
}

function parse(text: string): { result?: unknown; error?: string } {
  try {
    return JSON.parse(text);
  } catch {
    return {};
  }
}
