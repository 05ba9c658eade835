import * as pulumi from "@pulumi/pulumi";
import { describe, expect, test } from "vitest";
import { parse } from "yaml";
import { cloudConfig, HostIdentity } from "../../components/host-identity.ts";
import { Login } from "../../components/login.ts";
import { PlacementGroups, placementNames } from "../../components/placement-groups.ts";
import { SshKey } from "../../components/ssh-key.ts";
import { adasKey } from "../unit/config/samples.ts";
import {
  ageKeyOf,
  expectFamily,
  only,
  placesOf,
  privateKeyOf,
  publicKeyOf,
  settled,
  underMocks,
  unknown,
} from "./mocks.ts";

const sshKey = "berth:identity:SshKey";
const registered = "hcloud:index/sshKey:SshKey";

/** What cloud-init reads from user data. */
function read(userData: string): Record<string, unknown> {
  expect(userData.startsWith("#cloud-config\n")).toBe(true);
  return parse(userData, { strict: true, uniqueKeys: true });
}

describe("an SshKey", () => {
  test("marks its private half as secret to the engine", async () => {
    const { seen } = await underMocks(() => new SshKey("key", { comment: "c" }));
    expect(only(seen, sshKey)).toMatchObject({ inputs: { comment: "c" }, secretOutputs: ["privateKey"] });
  });

  test("keeps what else it is told to be secret", async () => {
    const { seen } = await underMocks(
      () => new SshKey("key", { comment: "c" }, { additionalSecretOutputs: ["publicKey"] }),
    );
    expect(only(seen, sshKey).secretOutputs.toSorted()).toEqual(["privateKey", "publicKey"]);
  });
});

describe("a HostIdentity", () => {
  const make = (preview = false) =>
    underMocks(() => new HostIdentity("web1-identity", { host: "web1" }, {}), { preview });

  test("is two ssh keys, told apart by their comments", async () => {
    const { seen } = await make();
    expectFamily(seen, "web1-identity");
    const keys = seen.resources.filter(({ type }) => type === sshKey);
    expect(keys.map(({ name, inputs }) => [name, inputs.comment])).toEqual([
      ["web1-identity-bootstrap", "bootstrap web1"],
      ["web1-identity-lasting", "web1"],
    ]);
  });

  test("of an encrypted host has one more key, for its initrd, whose private half is secret", async () => {
    const { value, seen } = await underMocks(
      () => new HostIdentity("web1-identity", { host: "web1", rotate: "2026-11", encrypted: true }, {}),
    );
    const keys = seen.resources.filter(({ type }) => type === sshKey);
    // Rotated with the lasting one, the stack would know a key that the host does not have.
    expect(keys.map(({ name, inputs }) => [name, inputs])).toContainEqual([
      "web1-identity-unlock",
      { comment: "unlock web1" },
    ]);
    if (!value.unlock) throw new Error("it has no unlock key");
    expect(await settled(value.unlock.publicKey)).toBe(publicKeyOf("web1-identity-unlock", "unlock web1"));
    expect(await pulumi.isSecret(value.unlock.privateKey)).toBe(true);
    expect(placesOf("PRIVATE KEY", seen)).toEqual([]);
  });

  test("gives the base image the bootstrap key alone, in user data that cloud-init can read", async () => {
    const { value } = await make();
    const userData = await settled(value.userData);
    expect(read(userData)).toEqual({
      ssh_deletekeys: true,
      ssh_keys: {
        ed25519_private: privateKeyOf("web1-identity-bootstrap"),
        ed25519_public: publicKeyOf("web1-identity-bootstrap", "bootstrap web1"),
      },
    });
    expect(userData).not.toContain("web1-identity-lasting");
  });

  test("keeps user data and private key secret, and publishes no private key", async () => {
    const { value, seen } = await make();
    expect(await pulumi.isSecret(value.userData)).toBe(true);
    expect(await pulumi.isSecret(value.privateKey)).toBe(true);
    expect(await settled(value.privateKey)).toBe(privateKeyOf("web1-identity-lasting"));
    expect(placesOf("PRIVATE KEY", seen)).toEqual([]);
    expect(placesOf("AGE-SECRET-KEY", seen)).toEqual([]);
    expect([...seen.outputs.values()]).toEqual([
      { publicKey: publicKeyOf("web1-identity-lasting", "web1"), ageRecipient: "age1web1-identity-age" },
    ]);
  });

  test("tells either public key as the one it is", async () => {
    const { value } = await make();
    expect(await settled(value.bootstrapPublicKey)).toBe(
      publicKeyOf("web1-identity-bootstrap", "bootstrap web1"),
    );
    expect(await settled(value.publicKey)).toBe(publicKeyOf("web1-identity-lasting", "web1"));
  });

  test("has an age key that depends on no ssh key", async () => {
    const { value, seen } = await make();
    const age = only(seen, "berth:identity:AgeKey");
    expect(age).toMatchObject({ name: "web1-identity-age", inputs: {}, dependencies: [] });
    expect(age.secretOutputs).toEqual(["identity"]);
    expect(await settled(value.ageRecipient)).toBe("age1web1-identity-age");
    expect(await settled(value.ageKey)).toBe(ageKeyOf("web1-identity-age"));
    expect(await pulumi.isSecret(value.ageKey)).toBe(true);
  });

  test("is previewed without keys", async () => {
    const { seen } = await make(true);
    expect([...seen.outputs.values()]).toEqual([{ publicKey: unknown, ageRecipient: unknown }]);
  });
});

