import { createServer as createPlainServer, type Server } from "node:net";
import { createServer } from "node:tls";
import { afterEach, describe, expect, test } from "vitest";
import { askCertificate, secureNames } from "../../../../deployer/health/certificate.ts";
import { selfSigned } from "../../../../lab/cloud/self-signed.ts";

const loopback = "127.0.0.1";
const open: Server[] = [];
afterEach(() => {
  for (const server of open.splice(0)) server.close();
});

async function listen(server: Server): Promise<number> {
  open.push(server);
  await new Promise<void>((resolve) => server.listen(0, loopback, resolve));
  const address = server.address();
  return typeof address === "object" && address ? address.port : 0;
}

describe("the certificate that an address shows for a name", () => {
  test("is told with its days and why nobody trusts it, by the name that was asked for", async () => {
    const began = new Date("2026-01-01T00:00:00Z");
    const asked: string[] = [];
    const { certificate: cert, privateKey: key } = await selfSigned(["site.example.org"], began);
    const SNICallback = (name: string, done: (error: null) => void) => {
      asked.push(name);
      done(null);
    };
    const port = await listen(createServer({ cert, key, SNICallback }));
    const seen = await askCertificate({ name: "site.example.org", port }, loopback, 20_000);
    if ("because" in seen) throw new Error(seen.because);
    expect(asked).toEqual(["site.example.org"]);
    expect(seen.from).toEqual(began);
    expect(seen.until.getTime() - began.getTime()).toBe(90 * 86_400_000);
    expect(seen.refused).toMatch(/SELF_SIGNED|EXPIRED/);
  });

  test("is none where nobody listens", async () => {
    const port = await listen(createPlainServer());
    await new Promise((resolve) => open.pop()?.close(resolve));
    expect(await askCertificate({ name: "a.example.org", port }, loopback, 20_000)).toEqual({
      because: expect.stringContaining("ECONNREFUSED"),
    });
  });

  test("is none where something else than TLS answers", async () => {
    const port = await listen(createPlainServer((socket) => socket.end("220 hello\r\n")));
    expect(await askCertificate({ name: "a.example.org", port }, loopback, 20_000)).toEqual({
      because: expect.stringContaining(`TLS on port ${port} failed`),
    });
  });

  test("is none where nobody answers in time", async () => {
    const port = await listen(createPlainServer(() => undefined));
    expect(await askCertificate({ name: "a.example.org", port }, loopback, 300)).toEqual({
      because: `no answer on port ${port} within 0.3 s`,
    });
  });
});

test("names with a certificate are those of https, each once, and no addresses", () => {
  expect(
    secureNames([
      "https://a.example.org/healthz",
      "https://a.example.org/",
      "https://a.example.org:8443/",
      "http://b.example.org/",
      "https://203.0.113.7/",
      "https://[2001:db8::1]/",
    ]),
  ).toEqual([
    { name: "a.example.org", port: 443 },
    { name: "a.example.org", port: 8443 },
  ]);
});
