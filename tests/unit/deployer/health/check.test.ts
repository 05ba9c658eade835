import { createServer, type IncomingMessage, type RequestListener, type Server } from "node:http";
import { createServer as createSecureServer } from "node:https";
import { type AddressInfo, createServer as createTcpServer } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import tls from "node:tls";
import sshpk from "sshpk";
import { afterEach, describe, expect, test } from "vitest";
import type { HealthCheck } from "../../../../config/manifest.ts";
import { checkOutside, type HealthLook, wayOf } from "../../../../deployer/health/check.ts";
import type { Verdict } from "../../../../deployer/health/verdict.ts";

const loopback = "127.0.0.1";
const open: { close(): unknown }[] = [];
afterEach(() => {
  for (const server of open.splice(0)) server.close();
});

async function listen(server: Server, address = loopback): Promise<number> {
  open.push({
    close: () => {
      server.close();
      server.closeAllConnections?.();
    },
  });
  await new Promise<void>((resolve) => server.listen(0, address, resolve));
  return (server.address() as AddressInfo).port;
}

/** A local web server; the port it listens on. */
const serve = (answer: RequestListener, address?: string) => listen(createServer(answer), address);

const says = (body: string, status = 200): RequestListener => {
  return (_request, response) => response.writeHead(status).end(body);
};
const check = (port: number, more: Partial<HealthCheck> = {}): HealthCheck => ({
  http: `http://example.org:${port}/healthz?deep=1`,
  status: 200,
  ...more,
});
const checkOnce = (wanted: HealthCheck, address: string, timeout: number): Promise<Verdict> => {
  const way = wayOf(wanted);
  if ("inside" in way) throw new Error("asked on the host");
  return way.outside(address, timeout);
};
const because = async (wanted: HealthCheck, timeout = 3_000): Promise<string> => {
  const verdict = await checkOnce(wanted, loopback, timeout);
  return verdict.healthy ? "it is healthy" : verdict.because;
};

