import { randomBytes } from "node:crypto";
import { readFile } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";
import type { HttpBindings } from "@hono/node-server";
import { type Context, Hono, type MiddlewareHandler } from "hono";
import { getCookie, setCookie } from "hono/cookie";
import { streamSSE } from "hono/streaming";
import { policyOf } from "../../page/document.ts";
import type { Changes } from "./changes.ts";
import { isSame, type Keys } from "./keys.ts";
import type { LivePage } from "./model.ts";
import { partsOf, whole, wholePage } from "./render.ts";
import { deadPage, livePageDocument, openedPage } from "./shell.ts";
import { reportFile } from "./watch-runs.ts";

export interface AppOptions {
  keys: Keys;
  /** What is shown now. */
  page: () => LivePage;
  changes: Changes;
  /** Have the hosts looked at until the returned function is called. */
  hold: () => () => void;
  /** Have the hosts looked at for so many milliseconds. */
  want: (milliseconds: number) => void;
  /** Where the records of the stack's updates are. */
  records: string;
  /** The page's script. */
  script: string;
  /** Ends what goes on. */
  ending: AbortSignal;
}

type Env = { Bindings: HttpBindings };

/** Milliseconds between two signs of life. */
const beat = 5_000;
/** Milliseconds in which changes that come together are sent together. */
const together = 100;
/** Milliseconds for which a page without a script counts as open: it loads itself anew before. */
const openFor = 20_000;

/** The page, its changes and the reports, for whoever was given its address on this machine and for nobody else. */
export function statusApp(options: AppOptions): Hono<Env> {
  const { keys } = options;
  const app = new Hono<Env>();
  app.use(...guards);

  app.get("/open/:token", (c) => {
    if (!isSame(c.req.param("token"), keys.token)) return refuse(c);
    setCookie(c, cookieName(c), keys.cookie, { path: `/${keys.place}/`, httpOnly: true, sameSite: "Strict" });
    // No redirect: after a click in another site's page it would come without the cookie.
    return c.html(openedPage(`/${keys.place}/`));
  });

  const known: MiddlewareHandler<Env> = async (c, next) =>
    isSame(getCookie(c, cookieName(c)), keys.cookie) ? await next() : refuse(c);
  app.use(`/${keys.place}/*`, known);
  app.get(`/${keys.place}/`, (c) => showPage(c, options));
  app.get(`/${keys.place}/live`, (c) => streamChanges(c, options));
  app.get(`/${keys.place}/reports/:file`, (c) => showReport(c, options.records));

  app.notFound(refuse);
  return app;
}

const portOf = (c: Context<Env>): number | undefined => c.env.incoming.socket.localPort;
/** Cookies are not told apart by ports: two pages on one machine have one each. */
const cookieName = (c: Context<Env>): string => `berth-status-${portOf(c)}`;

/** What every request has to pass, and every answer has. */
const guards: MiddlewareHandler<Env>[] = [
  async (c, next) => {
    await next();
    c.header("Cache-Control", "no-store");
    c.header("X-Content-Type-Options", "nosniff");
    c.header("X-Frame-Options", "DENY");
    c.header("Referrer-Policy", "no-referrer");
    c.header("Cross-Origin-Resource-Policy", "same-origin");
    c.header("Cross-Origin-Opener-Policy", "same-origin");
    if (!c.res.headers.has("Content-Security-Policy"))
      c.header("Content-Security-Policy", `${policyOf({})}; frame-ancestors 'none'`);
  },
  // A name of somebody else's that leads to 127.0.0.1 would make this page a part of their site.
  async (c, next) => {
    const port = portOf(c);
    const names = [`127.0.0.1:${port}`, `localhost:${port}`];
    return names.includes(c.req.header("host") ?? "") ? await next() : c.text("This is not its name.\n", 421);
  },
  async (c, next) =>
    c.req.method === "GET"
      ? await next()
      : c.text("This page shows, and changes nothing.\n", 405, { Allow: "GET" }),
  // What a browser fetches for another site's page, or for that of another port here. Its address alone may be opened from anywhere.
  async (c, next) => {
    const from = c.req.header("sec-fetch-site") ?? "none";
    const opens = c.req.path.startsWith("/open/") && c.req.header("sec-fetch-mode") === "navigate";
    return from === "none" || from === "same-origin" || opens
      ? await next()
      : c.text("This is not for other sites.\n", 403);
  },
];

/** The same whether there is such a thing or not. */
const refuse = (c: Context<Env>): Response | Promise<Response> => c.html(deadPage(), 401);

function showPage(c: Context<Env>, { page, want, script }: AppOptions): Response | Promise<Response> {
  want(openFor);
  const nonce = randomBytes(16).toString("base64");
  const now = new Date();
  const shown = page();
  const document = livePageDocument(shown, wholePage(shown, now), {
    script,
    nonce,
    port: portOf(c) ?? 0,
    now,
  });
  const policy = policyOf({ script, nonce, connect: "'self'" });
  c.header("Content-Security-Policy", `${policy}; frame-ancestors 'none'`);
  return c.html(document);
}

/** Every part that changes, from a whole page on. */
function streamChanges(c: Context<Env>, { page, changes, hold, ending }: AppOptions): Response {
  return streamSSE(c, async (stream) => {
    const release = hold();
    const gone = new AbortController();
    stream.onAbort(() => gone.abort());
    const over = AbortSignal.any([gone.signal, ending]);
    try {
      let sent = new Map<string, string>();
      while (!over.aborted) {
        const { count } = changes;
        const now = new Date();
        const shown = page();
        const parts = partsOf(shown);
        const same = parts.length === sent.size && parts.every(({ id }) => sent.has(id));
        const news = same
          ? parts
              .filter(({ id, key }) => sent.get(id) !== key)
              .map(({ id, render }) => ({ id, html: render(now) }))
          : [{ id: whole, html: wholePage(shown, now) }];
        sent = new Map(parts.map(({ id, key }) => [id, key]));
        await stream.writeSSE({ event: "time", data: now.toISOString() });
        for (const { id, html: text } of news)
          await stream.writeSSE({ event: "part", data: JSON.stringify({ id, html: text.toString() }) });
        await sleep(together, undefined, { signal: over });
        await changes.next(count, beat, over);
      }
    } catch (error) {
      if (!over.aborted) throw error;
    } finally {
      release();
    }
  });
}

/** A report needs no script, and is no part of this page. */
const reportPolicy =
  "default-src 'none'; style-src 'unsafe-inline'; img-src data:; sandbox; frame-ancestors 'none'";

async function showReport(c: Context<Env>, records: string): Promise<Response> {
  const [, name] = /^(.+)\.html$/.exec(c.req.param("file") ?? "") ?? [];
  const file = name === undefined ? undefined : await reportFile(records, name);
  const text = file === undefined ? undefined : await readFile(file, "utf8").catch(() => undefined);
  if (text === undefined) return c.html(deadPage(), 404);
  c.header("Content-Security-Policy", reportPolicy);
  return c.html(text);
}
