import { expect, test } from "vitest";
import { filesOf, imageUses, type PlannedImage } from "../../../config/images.ts";
import type { Problem } from "../../../config/problems.ts";
import { parsed, refused } from "./read-stack.ts";
import { adasKey, flake, plan, type Raw, refusals, withHost } from "./samples.ts";

const site = { on: "web1", image: { package: "site-image" } };
const machine = { address: "198.51.100.9", hostKey: adasKey };
const blog = { on: machine, compose: { file: "./compose.yaml" } };
const store = (letter: string, name: string) => `/nix/store/${letter.repeat(32)}-${name}`;
const evaluated = {
  drvPath: store("a", "image.drv"),
  out: store("b", "image"),
  facts: { port: 8080 },
  created: "1970-01-01T00:00:01Z",
};
const images = { "packages.x86_64-linux.site-image": evaluated };

test("a stack may have containers alone", () => {
  const { config } = parsed({ containers: { blog } });
  expect(config.hosts).toEqual({});
  expect(plan({ containers: { blog } }).hosts).toEqual([]);
});

test.each<[string, Raw, Problem]>([
  [
    "a port that is none",
    { ...site, ports: ["80:http"] },
    { path: "berth:containers.x.ports.0", message: expect.stringContaining("such as 80:8080") },
  ],
  [
    "an image by its tag",
    { ...site, image: { reference: "nginx:1.27" } },
    {
      path: "berth:containers.x.image.reference",
      message: expect.stringContaining("a tag alone may name another one tomorrow"),
      example: expect.stringContaining("@sha256:"),
    },
  ],
  [
    "two images in one",
    { ...site, image: { package: "site", archive: "./image.tar" } },
    {
      path: "berth:containers.x.image",
      message: "exactly one of package, archive and reference",
      example: "{ package: site-image }",
    },
  ],
  [
    "a key that there is not",
    { ...site, port: ["80:80"] },
    { path: "berth:containers.x.port", message: expect.stringMatching(/no such key; there are .*ports/) },
  ],
  [
    "a mistake in a compose project, told as that of one",
    { on: "web1", compose: { fil: "./compose.yaml", file: "./compose.yaml" } },
    {
      path: "berth:containers.x.compose.fil",
      message: "there is no such key; there are file, files, project, env, secrets, images, wait",
    },
  ],
  [
    "an image and a compose project",
    { ...site, compose: { file: "./compose.yaml" } },
    {
      path: "berth:containers.x.compose",
      message: "does not go with the other keys here: each shape has its own",
    },
  ],
  [
    "a machine without a host key",
    { ...site, on: { address: "198.51.100.9" } },
    {
      path: "berth:containers.x.on.hostKey",
      message: expect.stringContaining("berth trust ADDRESS"),
      example: expect.anything(),
    },
  ],
  [
    "files above the compose file",
    { on: "web1", compose: { file: "./compose.yaml", files: ["../secrets"] } },
    {
      path: "berth:containers.x.compose.files.0",
      message: expect.stringContaining("below the compose file's folder"),
    },
  ],
  [
    "neither shape",
    "web1" as never,
    { path: "berth:containers.x", message: "on and image, or on and compose" },
  ],
])("%s is refused with its place", (_, container, problem) => {
  expect(refused({ containers: { x: container } })).toContainEqual(problem);
});

test("a container on a host that there is not names those that there are", () => {
  expect(
    refusals(withHost({}, { containers: { site: { ...site, on: "web7" } } }), { images }),
  ).toContainEqual({
    path: "berth:containers.site.on",
    message: expect.stringContaining('no host "web7" under berth:hosts; there are web1'),
    example: "web1",
  });
});

test("every secret that a container names has to be there, and is used", () => {
  const containers = {
    site: {
      ...site,
      secrets: { DATABASE_URL: "db-url", KEY: { from: "tls-key", as: "file" } },
      push: { to: "registry.example.org/me/site", user: "me", password: "registry" },
    },
    blog: { on: "web1", compose: { file: "./compose.yaml", secrets: { PASSWORD: "blog-password" } } },
  };
  const problems = refusals(withHost({}, { containers }), { images });
  expect(problems.map(({ path }) => path)).toEqual([
    "berth:containers.site.secrets.DATABASE_URL",
    "berth:containers.site.secrets.KEY",
    "berth:containers.site.push.password",
    "berth:containers.blog.compose.secrets.PASSWORD",
  ]);
  expect(problems[0]?.example).toBe("pulumi config set --secret --path 'berth:secrets.db-url'");
  const secrets = { "db-url": "a", "tls-key": "b", registry: "c", "blog-password": "d", spare: "e" };
  const { notes } = plan(withHost({}, { containers, secrets }), { images });
  expect(notes.filter((note) => note.includes("nothing uses it"))).toEqual([
    expect.stringContaining("berth:secrets.spare"),
  ]);
});

