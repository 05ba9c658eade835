import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { parse } from "yaml";
import { driftOfProject, imagePrefix } from "../../../../deployer/docker/compose.ts";
import { composeConfig, override, readBy, unusable } from "../../../../deployer/docker/compose-config.ts";
import { digestsOf, readProject } from "../../../../deployer/docker/compose-files.ts";
import { tellChange, tellRelease } from "../../../../provider/resources/compose-project.ts";

let here: string;
beforeEach(() => {
  here = mkdtempSync(join(tmpdir(), "berth-compose-"));
  mkdirSync(join(here, "html/sub"), { recursive: true });
  writeFileSync(join(here, "compose.yaml"), "services: {}\n");
  writeFileSync(join(here, "nginx.conf"), "events {}");
  writeFileSync(join(here, "html/sub/index.html"), "hello");
});
afterEach(() => rmSync(here, { recursive: true }));

const folder = "/var/lib/berth/project";
const config = composeConfig.parse({
  services: {
    web: {
      image: "nginx",
      volumes: [
        { type: "bind", source: `${folder}/nginx.conf`, target: "/etc/nginx.conf" },
        { type: "bind", source: "/etc/localtime", target: "/etc/localtime" },
        { type: "volume", source: "data", target: "/data" },
      ],
      configs: [{ source: "site" }, "site"],
    },
    app: { build: { context: "." } },
    db: { image: "postgres", secrets: [{ source: "key" }] },
  },
  configs: { site: { file: `${folder}/html/sub/index.html` } },
  secrets: { key: { environment: "KEY" } },
});

describe("what goes to a host of a project", () => {
  test("is its file and what is named beside it, each told apart by its content", async () => {
    const file = join(here, "compose.yaml");
    const one = digestsOf(await readProject(file, ["nginx.conf", "html/"]));
    expect(Object.keys(one)).toEqual(["the compose file", "nginx.conf", "html"]);
    writeFileSync(join(here, "html/sub/index.html"), "good day");
    const two = digestsOf(await readProject(file, ["nginx.conf", "html/"]));
    expect(two["nginx.conf"]).toBe(one["nginx.conf"]);
    expect(two["html"]).not.toBe(one["html"]);
  });

  test.each([
    ["a file that is not there", ["gone.conf"], /there is no gone\.conf/],
    ["a link, which could lead anywhere", ["link"], /neither a file nor a folder/],
    ["more than goes into a release", ["large"], /more than 8 MB at large/],
  ])("is refused with %s", async (_, named, because) => {
    symlinkSync("/etc/passwd", join(here, "link"));
    writeFileSync(join(here, "large"), Buffer.alloc(9 * 1024 * 1024));
    await expect(readProject(join(here, "compose.yaml"), named)).rejects.toThrow(because);
  });
});

test("what a service reads of the project's folder are its mounts and configs in it, and nothing else", () => {
  expect(readBy(config, "web", folder)).toEqual(["html/sub/index.html", "nginx.conf"]);
  expect(readBy(config, "db", folder)).toEqual([]);
});

describe("a compose file that cannot be had on the host", () => {
  const place = () => ({ file: join(here, "compose.yaml"), folder });
  const sent: { digests: Record<string, string>; images: string[] } = {
    digests: { "nginx.conf": "a", html: "b" },
    images: ["app"],
  };

  test("is not one whose files are sent and whose built services have an image", () => {
    expect(unusable(config, sent, place())).toEqual([]);
  });

  test.each<[string, Partial<typeof sent>, RegExp]>([
    ["a service that would be built there", { images: [] }, /app is to be built on the host/],
    [
      "an image for a service that there is not",
      { images: ["app", "wep"] },
      /names the service wep.*web, app, db/,
    ],
    [
      "a file that lies here and is not sent",
      { digests: { html: "b" } },
      /web reads nginx\.conf.*compose\.files/,
    ],
  ])("has %s", (_, change, because) => {
    expect(unusable(config, { ...sent, ...change }, place())).toEqual([expect.stringMatching(because)]);
  });

  test("is not one that names a folder for data, which is not here", () => {
    rmSync(join(here, "nginx.conf"));
    expect(unusable(config, { ...sent, digests: { html: "b" } }, place())).toEqual([]);
  });
});

