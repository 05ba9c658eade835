import { once } from "node:events";
import { mkdir, symlink, writeFile } from "node:fs/promises";
import { type IncomingHttpHeaders, request } from "node:http";
import { createServer } from "node:net";
import { networkInterfaces } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { deadLook, stackOf, toplevel, World } from "./samples.ts";

let world: World;
beforeEach(async () => {
  world = await World.start(["web1", "web2"]);
});
afterEach(() => world[Symbol.asyncDispose]());

interface Answer {
  status: number;
  headers: IncomingHttpHeaders;
  text: string;
}

/** What a program that is no browser may ask: any method, any header. */
function ask(
  path: string,
  { method = "GET", headers = {} }: { method?: string; headers?: Record<string, string> } = {},
): Promise<Answer> {
  const { port } = world;
  return new Promise((resolve, reject) => {
    request({ host: "127.0.0.1", port, path, method, headers }, async (answer) => {
      answer.setEncoding("utf8");
      let text = "";
      for await (const chunk of answer) text += chunk;
      resolve({ status: answer.statusCode ?? 0, headers: answer.headers, text });
    })
      .once("error", reject)
      .end();
  });
}

/** Open the printed address: the cookie, and the path that it is for. */
async function opened(
  headers: Record<string, string> = {},
): Promise<{ cookie: string; place: string; set: string }> {
  const { pathname } = new URL(world.page.url);
  const { headers: told, text } = await ask(pathname, { headers });
  const set = told["set-cookie"]?.[0] ?? "";
  return {
    set,
    cookie: set.split(";")[0] ?? "",
    place: /url=([^"]+)"/.exec(text)?.[1] ?? "",
  };
}

/** Follow the changes of the page. Ends with the answer. */
async function* changesOf(place: string, cookie: string): AsyncGenerator<{ event: string; data: string }> {
  const ending = new AbortController();
  const answer = await fetch(`http://127.0.0.1:${world.port}${place}live`, {
    headers: { cookie },
    signal: ending.signal,
  });
  expect(answer.status).toBe(200);
  expect(answer.headers.get("content-type")).toBe("text/event-stream");
  let text = "";
  try {
    for await (const chunk of answer.body?.pipeThrough(new TextDecoderStream()) ?? []) {
      text += chunk;
      const whole = text.split("\n\n");
      text = whole.pop() ?? "";
      for (const one of whole) {
        const [, event = "", data = ""] = /^event: (.*)\ndata: (.*)$/.exec(one) ?? [];
        yield { event, data };
      }
    }
  } finally {
    ending.abort();
  }
}

/** The next part of this id with this text in it. */
async function part(changes: AsyncGenerator<{ event: string; data: string }>, id: string, text: string) {
  for (;;) {
    const { value, done } = await changes.next();
    if (done) throw new Error(`there was no ${id} with ${text}`);
    if (value.event !== "part") continue;
    const sent = JSON.parse(value.data) as { id: string; html: string };
    if (sent.id === id && sent.html.includes(text)) return sent;
  }
}

describe("only who has the printed address sees the page", () => {
  test("it is exchanged for a cookie that no script, no other site and no other path gets", async () => {
    const { set, cookie, place } = await opened();
    expect(set).toMatch(
      new RegExp(`^berth-status-${world.port}=[\\w-]{43}; Path=${place}; HttpOnly; SameSite=Strict$`),
    );
    expect(place).toMatch(/^\/[\w-]{22}\/$/);
    const page = await ask(place, { headers: { cookie } });
    expect(page.status).toBe(200);
    expect(page.text).toContain("web1");
    expect(page.text).not.toContain("a-login-key-that-nobody-may-see");
    // The address alone, without the cookie, is not enough for any of it.
    expect(page.text).not.toContain(new URL(world.page.url).pathname);
    expect(page.text).not.toContain(cookie.split("=")[1]);
  });

  test.each([
    ["the page", ""],
    ["its changes", "live"],
    ["a report", "reports/x.html"],
  ])("%s is refused without the cookie, and with another one", async (_, path) => {
    const { place, cookie } = await opened();
    const other = `${cookie.slice(0, -4)}AAAA`;
    for (const headers of [{}, { cookie: other }] as Record<string, string>[]) {
      const { status, text } = await ask(`${place}${path}`, { headers });
      expect(status).toBe(401);
      expect(text).toContain("Open the one that <code>berth status --web</code> has printed");
      expect(text).not.toContain("web1");
    }
  });

  test("another token gets no cookie", async () => {
    const { pathname } = new URL(world.page.url);
    const { status, headers } = await ask(`${pathname.slice(0, -1)}${pathname.endsWith("A") ? "B" : "A"}`);
    expect(status).toBe(401);
    expect(headers["set-cookie"]).toBeUndefined();
  });

  test("the page of another stack has another address, and another cookie", async () => {
    const { cookie, place } = await opened();
    const { url } = world.page;
    await world.page.close();
    await world.serve({ stack: "dev" });
    expect(new URL(world.page.url).pathname).not.toBe(new URL(url).pathname);
    expect((await ask(place, { headers: { cookie } })).status).toBe(401);
    expect(await opened()).not.toMatchObject({ place });
  });

  test("a command that is started again knows the pages that are open", async () => {
    const { cookie, place } = await opened();
    const { port } = world;
    await world.page.close();
    await world.serve({ port });
    expect((await ask(place, { headers: { cookie } })).status).toBe(200);
  });
});

describe("no other site sees the page", () => {
  test.each(["evil.example.org", "127.0.0.1", "127.0.0.1:1", "berth.localhost:PORT", "[::1]:PORT"])(
    "a name that was made to lead here is refused: %s",
    async (name) => {
      const { place, cookie } = await opened();
      const host = name.replace("PORT", String(world.port));
      for (const path of [place, new URL(world.page.url).pathname]) {
        const { status, text, headers } = await ask(path, { headers: { cookie, host } });
        expect(status).toBe(421);
        expect(text).not.toContain("web1");
        expect(headers["set-cookie"]).toBeUndefined();
      }
    },
  );

  test("localhost is a name of it", async () => {
    const { place, cookie } = await opened();
    const host = `localhost:${world.port}`;
    expect((await ask(place, { headers: { cookie, host } })).status).toBe(200);
  });

  test.each(["cross-site", "same-site"])(
    "what a browser fetches for another page is refused: %s",
    async (from) => {
      const { place, cookie } = await opened();
      const headers = { cookie, "sec-fetch-site": from, "sec-fetch-mode": "no-cors" };
      for (const path of [place, `${place}live`, new URL(world.page.url).pathname])
        expect((await ask(path, { headers })).status).toBe(403);
      // Whoever clicks on the printed address does that in a page of their terminal's, maybe.
      expect(await opened({ "sec-fetch-site": from, "sec-fetch-mode": "navigate" })).toMatchObject({
        cookie,
      });
    },
  );

  test.each(["POST", "PUT", "DELETE", "PATCH", "HEAD", "OPTIONS"])(
    "%s is refused: it only shows",
    async (method) => {
      const { place, cookie } = await opened();
      const { status, headers } = await ask(place, {
        method,
        headers: { cookie, origin: "http://evil.example.org", "access-control-request-method": "GET" },
      });
      expect(status).toBe(405);
      expect(headers["allow"]).toBe("GET");
    },
  );

  test("every answer says what may be done with it", async () => {
    const { place, cookie } = await opened();
    const paths = [new URL(world.page.url).pathname, "/", place, `${place}nothing`, "/open/wrong"];
    for (const path of paths) {
      const { headers } = await ask(path, { headers: { cookie, origin: "http://evil.example.org" } });
      expect(headers).toMatchObject({
        "cache-control": "no-store",
        "x-content-type-options": "nosniff",
        "x-frame-options": "DENY",
        "referrer-policy": "no-referrer",
        "cross-origin-resource-policy": "same-origin",
        "cross-origin-opener-policy": "same-origin",
      });
      expect(Object.keys(headers).filter((name) => name.startsWith("access-control"))).toEqual([]);
      const policy = String(headers["content-security-policy"]);
      expect(policy).toContain("default-src 'none'");
      expect(policy).toContain("frame-ancestors 'none'");
      expect(policy).not.toMatch(/script-src[^;]*(unsafe|\*|self|http)/);
    }
  });

  test("its one script runs under a nonce that is another each time", async () => {
    const { place, cookie } = await opened();
    const nonces = await Promise.all(
      [1, 2].map(async () => {
        const { headers, text } = await ask(place, { headers: { cookie } });
        const [, nonce] = /script-src 'nonce-([^']+)'/.exec(String(headers["content-security-policy"])) ?? [];
        expect(text.match(/<script/g)).toHaveLength(1);
        expect(text).toContain(`<script nonce="${nonce}">`);
        return nonce;
      }),
    );
    expect(new Set(nonces).size).toBe(2);
  });
});

