import * as pulumi from "@pulumi/pulumi";
import { describe, expect, test } from "vitest";
import { AppAtFly } from "../../components/app-at-fly.ts";
import { type FlyAppInput, parseFlyApp } from "../../config/fly.ts";
import { dependenciesOf, expectFamily, only, placesOf, secret, settled, underMocks } from "./mocks.ts";

const reference = `registry.fly.io/webecho@sha256:${"a".repeat(64)}`;
const token = "FlyV1 fm2_token";

const make = (changes: Partial<FlyAppInput> = {}, protect = false) =>
  underMocks(
    () =>
      new AppAtFly("webecho", {
        config: parseFlyApp({
          regions: { sea: 2 },
          image: { reference },
          services: [{ internalPort: 8080 }],
          secrets: { APP_ECHO_ME: "echo-me" },
          certificates: ["echo.example.org"],
          ...changes,
        }),
        access: {
          token: pulumi.secret(token),
          endpoint: "http://127.0.0.1:1/v1",
          registry: "127.0.0.1:5000",
        },
        secrets: { "echo-me": pulumi.secret("ahoy"), other: pulumi.secret("not its own") },
        protect,
      }),
  );

describe("an app at Fly", () => {
  test("is the app, then its secrets, then what it runs with their revision", async () => {
    const { seen } = await make();
    expectFamily(seen, "webecho");
    expect(only(seen, "berth:fly:App").inputs).toMatchObject({
      app: "webecho",
      organization: "personal",
      addresses: ["v6", "shared_v4"],
      certificates: ["echo.example.org"],
      endpoint: "http://127.0.0.1:1/v1",
    });
    const secrets = only(seen, "berth:fly:Secrets");
    expect(dependenciesOf(secrets)).toEqual(["webecho-app"]);
    expect(secrets.inputs["values"]).toEqual({ APP_ECHO_ME: secret("ahoy") });
    const deployment = only(seen, "berth:fly:Deployment");
    expect(dependenciesOf(deployment)).toEqual(["webecho-app", "webecho-secrets"]);
    expect(deployment.inputs).toMatchObject({
      image: reference,
      registry: "127.0.0.1:5000",
      secretsRevision: "s1",
      config: { regions: { sea: 2 }, services: [{ internalPort: 8080 }] },
    });
  });

  test("goes as a whole, and only what holds its volumes is protected", async () => {
    const { seen } = await make({}, true);
    for (const type of ["berth:fly:Secrets", "berth:fly:Deployment"]) {
      expect(only(seen, type).deletedWith).toMatch(/::webecho-app$/);
      expect(only(seen, type).protect ?? false).toBe(false);
    }
    expect(only(seen, "berth:fly:App").protect).toBe(true);
  });

  test("has the token and what is secret nowhere but in secrets", async () => {
    const { seen } = await make();
    for (const text of [token, "ahoy", "not its own"]) expect(placesOf(text, seen)).toEqual([]);
  });

  test("without secrets has none of them before its release, so that the last one is taken away first", async () => {
    const { seen } = await make({ secrets: {} });
    expect(only(seen, "berth:fly:Secrets").inputs["values"]).toEqual({});
    expect(dependenciesOf(only(seen, "berth:fly:Deployment"))).toContain("webecho-secrets");
  });

  test("pushes an image that is built here to its own repository once there is the app, and runs that", async () => {
    const { seen } = await make({ image: { archive: "./image.tar.gz" } });
    expect(only(seen, "berth:image:NixImage").inputs).toMatchObject({
      archive: "./image.tar.gz",
      architecture: "amd64",
    });
    const push = only(seen, "berth:image:RegistryPush");
    expect(push.inputs).toMatchObject({
      repository: "127.0.0.1:5000/webecho",
      user: "x",
      password: secret(token),
    });
    expect(dependenciesOf(push)).toEqual(expect.arrayContaining(["webecho-app", "webecho-image"]));
    const deployment = only(seen, "berth:fly:Deployment");
    expect(deployment.inputs["image"]).toBe("127.0.0.1:5000/webecho@sha256:pushed");
    expect(placesOf(token, seen)).toEqual([]);
  });

  test("tells where people find it", async () => {
    const { value } = await make();
    expect(await settled(value.outputs)).toMatchObject({
      url: "https://webecho.fly.dev/",
      release: reference,
      machines: ["2fb11972c4d41b"],
    });
  });
});
