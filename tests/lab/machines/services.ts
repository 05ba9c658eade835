import { generateKeyPairSync } from "node:crypto";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { get, type IncomingHttpHeaders, type IncomingMessage } from "node:http";
import { get as getTls } from "node:https";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execa } from "execa";
import type { BalancerService, BalancerSpec, LabNetwork } from "../../../lab/cloud/driver.ts";

export interface Answer {
  status: number;
  headers: IncomingHttpHeaders;
  body: string;
}

/** One request over a connection of its own. */
export function ask(
  url: string,
  { headers = {}, ca }: { headers?: Record<string, string>; ca?: string } = {},
): Promise<Answer> {
  const { promise, resolve, reject } = Promise.withResolvers<Answer>();
  const options = { headers, agent: false as const, timeout: 20_000 };
  const read = (response: IncomingMessage) => {
    const chunks: Buffer[] = [];
    response.on("data", (chunk: Buffer) => chunks.push(chunk));
    response.on("error", reject);
    response.on("end", () =>
      resolve({
        status: response.statusCode ?? 0,
        headers: response.headers,
        body: Buffer.concat(chunks).toString(),
      }),
    );
  };
  const asked = url.startsWith("https:")
    ? getTls(url, { ...options, ca, servername: "lb.test" }, read)
    : get(url, options, read);
  asked.on("timeout", () => asked.destroy(new Error(`no answer from ${url} within 20 s`)));
  asked.on("error", reject);
  return promise;
}

/** A load balancer `n` of a lab with one plain HTTP service that checks its targets once a second. */
export function balancer(network: LabNetwork, n: number, more: Partial<BalancerSpec> = {}): BalancerSpec {
  return {
    id: n,
    name: `lb${n}`,
    ipv4: network.ipv4.replace(/0\/24$/, String(200 + n)),
    ipv6: network.ipv6.replace("::/48", `:b${n}::/64`),
    mac: `96:00:00:00:b0:0${n}`,
    privateInterfaces: [],
    algorithm: "round_robin",
    services: [service()],
    targets: [],
    ...more,
  };
}

export function service(more: Partial<BalancerService> = {}): BalancerService {
  const port = more.destinationPort ?? 8080;
  return {
    listenPort: 80,
    destinationPort: port,
    protocol: "http",
    proxyProtocol: false,
    http: { cookie: null, redirectHttp: false, idleTimeout: 60, certificates: [] },
    healthCheck: {
      protocol: "http",
      port,
      interval: 1,
      timeout: 3,
      retries: 2,
      http: { domain: null, path: "/health", response: null, statusCodes: ["2??"], tls: false },
    },
    ...more,
  };
}

/** A certificate for lb.test, signed by itself. */
export async function selfSigned(): Promise<{ chain: string; key: string }> {
  const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const key = privateKey.export({ type: "pkcs8", format: "pem" }).toString();
  const folder = await mkdtemp(join(tmpdir(), "berth-certificate-"));
  try {
    await writeFile(join(folder, "key.pem"), key, { mode: 0o600 });
    const args = ["req", "-x509", "-key", "key.pem", "-days", "2", "-subj", "/CN=lb.test"];
    const { stdout } = await execa("openssl", [...args, "-addext", "subjectAltName=DNS:lb.test"], {
      cwd: folder,
    });
    return { chain: stdout, key };
  } finally {
    await rm(folder, { recursive: true });
  }
}

/**
 * A program for a server: HTTP on 8080 that tells its name, what it was asked by, and the PROXY header a connection began
 * with on 8081. `/slow` sends a megabyte over three seconds.
 */
export const WEB = `
const http = require("node:http"), net = require("node:net"), fs = require("node:fs");
const name = require("node:os").hostname();
http.createServer((request, response) => {
  if (request.url === "/health") {
    response.writeHead(fs.existsSync("/tmp/ill") ? 503 : 200).end("fine");
  } else if (request.url === "/slow") {
    let left = 32;
    const timer = setInterval(() => {
      response.write("x".repeat(32768));
      if (--left === 0) { clearInterval(timer); response.end(); }
    }, 100);
  } else response.end(JSON.stringify({ name, headers: request.headers }));
}).listen(8080, "::");
net.createServer((socket) => {
  socket.on("error", () => {});
  socket.once("data", (data) => socket.end("HTTP/1.0 200 OK\\r\\n\\r\\n" + data.toString().split("\\r\\n")[0]));
}).listen(8081, "::");
`;