test("it listens on 127.0.0.1 and on nothing else", async () => {
  const others = Object.values(networkInterfaces())
    .flat()
    .flatMap((one) =>
      one && one.address !== "127.0.0.1" && !one.address.startsWith("fe80") ? [one.address] : [],
    );
  expect(others).toContain("::1");
  for (const host of others) {
    const error = await fetch(`http://${host.includes(":") ? `[${host}]` : host}:${world.port}/`, {
      signal: AbortSignal.timeout(20_000),
    }).then(
      () => "it answers",
      (error: Error) => String((error.cause as { code?: string } | undefined)?.code),
    );
    expect(error, host).toBe("ECONNREFUSED");
  }
});

test("a port that another program listens on is told in words", async () => {
  await using other = createServer();
  await once(other.listen(0, "127.0.0.1"), "listening");
  const { port } = other.address() as { port: number };
  await expect(world.serve({ port })).rejects.toThrow(
    `listen on 127.0.0.1 port ${port}: another program listens there. Next: name another with --port`,
  );
});

describe("reports", () => {
  const name = "2026-11-22T120000Z-77";
  const place = (file: string) => join(dirname(world.record()), file);

  beforeEach(async () => {
    await world.append(world.record(new Date("2026-11-22T12:00:00Z"), 77), {
      event: "begin",
      host: "web1",
      wanted: toplevel("b"),
    });
    await writeFile(place(`${name}.html`), "<!doctype html><title>a report</title>");
    await writeFile(join(world.folder, "secret.html"), "not for anybody");
    await mkdir(place("2026-11-22T120001Z-77.html"));
    await symlink(join(world.folder, "secret.html"), place("2026-11-22T120002Z-77.html"));
  });

  test("are linked and served as pages that can do nothing here", async () => {
    const { place, cookie } = await opened();
    await expect
      .poll(async () => (await ask(place, { headers: { cookie } })).text)
      .toContain(`<a href="reports/${name}.html">`);
    const { status, text, headers } = await ask(`${place}reports/${name}.html`, { headers: { cookie } });
    expect(status).toBe(200);
    expect(text).toContain("a report");
    const policy = String(headers["content-security-policy"]);
    expect(policy).toContain("default-src 'none'");
    expect(policy).toMatch(/sandbox(?!.*allow-same-origin)/);
    expect(policy).not.toContain("connect-src");
  });

  test.each([
    "../../../secret.html",
    "..%2f..%2f..%2fsecret.html",
    "%2e%2e/%2e%2e/%2e%2e/secret.html",
    `${name}.jsonl`,
    `${name}.html%00.html`,
    "2026-11-22T120001Z-77.html",
    "2026-11-22T120002Z-77.html",
    "2026-11-22T120003Z-77.html",
  ])("%s is none", async (path) => {
    const { place, cookie } = await opened();
    const { status, text } = await ask(`${place}reports/${path}`, { headers: { cookie } });
    expect([401, 404]).toContain(status);
    expect(text).not.toContain("not for anybody");
    expect(text).not.toContain('"event"');
  });
});