describe("one attempt at a check", () => {
  test("asks the address it is given for the URL's path, with the URL's host", async () => {
    const requests: IncomingMessage[] = [];
    const port = await serve((request, response) => {
      requests.push(request);
      response.end("ok");
    });
    const verdict = await checkOnce(check(port), loopback, 3_000);
    expect(verdict).toEqual({ healthy: true, took: expect.any(Number) });
    expect(requests).toHaveLength(1);
    expect(requests[0]?.method).toBe("GET");
    expect(requests[0]?.url).toBe("/healthz?deep=1");
    expect(requests[0]?.headers.host).toBe(`example.org:${port}`);
  });

  test("never looks a name up: one that cannot exist is as good as any", async () => {
    const port = await serve(says("ok"));
    expect(await because(check(port, { http: `http://no-such-host.invalid:${port}/` }))).toBe(
      "it is healthy",
    );
  });

  test.each<[string, RequestListener, Partial<HealthCheck>, string]>([
    ["the status that is wanted, be it an error", says("gone", 410), { status: 410 }, "it is healthy"],
    ["the text that is wanted", says("version 3, ok"), { body: "ok" }, "it is healthy"],
    ["another status", says("<h1>Bad\n  gateway</h1>", 502), {}, "answered 502, expected 200 (Bad gateway)"],
    ["another status and no text", says("", 500), {}, "answered 500, expected 200"],
    [
      "a redirection, which is not followed",
      (_, response) => response.writeHead(301, { location: "/" }).end(),
      {},
      "answered 301 to /, expected 200",
    ],
    [
      "a redirection with much to say",
      (_, response) =>
        response.writeHead(302, { location: `https://example.org/${"x".repeat(500)}` }).end("Found"),
      {},
      `answered 302 to https://example.org/${"x".repeat(100)}, expected 200 (Found)`,
    ],
    [
      "a redirection to nowhere",
      (_, response) => response.writeHead(304).end(),
      {},
      "answered 304, expected 200",
    ],
    ["another text", says("starting"), { body: "ok" }, 'answered 200 without the text "ok" (starting)'],
    [
      "an end before its end",
      (_, response) => {
        response.writeHead(200, { "content-length": "100" }).write("half");
        setTimeout(() => response.destroy(), 20);
      },
      {},
      "broke off: aborted",
    ],
    ["no word", (request) => request.socket.destroy(), {}, "failed: socket hang up"],
  ])("reads %s", async (_, answer, more, expected) => {
    const port = await serve(answer);
    const found = await because(check(port, more));
    expect(found).toBe(
      expected === "it is healthy" ? expected : `GET http://example.org:${port}/healthz?deep=1 ${expected}`,
    );
  });

  test("tells a port that is closed", async () => {
    const server = createTcpServer();
    const port = await listen(server as unknown as Server);
    await new Promise((resolve) => server.close(resolve));
    expect(await because(check(port))).toMatch(/ failed: .*ECONNREFUSED/);
  });

  test.each<[string, RequestListener]>([
    ["says nothing", () => undefined],
    ["begins to answer and stops", (_, response) => response.writeHead(200).write("o")],
    [
      "answers for ever",
      (_, response) => {
        response.writeHead(200);
        const timer = setInterval(() => response.write("o"), 20);
        response.on("close", () => clearInterval(timer));
      },
    ],
  ])("gives up in time on a server that %s", async (_, answer) => {
    const port = await serve(answer);
    const started = Date.now();
    expect(await because(check(port), 300)).toBe(
      `GET http://example.org:${port}/healthz?deep=1 did not answer within 0.3 s`,
    );
    expect(Date.now() - started).toBeLessThan(30_000);
  });

  test("tells the time that it waited in tenths of a second", async () => {
    expect(await because(check(await serve(() => undefined)), 342)).toMatch(/ within 0\.3 s$/);
  });

  test("reads no more of a body than it needs", async () => {
    const port = await serve(says(`${"x".repeat(300 * 1024)}ok`));
    expect(await because(check(port, { body: "ok" }))).toContain('without the text "ok" (xxx');
    expect((await because(check(port, { body: "ok" }))).length).toBeLessThan(300);
  });

  test("opens a new connection every time", async () => {
    const ports = new Set<number | undefined>();
    const port = await serve((request, response) => {
      ports.add(request.socket.remotePort);
      response.end();
    });
    for (let attempt = 0; attempt < 3; attempt++) await checkOnce(check(port), loopback, 3_000);
    expect(ports.size).toBe(3);
  });

  test("goes to an IPv6 address, too", async ({ skip }) => {
    let port: number;
    try {
      port = await Promise.race([serve(says("ok"), "::1"), sleep(1_000).then(() => Promise.reject())]);
    } catch {
      return skip("this machine has no IPv6 on loopback");
    }
    const verdict = await checkOnce(check(port), "::1", 3_000);
    expect(verdict.healthy).toBe(true);
  });
});

