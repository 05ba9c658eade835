import { createServer, type RequestListener } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, describe, expect, test } from "vitest";
import { fetchPage, heading } from "../../../../lab/journey/page.ts";
import { Probe, type ProbeCount, sumCounts } from "../../../../lab/journey/probe.ts";

const open: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of open.splice(0)) await close();
});

/** The URL of a local web server. */
async function serve(answer: RequestListener): Promise<string> {
  const server = createServer(answer);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  open.push(() => {
    server.close();
    server.closeAllConnections();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
}

function probe(url: string, timeout = 5_000): Probe {
  const started = new Probe(url, { pause: 5, timeout });
  open.unshift(() => started.stop());
  return started;
}

/** The first reading with a failure in it. */
async function firstWithFailure(started: Probe): Promise<ProbeCount> {
  const readings: ProbeCount[] = [];
  await expect
    .poll(() => {
      readings.unshift(started.take());
      return readings[0]?.failed;
    })
    .toBeGreaterThan(0);
  return readings[0] as ProbeCount;
}

describe("the probe", () => {
  test("counts what it asks, and finds no failure where there is none", async () => {
    const ports = new Set<number | undefined>();
    const url = await serve((request, response) => {
      ports.add(request.socket.remotePort);
      response.end("ok");
    });
    const started = probe(url);
    await expect.poll(() => ports.size).toBeGreaterThanOrEqual(5);
    await started.stop();
    const count = started.take();
    expect(count.requests).toBeGreaterThanOrEqual(5);
    expect(count).toMatchObject({ failed: 0, firstFailure: undefined });
    // Each over a connection of its own, as visitors come.
    expect(ports.size).toBeGreaterThanOrEqual(count.requests);
  });

  test("counts every failure and keeps the first one's words", async () => {
    let asked = 0;
    const url = await serve((_, response) => {
      asked += 1;
      if (asked % 3 === 2) response.writeHead(502).end();
      else if (asked % 3 === 0) response.destroy();
      else response.end("ok");
    });
    const started = probe(url);
    await expect.poll(() => asked).toBeGreaterThanOrEqual(9);
    await started.stop();
    const count = started.take();
    expect(count.firstFailure).toBe("status 502");
    expect(count.failed).toBeGreaterThanOrEqual(4);
    expect(count.failed).toBeLessThan(count.requests);
  });

  test("counts a redirection as a failure", async () => {
    const url = await serve((_, response) => response.writeHead(302, { location: "/elsewhere" }).end());
    const started = probe(url);
    const seen = await firstWithFailure(started);
    expect(seen.firstFailure).toBe("status 302");
  });

  test("counts a server that is gone", async () => {
    const url = await serve((_, response) => response.end());
    open.pop()?.();
    const started = probe(url);
    const seen = await firstWithFailure(started);
    expect(seen.firstFailure).toContain("ECONNREFUSED");
  });

  test("waits for no answer longer than it may, and tells the slowest", async () => {
    const url = await serve((_, response) => void setTimeout(() => response.end(), 30_000).unref());
    const started = probe(url, 100);
    const seen = await firstWithFailure(started);
    expect(seen.slowest).toBeGreaterThanOrEqual(95);
    expect(seen.slowest).toBeLessThan(30_000);
  });

  test("begins anew with every reading", async () => {
    let asked = 0;
    const url = await serve((_, response) => response.writeHead(asked++ === 0 ? 500 : 200).end());
    const started = probe(url);
    await expect.poll(() => asked).toBeGreaterThanOrEqual(3);
    expect(started.take().failed).toBe(1);
    await expect.poll(() => started.take().requests).toBeGreaterThan(0);
    await started.stop();
    expect(started.take().failed).toBe(0);
  });

  test("is cut off at its end without counting what it was waiting for", async () => {
    const url = await serve(() => undefined);
    const started = probe(url, 60_000);
    const before = Date.now();
    await started.stop();
    expect(Date.now() - before).toBeLessThan(30_000);
    expect(started.take()).toEqual({ requests: 0, failed: 0, firstFailure: undefined, slowest: 0 });
  });
});

test("several probes' counts add up; the slowest is the slowest of all", () => {
  expect(
    sumCounts([
      { requests: 3, failed: 0, firstFailure: undefined, slowest: 20 },
      { requests: 4, failed: 2, firstFailure: "status 500", slowest: 10 },
      { requests: 1, failed: 1, firstFailure: "status 502", slowest: 15 },
    ]),
  ).toEqual({ requests: 8, failed: 3, firstFailure: "status 500", slowest: 20 });
  expect(sumCounts([])).toEqual({ requests: 0, failed: 0, firstFailure: undefined, slowest: 0 });
});

describe("a page", () => {
  test("is its text", async () => {
    expect(await fetchPage(await serve((_, response) => response.end("<h1>Ahoy</h1>")))).toBe(
      "<h1>Ahoy</h1>",
    );
  });

  test("that answers with an error does not hold, and says what it answered", async () => {
    const url = await serve((_, response) => response.writeHead(500).end("no\n  database"));
    await expect(fetchPage(url)).rejects.toThrow(`${url} answered 500: no database`);
  });

  test.each([
    ["<h1>Ahoy</h1>", "Ahoy"],
    ['<body><h1 class="a">Two\nwords</h1></body>', "Two\nwords"],
    ["no heading\n here", "no heading here"],
  ])("%j is headed %j", (page, expected) => {
    expect(heading(page)).toBe(expected);
  });
});
