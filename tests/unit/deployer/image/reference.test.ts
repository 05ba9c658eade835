import fc from "fast-check";
import { expect, test } from "vitest";
import { parseReference, registryUrl, renderReference } from "../../../../deployer/image/reference.ts";

const digest = `sha256:${"0123456789abcdef".repeat(4)}`;

test.each([
  ["nginx", { registry: "docker.io", repository: "library/nginx" }],
  ["grafana/grafana:11", { registry: "docker.io", repository: "grafana/grafana", tag: "11" }],
  ["registry.fly.io/shop:v1", { registry: "registry.fly.io", repository: "shop", tag: "v1" }],
  [`registry.fly.io/shop@${digest}`, { registry: "registry.fly.io", repository: "shop", digest }],
  [`ghcr.io/a/b/c:v1@${digest}`, { registry: "ghcr.io", repository: "a/b/c", tag: "v1", digest }],
  ["localhost/app", { registry: "localhost", repository: "app" }],
  ["127.0.0.1:5000/app:id-0a", { registry: "127.0.0.1:5000", repository: "app", tag: "id-0a" }],
  ["[::1]:5000/app", { registry: "[::1]:5000", repository: "app" }],
])("%s is read as Docker reads it", (text, expected) => {
  expect(parseReference(text)).toEqual(expected);
});

test.each([
  ["", "a repository is"],
  ["Shop", "a repository is"],
  ["shop:", '"" is no tag'],
  ["shop:a b", '"a b" is no tag'],
  ["shop@sha256:abc", "behind @ goes"],
  [`shop@${digest.toUpperCase()}`, "behind @ goes"],
  [`shop@${digest}@${digest}`, "more than one @"],
  ["registry.fly.io/", "a repository is"],
  ["-a.io/shop", '"-a.io" is no host'],
  ["a.io/../shop", "a repository is"],
  ["a.io/shop?x", "a repository is"],
])("%s is refused with what is wrong", (text, why) => {
  expect(() => parseReference(text)).toThrow(`"${text}" is no image reference: `);
  expect(() => parseReference(text)).toThrow(why);
});

test("what was read is written so that it is read the same", () => {
  const part = fc.stringMatching(/^[a-z0-9]{1,8}$/);
  const reference = fc.record(
    {
      registry: fc.constantFrom("docker.io", "ghcr.io", "localhost", "127.0.0.1:5000"),
      repository: fc.array(part, { minLength: 2, maxLength: 4 }).map((parts) => parts.join("/")),
      tag: fc.stringMatching(/^[A-Za-z0-9_][A-Za-z0-9_.-]{0,12}$/),
      digest: fc.constant(digest),
    },
    { requiredKeys: ["registry", "repository"] },
  );
  fc.assert(
    fc.property(reference, (given) => {
      const { tag, ...rest } = given;
      // A digest says which one, whatever the tag.
      expect(parseReference(renderReference(given))).toEqual(given.digest === undefined ? given : rest);
      void tag;
    }),
  );
});

test.each([
  ["docker.io", "https://registry-1.docker.io/"],
  ["registry.fly.io", "https://registry.fly.io/"],
  ["localhost:5000", "http://localhost:5000/"],
  ["127.0.0.1:5000", "http://127.0.0.1:5000/"],
  ["127.evil.example", "https://127.evil.example/"],
  ["127.0.0.1.example", "https://127.0.0.1.example/"],
  ["[::1]:5000", "http://[::1]:5000/"],
])("%s is asked at %s", (registry, url) => {
  expect(registryUrl(registry).href).toBe(url);
});
