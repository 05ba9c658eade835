import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { z } from "zod";
import { containerService } from "../../../config/container.ts";
import { clash } from "../../../config/container-rules.ts";
import { specOf } from "../../../config/container-spec.ts";

const digest = `sha256:${"a".repeat(64)}`;
const image = { package: "site-image" };
const minimal = { on: "web1", image };
const parse = (more: object) => containerService.safeParse({ ...minimal, ...more });
const wrong = (more: object) => {
  const { error } = parse(more);
  return error ? z.flattenError(error).fieldErrors : undefined;
};
const facts = {
  port: 3000,
  user: "1000:1000",
  health: { path: "/healthz", body: "ok" },
  stop: { signal: "SIGTERM", seconds: 40 },
  writable: ["/tmp"],
  architecture: "amd64",
};
const secretOf = (name: string) => `<${name}>`;

test("a service is a host and an image; the image says the rest, and the stack's word counts", () => {
  const quiet = specOf("site", containerService.parse({ ...minimal, ports: ["80:3000"] }), facts, secretOf);
  expect(quiet).toMatchObject({
    name: "site",
    user: "1000:1000",
    readOnly: true,
    writable: ["/tmp"],
    switch: "proxy",
    stop: { signal: "SIGTERM", seconds: 40 },
    health: { path: "/healthz", body: "ok", port: 3000, status: 200, from: "outside" },
  });
  const loud = containerService.parse({
    ...minimal,
    ports: ["80:8080"],
    user: "7",
    readOnly: false,
    writable: [],
    health: { path: "/up", port: 8080 },
    stop: { seconds: 3 },
    switch: "recreate",
  });
  expect(specOf("site", loud, facts, secretOf)).toMatchObject({
    user: "7",
    readOnly: false,
    writable: [],
    health: { path: "/up", port: 8080 },
    stop: { signal: "SIGTERM", seconds: 3 },
    switch: "recreate",
  });
});

test("an image that says nothing of itself is written to as Docker has it, and asked at the first port", () => {
  const service = containerService.parse({ ...minimal, ports: ["80:8080"], health: { path: "/" } });
  expect(specOf("site", service, {}, secretOf)).toMatchObject({ readOnly: false, health: { port: 8080 } });
  expect(specOf("site", containerService.parse(minimal), {}, secretOf)).toMatchObject({ switch: "recreate" });
});

test("a secret is a variable unless it is wanted as a file", () => {
  const secrets = { TOKEN: "api-token", "cert.pem": { from: "certificate", as: "file" } };
  const spec = specOf("site", containerService.parse({ ...minimal, secrets }), {}, secretOf);
  expect(spec).toMatchObject({
    secretEnv: { TOKEN: "<api-token>" },
    secretFiles: { "cert.pem": "<certificate>" },
  });
});

test("a folder that is mounted is not one in memory as well", () => {
  const service = containerService.parse({ ...minimal, mounts: ["tmp:/tmp"] });
  expect(specOf("site", service, facts, secretOf).writable).toEqual([]);
});

describe("a published port", () => {
  const number = fc.integer({ min: 1, max: 65_535 });
  const address = fc.oneof(fc.constant(""), fc.ipV4(), fc.ipV6());
  test("is read as it was written, whatever the address", () => {
    fc.assert(
      fc.property(
        address,
        number,
        number,
        fc.constantFrom("tcp", "udp"),
        (where, host, container, protocol) => {
          const before = where === "" ? "" : `${where.includes(":") ? `[${where}]` : where}:`;
          const read = parse({ ports: [`${before}${host}:${container}/${protocol}`] });
          expect(read.data?.ports).toEqual([{ address: where, host, container, protocol }]);
        },
      ),
    );
  });
  test.each(["80", "0:80", "80:70000", "a:80:80", "::1:80:80", "80:80/sctp", ""])("is none: %j", (text) => {
    expect(wrong({ ports: [text] })?.ports?.join()).toMatch(/host port/);
  });
  test("clashes with one of the same number unless both name different addresses", () => {
    const at = (where: string) => ({ address: where, host: 80, container: 1, protocol: "tcp" as const });
    expect(clash(at(""), at("10.0.0.1"))).toBe(true);
    expect(clash(at("10.0.0.1"), at("10.0.0.1"))).toBe(true);
    expect(clash(at("10.0.0.1"), at("10.0.0.2"))).toBe(false);
    expect(clash(at(""), { ...at(""), protocol: "udp" })).toBe(false);
    expect(clash(at(""), { ...at(""), host: 81 })).toBe(false);
  });
});

test.each<[string, object, string]>([
  ["an image by its tag alone", { image: { reference: "nginx:1.29" } }, "image"],
  [
    "a push of what is in a registry already",
    { image: { reference: `r/x@${digest}` }, push: { to: "r/x" } },
    "push",
  ],
  ["half a login", { push: { to: "r.example.org/x", user: "me" } }, "push"],
  ["a push to a tag", { push: { to: "r.example.org/x:1" } }, "push"],
  ["a login for what is not pulled", { login: { user: "me", password: "token" } }, "login"],
  ["a variable that is a secret, too", { env: { A: "1" }, secrets: { A: "a" } }, "env"],
  ["a variable of two lines", { env: { A: "1\n2" } }, "env"],
  ["a port twice", { ports: ["80:1", "127.0.0.1:80:2"] }, "ports"],
  ["a path twice", { mounts: ["a:/data", "b:/data"] }, "mounts"],
  ["a mount that leaves its folder unnamed", { mounts: ["/data"] }, "mounts"],
  ["udp behind a proxy", { ports: ["53:53/udp"], switch: "proxy" }, "ports"],
  ["a proxy without ports", { switch: "proxy" }, "switch"],
  ["a signal by number", { stop: { signal: "15" } }, "stop"],
  ["no image kept", { keep: 0 }, "keep"],
  ["a machine without host key", { on: { address: "198.51.100.7" } }, "on"],
])("is refused: %s", (_, more, where) => {
  expect(Object.keys(wrong(more) ?? {})).toContain(where);
});

test("any machine with Docker may be named", () => {
  const on = { address: "198.51.100.7", hostKey: "ssh-ed25519 AAAA", user: "deploy" };
  expect(parse({ on }).data?.on).toEqual({ ...on, port: 22 });
});
