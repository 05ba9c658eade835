import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { brotliDecompressSync, gunzipSync } from "node:zlib";
import { expect } from "vitest";
import type { BuiltSpa } from "./build.ts";
import type { Answer, Nginx } from "./nginx.ts";

/** What holds for every server of the single-page app: a sentence, and how it is seen. `headers` name the virtual host. */
type Expectation = (nginx: Nginx, spa: BuiltSpa, headers: Record<string, string>) => Promise<void>;

const forever = "public, max-age=31536000, immutable";

/** A file of the build, by how its name ends. */
const named = (spa: BuiltSpa, ending: string) => {
  const found = spa.files.find((file) => file.startsWith("assets/") && file.endsWith(ending));
  if (found === undefined) throw new Error(`the build has no assets/*${ending}: ${spa.files.join(", ")}`);
  return found;
};
const content = (spa: BuiltSpa, file: string) => readFile(join(spa.folder, file));

/** The headers that every answer has, errors too. */
function expectSafe({ headers }: Answer): void {
  expect(headers).toMatchObject({
    "x-content-type-options": "nosniff",
    "referrer-policy": "strict-origin-when-cross-origin",
    "x-frame-options": "SAMEORIGIN",
  });
  expect(headers.server).toBe("nginx");
}

async function expectIndex(answer: Answer, spa: BuiltSpa): Promise<void> {
  expect(answer.status).toBe(200);
  expect(answer.headers["content-type"]).toBe("text/html; charset=utf-8");
  expect(answer.headers["cache-control"]).toBe("no-cache");
  expect(answer.body).toEqual(await content(spa, "index.html"));
  expectSafe(answer);
}