test("two containers of one machine do not publish one port, and those of two machines may", () => {
  const on = (port: string, where: unknown = "web1") => ({ ...site, on: where, ports: [port] });
  const problems = (containers: Raw) => {
    try {
      plan(withHost({}, { containers }), { images });
      return [];
    } catch (error) {
      return [String(error)];
    }
  };
  expect(problems({ a: on("80:8080"), b: on("127.0.0.1:80:8080") })).toEqual([
    expect.stringContaining("berth:containers.b.ports.0: 80/tcp is berth:containers.a's"),
  ]);
  expect(problems({ a: on("80:8080"), b: on("81:8080") })).toEqual([]);
  expect(problems({ a: on("80:8080"), b: on("80:8080", machine) })).toEqual([]);
});

test("two compose projects of one machine have two names", () => {
  const containers = { blog, shop: { ...blog, compose: { ...blog.compose, project: "blog" } } };
  expect(refusals({ containers })).toEqual([
    {
      path: "berth:containers.shop.compose.project",
      message: expect.stringContaining("berth:containers.blog"),
    },
  ]);
});

test("an image is the package of the host's system, with what it says of itself", () => {
  const { images: planned } = plan(withHost({}, { containers: { site } }), { images });
  expect(planned).toEqual({
    "berth:containers.site.image": {
      image: {
        from: {
          package: {
            path: "packages.x86_64-linux.site-image",
            drvPath: evaluated.drvPath,
            out: evaluated.out,
          },
        },
        architecture: "amd64",
        system: "x86_64-linux",
      } satisfies PlannedImage,
      facts: { port: 8080 },
    },
  });
  const raw = withHost(
    { system: "pi", server: { type: "cax11", location: "fsn1" } },
    { containers: { site } },
  );
  expect(imageUses(parsed(raw).config, flake())).toMatchObject([{ system: "aarch64-linux" }]);
});

test.each<[string, Raw, object, string, RegExp]>([
  [
    "for another machine than its host",
    { ...site, image: { package: "site-image", system: "aarch64-linux" } },
    images,
    "image.system",
    /it runs on x86_64-linux/,
  ],
  [
    "that the flake does not have",
    site,
    { "packages.x86_64-linux.site-image": { instead: ["site", "spa-image"] } },
    "image.package",
    /has no packages\.x86_64-linux\.site-image; it has site, spa-image/,
  ],
  [
    "that is made anew each time",
    site,
    { "packages.x86_64-linux.site-image": { ...evaluated, created: "now" } },
    "image.package",
    /created = "now"/,
  ],
  [
    "that says it is for another machine",
    site,
    { "packages.x86_64-linux.site-image": { ...evaluated, facts: { architecture: "arm64" } } },
    "image.package",
    /says that it is for arm64/,
  ],
  ["whose file is not there", { ...site, image: { archive: "./gone.tar" } }, {}, "image.archive", /no file/],
])("an image %s is refused", (_, container, flakes, where, because) => {
  const raw = withHost({}, { containers: { site: container } });
  expect(filesOf(parsed(raw).config)).toEqual(container["image"] === site.image ? [] : expect.anything());
  expect(refusals(raw, { images: flakes as typeof images, absentFiles: ["./gone.tar"] })).toEqual([
    {
      path: `berth:containers.site.${where}`,
      message: expect.stringMatching(because),
      ...example(where, flakes),
    },
  ]);
});
/** What is made anew is shown how it is made well. */
const example = (_: string, flakes: object) =>
  JSON.stringify(flakes).includes('"now"') ? { example: 'created = "1970-01-01T00:00:01Z"' } : {};

test("a compose file that is not there is refused, and the images of its services are looked for as well", () => {
  const containers = {
    blog: { ...blog, compose: { ...blog.compose, images: { web: { archive: "./web.tar" } } } },
  };
  expect(filesOf(parsed({ containers }).config)).toEqual(["./compose.yaml", "./web.tar"]);
  expect(
    refusals({ containers }, { absentFiles: ["./compose.yaml", "./web.tar"] }).map(({ path }) => path),
  ).toEqual(["berth:containers.blog.compose.file", "berth:containers.blog.compose.images.web.archive"]);
});

test("what a service publishes to everybody passes the firewall of its host, where the manifest does not open it already", () => {
  const containers = {
    site: {
      ...site,
      ports: ["80:3000", "8443:3000", "127.0.0.1:9090:9090", "53:53/udp"],
      switch: "recreate",
    },
    other: { ...site, on: machine, ports: ["7000:7000"] },
  };
  const { hosts } = plan(withHost({}, { containers }), { images });
  const rule = { direction: "in", networks: [], description: "container site" };
  expect(hosts[0]?.published).toEqual([
    { ...rule, protocol: "tcp", port: "8443" },
    { ...rule, protocol: "udp", port: "53" },
  ]);
});

test("a variable that docker compose itself goes by is no variable of a project", () => {
  const variables = (env: Raw) => ({
    containers: { blog: { ...blog, compose: { ...blog.compose, env } } },
  });
  for (const name of ["PATH", "DOCKER_HOST", "COMPOSE_FILE", "LD_PRELOAD"])
    expect(refused(variables({ [name]: "x" })), name).toHaveLength(1);
  expect(parsed(variables({ COMPOSE_PROFILES: "web", TAG: 7 })).config.containers["blog"]).toMatchObject({
    compose: { env: { COMPOSE_PROFILES: "web", TAG: "7" } },
  });
});