describe("a check over https", () => {
  const key = sshpk.generatePrivateKey("ecdsa");
  const certificate = sshpk
    .createSelfSignedCertificate(sshpk.identityForHost("example.org"), key, { lifetime: 3_600 })
    .toString("pem");
  const trusted = tls.getCACertificates("default");
  afterEach(() => tls.setDefaultCACertificates(trusted));

  /** A web server with a certificate for example.org; the names it was asked for. */
  async function serveSecurely() {
    const names: string[] = [];
    const server = createSecureServer(
      {
        key: key.toString("pem"),
        cert: certificate,
        SNICallback: (name, done) => {
          names.push(name);
          done(null);
        },
      },
      (request, response) => response.end(`host ${request.headers.host}`),
    );
    return { names, port: await listen(server) };
  }
  const over = (host: string, port: number): HealthCheck => ({
    https: `https://${host}:${port}/`,
    status: 200,
  });

  test("asks for the URL's host by SNI and takes a certificate for it, at whatever address", async () => {
    tls.setDefaultCACertificates([certificate]);
    const { names, port } = await serveSecurely();
    expect(await because({ ...over("example.org", port), body: `host example.org:${port}` })).toBe(
      "it is healthy",
    );
    expect(names).toEqual(["example.org"]);
  });

  test("refuses a certificate for another name", async () => {
    tls.setDefaultCACertificates([certificate]);
    const { port } = await serveSecurely();
    expect(await because(over("www.example.com", port))).toMatch(
      / failed: .*does not match certificate's altnames/,
    );
  });

  test("takes one that the host has signed itself for one that is not issued yet, and says so", async () => {
    const { port } = await serveSecurely();
    expect(await checkOnce(over("example.org", port), loopback, 3_000)).toEqual({
      healthy: true,
      took: expect.any(Number),
      note: "the certificate of example.org is not issued yet",
    });
    const notes: string[] = [];
    const options = { deadline: 3_000, onNote: (line: string) => notes.push(line) };
    expect(await checkOutside([over("example.org", port)], [loopback], options)).toMatchObject({
      healthy: true,
    });
    expect(notes).toEqual(["the certificate of example.org is not issued yet (at 127.0.0.1)"]);
  });

  test("is no less strict with what such a host answers", async () => {
    const { port } = await serveSecurely();
    expect(await because({ ...over("example.org", port), status: 204 })).toMatch(
      / answered 200, expected 204 \(host example\.org:\d+\)$/,
    );
  });

  test("refuses one that a host has signed itself for another name, and says that it is the name", async () => {
    const { port } = await serveSecurely();
    expect(await because(over("www.example.com", port))).toMatch(
      / failed: .*does not match certificate's altnames/,
    );
  });

  test("refuses one of an authority that nobody knows, without advice on how to start Node", async () => {
    const authority = sshpk.generatePrivateKey("ecdsa");
    const [site, signer] = [sshpk.identityForHost("example.org"), sshpk.identityForHost("ca.example.net")];
    const cert = sshpk.createCertificate(site, key, signer, authority, { lifetime: 3_600 }).toString("pem");
    const port = await listen(createSecureServer({ key: key.toString("pem"), cert }, says("ok")));
    expect(await because(over("example.org", port))).toMatch(
      / failed: unable to verify the first certificate$/,
    );
  });

  test.each(["127.0.0.1", "[::1]"])(
    "of the address %s names no server, as there is no SNI for addresses",
    async (host) => {
      const { names, port } = await serveSecurely();
      await because(over(host, port));
      expect(names).toEqual([]);
    },
  );

  test("tells a server that does not speak TLS", async () => {
    const port = await serve(says("ok"));
    expect(await because(over("example.org", port))).toMatch(/ failed: /);
  });
});