describe("what changes is sent as it comes", () => {
  test("a whole page first, then each host as soon as it was seen", async () => {
    let answer = (_: ReturnType<typeof deadLook>) => {};
    world.looks["web2"] = new Promise((resolve) => {
      answer = resolve;
    });
    const { place, cookie } = await opened();
    const changes = changesOf(place, cookie);
    await part(changes, "live", "web2");
    await part(changes, "host-web1", "well");
    answer(deadLook("web2"));
    world.looks["web2"] = deadLook("web2");
    await part(changes, "count", "1 of 2 hosts are well");
    const { html } = await part(changes, "host-web2", "not reached");
    expect(html).toContain("open an ssh connection: no answer in time");
    await changes.return(undefined);
  });

  test("an update's steps, as lines are added to its record", async () => {
    const { place, cookie } = await opened();
    const changes = changesOf(place, cookie);
    await part(changes, "live", "There is no record of an update");
    const file = world.record();
    await world.append(file, { event: "begin", host: "web1", wanted: toplevel("c") });
    await part(changes, "update", "working");
    await world.append(file, { event: "step", host: "web1", step: "copying 12 paths" });
    await part(changes, "update", "copying 12 paths");
    await world.append(file, { event: "trial", host: "web1" });
    await part(changes, "update", "on trial");
    await world.append(file, {
      event: "end",
      host: "web1",
      outcome: "rolled back",
      because: "GET answered 502",
    });
    await part(changes, "update", "GET answered 502");
    await changes.return(undefined);
  });

  test("a host that comes to the stack has its place", async () => {
    const { place, cookie } = await opened();
    const changes = changesOf(place, cookie);
    await part(changes, "live", "web1");
    world.state = stackOf("web1", "web2", "web3");
    const file = world.record();
    await world.append(file, { event: "begin", host: "web3", wanted: toplevel("c") });
    await world.append(file, { event: "step", host: "web3", step: "building" });
    // A record that grows has the state read anew.
    for (let line = 0; line < 3; line++) {
      await part(changes, "update", "web3");
      await world.append(file, { event: "step", host: "web3", step: `line ${line}` });
    }
    await part(changes, "live", 'id="host-web3"');
    await changes.return(undefined);
  });

  test("signs of life, and the end when the command is ended", async () => {
    const { place, cookie } = await opened();
    const seen = new Set<string>();
    const changes = changesOf(place, cookie);
    const following = (async () => {
      for await (const { event } of changes) seen.add(event);
    })().catch(() => undefined);
    await expect.poll(() => [...seen].toSorted()).toEqual(["part", "time"]);
    await world.page.close();
    await following;
    await expect(ask("/")).rejects.toThrow("ECONNREFUSED");
  });
});