describe("user data", () => {
  test.each([
    ["that ends its lines once", "-----BEGIN-----\nabc\n-----END-----\n"],
    ["that ends without one", "-----BEGIN-----\nabc\n-----END-----"],
    ["with lines that look like YAML", "-----BEGIN-----\nkey: value\n- item\n# no comment\n-----END-----"],
  ])("carries a key %s to the letter", (_, key) => {
    const { ssh_keys } = read(cloudConfig(key, "ssh-ed25519 AAAA c\n"));
    expect(ssh_keys).toEqual({ ed25519_private: `${key.trimEnd()}\n`, ed25519_public: "ssh-ed25519 AAAA c" });
  });
});

describe("a Login", () => {
  const access = {
    people: { ada: [adasKey], bob: ["ssh-ed25519 AAAAbob1 bob", "ssh-ed25519 AAAAbob2 bob"] },
    from: ["203.0.113.0/24"],
  };
  const make = (preview = false) =>
    underMocks(() => new Login("login", { access }), { preview, stack: "prod" });

  test("is one key a stack, registered at Hetzner under the stack's name", async () => {
    const { seen } = await make();
    expectFamily(seen, "login");
    const key = only(seen, sshKey);
    expect([key.name, key.inputs.comment]).toEqual(["login-key", "berth prod"]);
    const atHetzner = only(seen, registered);
    expect(atHetzner.inputs).toEqual({
      name: "berth-prod",
      publicKey: publicKeyOf("login-key", "berth prod"),
      labels: { "berth-stack": "prod" },
    });
    expect(atHetzner.deleteBeforeReplace).toBe(true);
    expect(seen.resources).toHaveLength(3);
  });

  test("lets in itself and the people of the configuration, every key of theirs", async () => {
    const { value } = await make();
    expect(await settled(pulumi.output(value.access.authorizedKeys))).toEqual([
      publicKeyOf("login-key", "berth prod"),
      adasKey,
      "ssh-ed25519 AAAAbob1 bob",
      "ssh-ed25519 AAAAbob2 bob",
    ]);
    expect(value.access.from).toEqual(["203.0.113.0/24"]);
  });

  test("keeps its private key secret, wherever it is handed", async () => {
    const { value, seen } = await make();
    expect(await pulumi.isSecret(value.privateKey)).toBe(true);
    expect(await pulumi.isSecret(pulumi.output(value.access.loginKey))).toBe(true);
    expect(await settled(value.privateKey)).toBe(privateKeyOf("login-key"));
    expect(placesOf("PRIVATE KEY", seen)).toEqual([]);
  });

  test("is previewed without a key", async () => {
    const { seen } = await make(true);
    expect(only(seen, registered).inputs.publicKey).toBe(unknown);
  });

  test("registers other keys once a stack, and uses those that Hetzner has by their ids", async () => {
    const keys = {
      "aa:bb": { name: "prod ada aa:bb", publicKey: adasKey },
      "cc:dd": { id: 4242 },
    };
    const { seen, value } = await underMocks(() => new Login("login", { access, keys }), { stack: "prod" });
    expectFamily(seen, "login");
    const atHetzner = only(seen, registered, "login-aabb");
    expect(atHetzner.inputs).toEqual({
      name: "prod ada aa:bb",
      publicKey: adasKey,
      labels: { "berth-stack": "prod" },
    });
    expect(atHetzner.deleteBeforeReplace).toBe(true);
    expect(seen.resources.filter(({ type }) => type === registered)).toHaveLength(2);
    const ids = await settled(pulumi.output(value.access.otherKeyIds));
    expect(ids).toEqual({ "aa:bb": expect.stringMatching(/^\d+$/), "cc:dd": "4242" });
  });

  test("needs nothing at Hetzner where no server is ordered", async () => {
    const { seen, value } = await underMocks(() => new Login("login", { access, atHetzner: false }));
    expect(seen.resources.filter(({ type }) => type === registered)).toEqual([]);
    expect(value.access.sshKeyId).toBeUndefined();
    expect(await settled(value.publicKey)).toBe(publicKeyOf("login-key", "berth dev"));
  });
});

describe("PlacementGroups", () => {
  test("are one of Hetzner's for each name that hosts have, and tell their ids", async () => {
    const host = (placement?: string) => ({ settings: { server: { placement } } });
    const hosts = [host("web"), host(), host("db"), host("web"), { settings: {} }];
    const names = placementNames({ hosts } as unknown as Parameters<typeof placementNames>[0]);
    expect(names).toEqual(["web", "db"]);
    const { seen, value } = await underMocks(() => new PlacementGroups("placements", { names }));
    expectFamily(seen, "placements");
    const groups = seen.resources.filter(({ custom }) => custom);
    expect(groups.map(({ inputs }) => inputs)).toEqual([
      { name: "dev-web", type: "spread" },
      { name: "dev-db", type: "spread" },
    ]);
    expect(Object.keys(value.ids)).toEqual(["web", "db"]);
    for (const id of Object.values(value.ids)) expect(await settled(id)).toMatch(/^\d+$/);
  });
});