describe("all checks", () => {
  const fast = { deadline: 400, pause: 20 };

  test("are healthy when there are none", async () => {
    expect((await checkOutside([], [loopback], fast)).healthy).toBe(true);
  });

  test("are asked again until they are healthy", async () => {
    let asked = 0;
    const port = await serve((_, response) => response.writeHead(++asked < 4 ? 503 : 200).end());
    const looks: HealthLook[] = [];
    const options = { ...fast, deadline: 5_000, onLook: (look: HealthLook) => looks.push(look) };
    expect((await checkOutside([check(port)], [loopback], options)).healthy).toBe(true);
    expect(asked).toBe(4);
    expect(looks.map(({ verdict }) => verdict.healthy)).toEqual([false, false, false, true]);
    expect(looks[0]).toMatchObject({ check: check(port).http, address: loopback });
  });

  test("are all asked; one that stays unhealthy decides, and says for how long", async () => {
    const well = await serve(says("ok"));
    const ill = await serve(says("no", 500));
    const verdict = await checkOutside([check(well), check(ill)], [loopback], fast);
    expect(verdict).toEqual({
      healthy: false,
      because: expect.stringMatching(
        new RegExp(
          `^GET http://example.org:${ill}/healthz\\?deep=1 answered 500, expected 200 \\(no\\), for [01] s$`,
        ),
      ),
    });
  });

  test("tell what was answered, and not that the last attempt was cut off", async () => {
    let asked = 0;
    const port = await serve((_, response) => void (++asked === 1 && response.writeHead(503).end()));
    const verdict = await checkOutside([check(port)], [loopback], { deadline: 1_200, pause: 20 });
    expect(verdict).toMatchObject({
      because: expect.stringMatching(/answered 503, expected 200, for \d s$/),
    });
    expect(asked).toBe(2);
  });

  test("are asked at every address", async () => {
    const asked: (string | undefined)[] = [];
    const port = await serve((request, response) => {
      asked.push(request.socket.localAddress);
      response.end();
    }, "0.0.0.0");
    expect((await checkOutside([check(port)], [loopback, "127.0.0.2"], fast)).healthy).toBe(true);
    expect(asked).toEqual([loopback, "127.0.0.2"]);
  });

  test("are unhealthy when one address does not answer", async () => {
    const port = await serve(says("ok"));
    const verdict = await checkOutside([check(port)], [loopback, "127.0.0.2"], fast);
    expect(verdict).toMatchObject({ healthy: false, because: expect.stringContaining("ECONNREFUSED") });
  });

  // No TCP connection goes to a multicast address: the kernel answers as for a family without a route.
  const noWay = "224.0.0.1";

  test("leave out a further address that this machine has no route to, and say so", async () => {
    const port = await serve(says("ok"));
    const skipped: string[] = [];
    const verdict = await checkOutside([check(port)], [loopback, noWay], {
      ...fast,
      onNote: (line) => skipped.push(line),
    });
    expect(verdict.healthy).toBe(true);
    expect(skipped).toEqual([`not checked at ${noWay}: this machine has no route to it`]);
  });

  test("never leave out the first address", async () => {
    expect(await checkOutside([check(80)], [noWay], fast)).toMatchObject({ healthy: false });
  });

  test("end at their deadline, or a second later at most, though a server hangs", async () => {
    const port = await serve(() => undefined);
    const started = Date.now();
    expect((await checkOutside([check(port)], [loopback], fast)).healthy).toBe(false);
    expect(Date.now() - started).toBeLessThan(fast.deadline + 30_000);
  });

  test("stop when they are cancelled", async () => {
    const port = await serve(says("no", 500));
    const cancel = new AbortController();
    const work = checkOutside([check(port)], [loopback], { deadline: 8_000, signal: cancel.signal });
    setTimeout(() => cancel.abort(new Error("cancelled by you")), 50);
    await expect(work).rejects.toThrow();
  });
});

describe("a check of a port", () => {
  test("is healthy when it takes a connection, which is closed at once", async () => {
    const ended = Promise.withResolvers<void>();
    const server = createTcpServer((socket) => {
      socket.resume();
      socket.on("end", () => {
        socket.end();
        ended.resolve();
      });
      socket.on("error", () => ended.resolve());
    });
    const port = await listen(server as unknown as Server);
    expect(await because({ tcp: port })).toBe("it is healthy");
    await ended.promise;
  });

  test("tells a port that is closed", async () => {
    const server = createTcpServer();
    const port = await listen(server as unknown as Server);
    await new Promise((resolve) => server.close(resolve));
    expect(await because({ tcp: port })).toMatch(new RegExp(`^TCP port ${port} failed: .*ECONNREFUSED`));
  });
});

test.each<[HealthCheck, unknown]>([
  [{ unit: "site.service" }, { inside: { unit: "site.service" } }],
  [{ command: "true", body: "ok" }, { inside: { command: "true", body: "ok" } }],
  [{ command: "true" }, { inside: { command: "true", body: undefined } }],
  [{ tcp: 5432 }, { outside: expect.any(Function) }],
  [{ https: "https://example.org/" }, { outside: expect.any(Function) }],
])("%o is asked as %o", (check, way) => {
  expect(wayOf(check)).toEqual(way);
});