export const expectations: Record<string, Expectation> = {
  "hands out the page, asked for anew each time": async (nginx, spa, headers) => {
    const answer = await nginx.ask("/", { headers });
    await expectIndex(answer, spa);
    expect(answer.body.toString()).toContain('<div id="root"');
    await expectIndex(await nginx.ask("/index.html", { headers }), spa);
  },

  "answers a deep link with the page, in any script": async (nginx, spa, headers) => {
    for (const path of ["/über", "/ελληνικά", "/wort/αγκυροβόλιο⚓", "/a/b/c?d=e"]) {
      await expectIndex(await nginx.ask(encodeURI(path), { headers }), spa);
    }
  },

  "lets what has a hash in its name be kept for ever": async (nginx, spa, headers) => {
    for (const [ending, type] of [
      [".js", /^(?:text|application)\/javascript; charset=utf-8$/],
      [".css", /^text\/css; charset=utf-8$/],
      [".svg", /^image\/svg\+xml/],
    ] as const) {
      const file = named(spa, ending);
      const answer = await nginx.ask(`/${file}`, { headers });
      expect(answer.status).toBe(200);
      expect(answer.headers["cache-control"]).toBe(forever);
      expect(answer.headers["content-type"]).toMatch(type);
      expect(answer.body).toEqual(await content(spa, file));
      expectSafe(answer);
    }
  },

  "has what has no hash in its name asked for anew": async (nginx, _, headers) => {
    const answer = await nginx.ask("/favicon.svg", { headers });
    expect(answer.status).toBe(200);
    expect(answer.headers["cache-control"]).toBe("no-cache");
    expectSafe(answer);
  },

  "has no page in place of a missing asset": async (nginx, _, headers) => {
    for (const path of ["/assets/index-00000000.js", "/assets/none.js", "/assets/", "/assets/a/b"]) {
      const answer = await nginx.ask(path, { headers });
      expect(answer.status, path).toBe(404);
      expect(answer.headers["cache-control"], path).toBeUndefined();
      expect(answer.body.toString(), path).not.toContain("root");
      expectSafe(answer);
    }
  },

  "gives a browser that takes gzip what the build compressed": async (nginx, spa, headers) => {
    const asked = { headers: { ...headers, "accept-encoding": "gzip", via: "1.1 a-proxy" } };
    const file = named(spa, ".js");
    for (const [path, of, cache] of [
      [`/${file}`, file, forever],
      ["/", "index.html", "no-cache"],
      [encodeURI("/über"), "index.html", "no-cache"],
    ] as const) {
      const answer = await nginx.ask(path, asked);
      expect(answer.headers["content-encoding"], path).toBe("gzip");
      expect(answer.headers.vary, path).toBe("Accept-Encoding");
      expect(answer.headers["content-type"], path).toMatch(/charset=utf-8$/);
      expect(answer.headers["cache-control"], path).toBe(cache);
      expect(answer.body, path).toEqual(await content(spa, `${of}.gz`));
      expect(gunzipSync(answer.body), path).toEqual(await content(spa, of));
    }
    expect(brotliDecompressSync(await content(spa, `${file}.br`))).toEqual(await content(spa, file));
  },

  "answers HEAD as GET without the body": async (nginx, spa, headers) => {
    const file = named(spa, ".js");
    for (const path of ["/", `/${file}`, encodeURI("/über")]) {
      const [head, get] = [
        await nginx.ask(path, { headers, method: "HEAD" }),
        await nginx.ask(path, { headers }),
      ];
      expect(head.status).toBe(200);
      expect(head.body).toHaveLength(0);
      const { date: _, ...rest } = get.headers;
      expect(head.headers).toMatchObject(rest);
    }
  },

  "does not send again what the browser still has": async (nginx, spa, headers) => {
    for (const path of ["/", `/${named(spa, ".js")}`]) {
      const { etag = "" } = (await nginx.ask(path, { headers })).headers;
      expect(etag).not.toBe("");
      const same = await nginx.ask(path, { headers: { ...headers, "if-none-match": etag } });
      expect(same.status).toBe(304);
      expect(same.body).toHaveLength(0);
      expect(same.headers["cache-control"]).toBeDefined();
      const other = await nginx.ask(path, { headers: { ...headers, "if-none-match": '"other"' } });
      expect(other.status).toBe(200);
      const zipped = await nginx.ask(path, { headers: { ...headers, "accept-encoding": "gzip" } });
      expect(zipped.headers.etag).not.toBe(etag);
    }
  },

  "sends a part of a file": async (nginx, spa, headers) => {
    const file = named(spa, ".js");
    const answer = await nginx.ask(`/${file}`, { headers: { ...headers, range: "bytes=10-19" } });
    expect(answer.status).toBe(206);
    expect(answer.body).toEqual((await content(spa, file)).subarray(10, 20));
  },

  "lets nobody out of the folder": async (nginx, spa, headers) => {
    for (const path of [
      "/../etc/passwd",
      "/assets/../../etc/passwd",
      "/%2e%2e/%2e%2e/etc/passwd",
      "/..%2f..%2f..%2fetc%2fpasswd",
      "/assets/..%2f..%2fetc%2fpasswd",
      "/assets../package.json",
      "//etc/passwd",
    ]) {
      const answer = await nginx.ask(path, { headers });
      expect([200, 400, 404], path).toContain(answer.status);
      if (answer.status === 200) await expectIndex(answer, spa);
    }
  },

  "takes nothing": async (nginx, _, headers) => {
    for (const method of ["POST", "PUT", "DELETE"]) {
      expect((await nginx.ask("/", { headers, method })).status).toBe(405);
    }
  },

  "redirects to a folder by path alone": async (nginx, _, headers) => {
    const answer = await nginx.ask("/assets", { headers });
    expect([answer.status, answer.headers.location]).toEqual([301, "/assets/"]);
  },
};

/** The release that `/healthz` tells. */
export async function expectRelease(nginx: Nginx, release: string, headers = {}): Promise<void> {
  const answer = await nginx.ask("/healthz", { headers });
  expect(answer.status).toBe(200);
  expect(answer.headers["content-type"]).toContain("application/json");
  expect(answer.headers["cache-control"]).toBe("no-store");
  expect(JSON.parse(answer.body.toString())).toEqual({ ok: true, release });
  expectSafe(answer);
}
