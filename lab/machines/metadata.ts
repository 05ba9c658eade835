import { once } from "node:events";
import { createServer, type IncomingMessage, request, type ServerResponse } from "node:http";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { execa, type ResultPromise } from "execa";
import { waitFor } from "./waiting.ts";

/** How long the cloud may take to answer. */
const LIMIT_MS = 5_000;

function refuse(response: ServerResponse, status: number, line: string): void {
  response.writeHead(status, { "content-type": "text/plain" }).end(`${line}\n`);
}

/**
 * Answers servers' questions about themselves by asking the cloud: GET `<path>` from address A becomes GET
 * `/by-address/A<path>` on the cloud's socket.
 */
function forward(socketPath: string, incoming: IncomingMessage, outgoing: ServerResponse): void {
  if (incoming.method !== "GET") {
    refuse(outgoing, 405, "the metadata service answers GET only");
    return;
  }
  const from = incoming.socket.remoteAddress?.replace(/^::ffff:/, "") ?? "unknown";
  const asked = request(
    { socketPath, path: `/by-address/${from}${incoming.url ?? "/"}`, timeout: LIMIT_MS, agent: false },
    (answer) => {
      outgoing.writeHead(answer.statusCode ?? 502, {
        "content-type": answer.headers["content-type"] ?? "text/plain",
      });
      answer.pipe(outgoing);
    },
  );
  asked.on("timeout", () => asked.destroy(new Error(`no answer within ${LIMIT_MS / 1000} s`)));
  asked.on("error", (error) => {
    if (outgoing.headersSent) outgoing.destroy();
    else refuse(outgoing, 502, `the lab's cloud does not answer: ${error.message}`);
  });
  asked.end();
}

/** Runs the metadata service; the caller has put this process into the lab's namespace. */
export async function serveMetadata(addresses: string[], cloudSocket: string): Promise<void> {
  for (const address of addresses) {
    const server = createServer((incoming, outgoing) => forward(cloudSocket, incoming, outgoing));
    server.listen(80, address);
    await once(server, "listening");
  }
  process.stdout.write("listening\n");
}

/** The metadata service as a child process in the lab's namespace, started again when it dies. */
export class MetadataService {
  readonly #command: string[];
  #child: ResultPromise | null = null;
  #wanted = true;

  /**
   * @param inside command line prefix that enters the lab's namespace
   * @param addresses where it listens in there
   */
  constructor(inside: string[], addresses: string[], cloudSocket: string) {
    const main = join(import.meta.dirname, "main.ts");
    this.#command = [
      "--pdeathsig",
      "KILL",
      ...inside,
      process.execPath,
      main,
      "metadata",
      "--socket",
      cloudSocket,
      ...addresses,
    ];
  }

  /** Resolves when the service listens. */
  async start(): Promise<void> {
    const child = execa("setpriv", this.#command, {
      reject: false,
      stdin: "ignore",
      maxBuffer: 10_000,
      cleanup: false,
    });
    this.#child = child;
    let over = false;
    let listening = false;
    child.stdout.once("data", () => {
      listening = true;
    });
    const ended = child.then((result) => {
      over = true;
      return result.stderr.trim().split("\n").at(-1) ?? "";
    });
    await waitFor("the start of the metadata service", () => (listening || over ? true : null), 45_000);
    if (over) throw new Error(`the metadata service did not start: ${await ended}`);
    void ended.then(() => this.#revive());
  }

  async #revive(): Promise<void> {
    await sleep(1_000);
    if (this.#wanted) await this.start().catch(() => this.#revive());
  }

  async stop(): Promise<void> {
    this.#wanted = false;
    this.#child?.kill("SIGKILL");
    await this.#child;
  }
}