describe("what is said beside people's own file", () => {
  const services = (digests: Record<string, string>) =>
    parse(override(config, { app: "berth/blog-app:id-1", db: "postgres@sha256:1" }, digests, folder))
      .services;

  test("is each image, and where it comes from", () => {
    expect(services({})).toEqual({
      app: { image: "berth/blog-app:id-1", pull_policy: "never" },
      db: { image: "postgres@sha256:1" },
    });
  });

  test("is another label for another content of what a service reads, and for nothing else", () => {
    fc.assert(
      fc.property(
        fc.record({ "nginx.conf": fc.string(), html: fc.string(), motd: fc.string() }),
        fc.record({ "nginx.conf": fc.string(), html: fc.string(), motd: fc.string() }),
        (one, two) => {
          const same = one["nginx.conf"] === two["nginx.conf"] && one.html === two.html;
          const labels = [one, two].map((digests) => services(digests).web.labels["berth.files"]);
          expect(labels[0] === labels[1]).toBe(same);
          expect(services(one).app.labels).toBeUndefined();
        },
      ),
    );
  });
});

const running = {
  service: "web",
  hash: "h",
  image: "i",
  reference: "nginx",
  status: "running",
  exit: 0,
  restarts: 0,
  health: "healthy",
  policy: "always",
};

describe("what is not as it was left", () => {
  test.each<[string, Partial<typeof running>, string[]]>([
    ["nothing", {}, []],
    ["a service that was stopped", { status: "exited" }, ["web is exited"]],
    ["one that is unwell", { health: "unhealthy" }, ["web is unhealthy by its own check"]],
    ["one with another image", { image: "other" }, ["web runs another image"]],
    ["one that was made by another file", { hash: "other" }, ["web was made from another file"]],
  ])("%s", (_, change, told) => {
    expect(driftOfProject([running], [{ ...running, ...change }])).toEqual(told);
  });

  test("a job that had ended is as it was, a service that is gone is not, and neither is one that came", () => {
    const job = { ...running, service: "job", status: "exited", policy: "no" };
    expect(driftOfProject([job], [job])).toEqual([]);
    expect(driftOfProject([running], [])).toEqual(["web is gone"]);
    expect(driftOfProject([], [running])).toEqual(["web runs and is not in the file"]);
  });
});

test("images of no two projects have names that begin alike", () => {
  const part = fc.stringMatching(/^[a-z0-9][a-z0-9_-]{0,8}$/);
  fc.assert(
    fc.property(part, part, part, part, (stack, project, other, another) => {
      const [one, two] = [imagePrefix({ stack, project }), imagePrefix({ stack: other, project: another })];
      expect(one.startsWith(two)).toBe(stack === other && project === another);
    }),
  );
});

test("a release tells what was recreated and what stayed", () => {
  const db = { ...running, service: "db" };
  expect(tellRelease([], [running, db])).toBe("runs web, db anew");
  expect(tellRelease([running, db], [{ ...running, image: "new" }, db])).toBe("runs web anew; db stayed");
  expect(tellRelease([running], [running])).toBe("is as it was (web)");
});

test("a preview tells files, images and variables by name, and no content of a secret", () => {
  const image = (letter: string) => ({ id: `sha256:${letter.repeat(64)}`, path: "p" });
  const before = {
    digests: { "the compose file": "1", "nginx.conf": "1" },
    images: { web: image("a") },
    secrets: { PASSWORD: "hunter2" },
    env: {},
  };
  const after = {
    ...before,
    digests: { "the compose file": "2", "nginx.conf": "2" },
    images: { web: image("b") },
    secrets: { PASSWORD: "hunter3" },
  };
  expect(tellChange(before, after)).toBe(
    "files change: the compose file, nginx.conf; web: image aaaaaaaaaaaa → bbbbbbbbbbbb; variables change: PASSWORD",
  );
  expect(
    tellChange(before, { ...before, images: { web: { ...image("a"), path: "elsewhere" } } }),
  ).toBeUndefined();
});
