import { describe, expect, test } from "vitest";
import { Container } from "../../components/container.ts";
import { type ImagePlan, imagePlaces } from "../../config/images.ts";
import { parseStackConfig } from "../../config/stack.ts";
import { adasKey } from "../unit/config/samples.ts";
import {
  dependenciesOf,
  expectFamily,
  type MockOptions,
  only,
  placesOf,
  secret,
  underMocks,
} from "./mocks.ts";

const machine = { address: "198.51.100.9", user: "ada", hostKey: adasKey };
const store = (letter: string, name: string) => `/nix/store/${letter.repeat(32)}-${name}`;
const built: ImagePlan = {
  image: {
    from: {
      package: {
        path: "packages.x86_64-linux.site-image",
        drvPath: store("a", "i.drv"),
        out: store("b", "i"),
      },
    },
    architecture: "amd64",
    system: "x86_64-linux",
  },
  facts: { port: 3000, user: "1000:1000", health: { path: "/healthz" } },
};
const pulled: ImagePlan = { image: { reference: `nginx@sha256:${"c".repeat(64)}` }, facts: {} };
const values = { "db-url": "postgres://ada:hunter2@db", registry: "t0p-s3cret" };

/** A container as people write it, on a machine that is written out. */
async function made(container: object, images: Record<string, ImagePlan>, options?: MockOptions) {
  const raw = { containers: { site: { on: machine, ...container } }, secrets: values };
  const { config } = parseStackConfig("dev", raw);
  const site = config.containers["site"];
  if (!site) throw new Error("no container");
  return await underMocks(
    () =>
      new Container("site", {
        config: site,
        loginKey: "login key",
        images,
        builds: config.builds,
        secrets: values,
      }),
    options,
  );
}
const service = { image: { package: "site-image" }, ports: ["80:3000"], secrets: { DATABASE_URL: "db-url" } };
const here = { [imagePlaces("site").service]: built };

describe("a service on a machine with Docker", () => {
  test("is an image of the flake and what runs it, each named after the container", async () => {
    const { seen } = await made(service, here);
    expectFamily(seen, "site");
    expect(seen.resources.map(({ type, name }) => `${type} ${name}`)).toEqual([
      "berth:index:Container site",
      "berth:image:NixImage site-image",
      "berth:docker:HostService site-service",
    ]);
    expect(only(seen, "berth:image:NixImage").inputs).toMatchObject({
      stack: "dev",
      name: "site-image",
      package: { drvPath: store("a", "i.drv"), out: store("b", "i") },
      architecture: "amd64",
    });
    const { inputs } = only(seen, "berth:docker:HostService");
    expect(inputs).toMatchObject({
      host: "198.51.100.9",
      address: "198.51.100.9",
      port: 22,
      user: "ada",
      hostKey: adasKey,
      loginKey: secret("login key"),
      image: { drvPath: store("a", "i.drv") },
      spec: { name: "site", user: "1000:1000", health: { path: "/healthz", port: 3000 }, switch: "proxy" },
    });
  });

  test("its secrets and its login are secrets, wherever they travel", async () => {
    const push = { to: "registry.example.org/me/site", user: "me", password: "registry" };
    const { seen } = await made({ ...service, push }, here);
    for (const value of [...Object.values(values), "login key"]) expect(placesOf(value, seen)).toEqual([]);
    const { inputs } = only(seen, "berth:docker:HostService");
    expect(inputs["spec"]).toMatchObject({ secretEnv: { DATABASE_URL: secret(values["db-url"]) } });
    expect(inputs["image"]).toMatchObject({ login: { user: "me", password: secret(values.registry) } });
    expect(only(seen, "berth:image:RegistryPush").inputs).toMatchObject({
      repository: "registry.example.org/me/site",
      user: "me",
      password: secret(values.registry),
    });
  });

  test("an image that goes through a registry is pushed before the host pulls it", async () => {
    const { seen } = await made({ ...service, push: { to: "registry.example.org/me/site" } }, here);
    expect(dependenciesOf(only(seen, "berth:image:RegistryPush"))).toEqual(["site-image"]);
    expect(dependenciesOf(only(seen, "berth:docker:HostService"))).toEqual(["site-image", "site-push"]);
  });

  test("an image by reference is made nowhere", async () => {
    const reference = `nginx@sha256:${"c".repeat(64)}`;
    const { seen } = await made({ image: { reference } }, { [imagePlaces("site").service]: pulled });
    expect(seen.resources.map(({ type }) => type)).toEqual([
      "berth:index:Container",
      "berth:docker:HostService",
    ]);
    expect(only(seen, "berth:docker:HostService").inputs["image"]).toEqual({ reference });
  });
});

describe("a project of docker compose", () => {
  const compose = {
    file: "./compose.yaml",
    files: ["nginx.conf"],
    env: { TAG: 7 },
    secrets: { PASSWORD: "db-url" },
    images: { web: { package: "site-image" } },
  };

  test("has an image for each service that is named, and its secrets are secrets", async () => {
    const images = { [imagePlaces("site").compose("web")]: built };
    const { seen } = await made({ compose }, images);
    expectFamily(seen, "site");
    expect(placesOf(values["db-url"], seen)).toEqual([]);
    const project = only(seen, "berth:docker:ComposeProject", "site-project");
    expect(project.inputs).toMatchObject({
      project: "site",
      file: "./compose.yaml",
      files: ["nginx.conf"],
      env: { TAG: "7" },
      secrets: { PASSWORD: secret(values["db-url"]) },
      images: { web: { drvPath: store("a", "i.drv") } },
      wait: 120,
    });
    expect(dependenciesOf(project)).toEqual(["site-web-image"]);
  });

  test("a preview knows no id of an image that is not built, and asks for the project all the same", async () => {
    const images = { [imagePlaces("site").compose("web")]: built };
    const { seen } = await made({ compose }, images, { preview: true });
    expect(only(seen, "berth:docker:ComposeProject").inputs["images"]).toMatchObject({
      web: { drvPath: store("a", "i.drv") },
    });
  });
});
