import { text } from "node:stream/consumers";
import { expect, test } from "vitest";
import {
  challengeOf,
  mayLogIn,
  type RegistryOptions,
  Repository,
} from "../../../../deployer/image/registry.ts";
import { listening } from "../../listening.ts";

interface Answer {
  status: number;
  headers?: Record<string, string>;
  body?: string;
}
type Request = { line: string; authorization: string | undefined; body: string };

/** A server that answers as it is told, or not at all, and what it was asked. */
async function server(answer: (request: Request, url: URL) => Answer | undefined) {
  const asked: Request[] = [];
  const port = await listening(async (message, response) => {
    const url = new URL(message.url ?? "/", `http://${message.headers.host}`);
    const { authorization } = message.headers;
    const request = { line: `${message.method} ${url.pathname}`, authorization, body: await text(message) };
    asked.push(request);
    const given = answer(request, url);
    if (given) response.writeHead(given.status, given.headers).end(given.body);
  });
  const host = `127.0.0.1:${port}`;
  const shop = (options: RegistryOptions = {}) =>
    new Repository({ registry: host, repository: "shop" }, options);
  return { host, asked, shop };
}
const digest = `sha256:${"a".repeat(64)}`;
const login = { username: "x", password: "the token" };
const basic = `Basic ${Buffer.from("x:the token").toString("base64")}`;

test.each([503, 500, 429, 408])("what fails with %i is asked for again", async (status) => {
  let failures = 1;
  const { asked, shop } = await server(() => ({ status: failures-- > 0 ? status : 200 }));
  expect(await shop().hasBlob(digest)).toBe(true);
  expect(asked).toHaveLength(2);
});

test.each([400, 403, 405])(
  "what is refused with %i is not asked for again, and said in the registry's words",
  async (status) => {
    const body = JSON.stringify({ errors: [{ code: "DENIED", message: "not this one" }] });
    const { asked, shop } = await server(() => ({ status, body }));
    await expect(shop().manifest("v1")).rejects.toThrow(`it answered ${status}: not this one (DENIED)`);
    expect(asked).toHaveLength(1);
  },
);

test("a failure that stays ends the attempts, with what came back", async () => {
  const { asked, shop } = await server(() => ({ status: 502, body: "bad gateway\n<html>" }));
  await expect(shop({ retries: 1 }).manifest("v1")).rejects.toThrow("it answered 502: bad gateway.");
  expect(asked).toHaveLength(2);
});

test("the password is not sent before it is asked for, and then with every request", async () => {
  const { asked, shop } = await server(({ authorization }) =>
    authorization === basic
      ? { status: 200 }
      : { status: 401, headers: { "www-authenticate": 'Basic realm="shop"' } },
  );
  const repository = shop({ login });
  expect(await repository.hasBlob(digest)).toBe(true);
  expect(await repository.hasBlob(digest)).toBe(true);
  expect(asked.map(({ authorization }) => authorization)).toEqual([undefined, basic, basic]);
});

test("a registry that wants a token is asked with one from where it says, and with a new one when that has ended", async () => {
  let issued = 0;
  const { host, asked, shop } = await server(({ authorization }, url) => {
    if (url.pathname === "/token")
      return authorization === basic && url.searchParams.get("scope") === "repository:shop:pull,push"
        ? { status: 200, body: JSON.stringify({ token: `t${++issued}` }) }
        : { status: 401 };
    // The first token is good for two requests.
    const valid = issued === 1 && asked.length > 4 ? "none" : `Bearer t${issued}`;
    const challenge = `Bearer realm="http://${host}/token",service="registry",scope="repository:shop:pull,push"`;
    return authorization === valid
      ? { status: 200 }
      : { status: 401, headers: { "www-authenticate": challenge } };
  });
  const repository = shop({ login });
  for (let times = 0; times < 3; times++) expect(await repository.hasBlob(digest)).toBe(true);
  expect(issued).toBe(2);
});

test("a password is not sent to another machine without TLS", async () => {
  const challenge = 'Bearer realm="http://tokens.example/token",service="registry"';
  const { shop } = await server(() => ({ status: 401, headers: { "www-authenticate": challenge } }));
  await expect(shop({ login }).hasBlob(digest)).rejects.toThrow("http://tokens.example, without TLS");
});

test.each([
  ["https://registry.example", "https://tokens.example", true],
  ["https://registry.example", "http://registry.example", false],
  ["https://registry.example", "http://tokens.example", false],
  ["http://127.0.0.1:5000", "http://127.0.0.1:5001", true],
  ["http://127.0.0.1:5000", "http://tokens.example", false],
  ["http://127.0.0.1:5000", "https://tokens.example", true],
])("whoever asks %s logs in at %s: %s", (registry, realm, expected) => {
  expect(mayLogIn(new URL(registry), new URL(realm))).toBe(expected);
});

test("what lets somebody in stays with the registry when blobs go elsewhere", async () => {
  const storage = await server(() => ({ status: 201 }));
  const { asked, shop } = await server(({ line, authorization }): Answer => {
    if (authorization !== basic) return { status: 401, headers: { "www-authenticate": "Basic" } };
    return line.startsWith("POST")
      ? { status: 202, headers: { location: `http://${storage.host}/put?state=1` } }
      : { status: 404 };
  });
  await shop({ login }).putBlob(digest, new Blob(["the layer"]));
  expect(asked.map(({ line }) => line)).toEqual(Array(2).fill("POST /v2/shop/blobs/uploads/"));
  expect(storage.asked).toEqual([{ line: "PUT /put", authorization: undefined, body: "the layer" }]);
});

test("a registry that does not answer is given up on in time, and whoever cancels waits for nothing", async () => {
  const { shop } = await server(() => undefined);
  await expect(shop({ deadline: 200, retries: 0 }).hasBlob(digest)).rejects.toThrow("no answer within 0.2 s");
  await expect(shop({ signal: AbortSignal.abort(new Error("cancelled")) }).hasBlob(digest)).rejects.toThrow(
    "cancelled",
  );
});

test.each([
  ['Basic realm="a b"', { scheme: "basic", realm: "a b" }],
  ["Basic", { scheme: "basic" }],
  [
    'Bearer realm="https://auth.docker.io/token",service="registry.docker.io",scope="repository:a/b:pull,push"',
    {
      scheme: "bearer",
      realm: "https://auth.docker.io/token",
      service: "registry.docker.io",
      scope: "repository:a/b:pull,push",
    },
  ],
  ["", undefined],
])("what is asked of whoever is not let in is read from %j", (header, expected) => {
  expect(challengeOf(header)).toEqual(expected);
});
