import * as pulumi from "@pulumi/pulumi";
import { afterEach, describe, expect, onTestFinished, test, vi } from "vitest";
import { Deployment } from "../../components/deployment.ts";
import { Installation, type InstallationArgs } from "../../components/installation.ts";
import { installDocument, usualDeadlines } from "../../deployer/install/document.ts";
import { encryption, webManifest } from "../unit/config/samples.ts";
import {
  ageKeyOf,
  expectFamily,
  type MockOptions,
  only,
  placesOf,
  privateKeyOf,
  secret,
  settled,
  underMocks,
  unknown,
} from "./mocks.ts";

const command = "command:local:Command";
const args: InstallationArgs = {
  host: "web1",
  address: "203.0.113.7",
  machineId: "4711",
  bootstrapPublicKey: "ssh-ed25519 AAAAbootstrap bootstrap web1",
  publicKey: "ssh-ed25519 AAAAlasting web1",
  privateKey: pulumi.secret(privateKeyOf("lasting")),
  ageKey: pulumi.secret(ageKeyOf("age")),
  loginKey: pulumi.secret(privateKeyOf("login")),
  authorizedKeys: ["ssh-ed25519 AAAAlogin berth"],
  manifest: webManifest,
};

/** The command that an installation asks for. */
async function asked(changes: Partial<InstallationArgs> = {}, options?: MockOptions) {
  const { seen } = await underMocks(
    () => new Installation("web1-installation", { ...args, ...changes }),
    options,
  );
  return only(seen, command);
}
/** What the command reads on stdin. */
const documentOf = (inputs: Record<string, unknown>): unknown =>
  JSON.parse((inputs.stdin as { value: string }).value);

describe("an Installation", () => {
  test("is one command, named after it", async () => {
    const { seen } = await underMocks(() => new Installation("web1-installation", args));
    expectFamily(seen, "web1-installation");
    expect(seen.resources.map(({ name }) => name)).toEqual([
      "web1-installation",
      "web1-installation-install",
    ]);
  });

  test("runs a constant line without a path, does nothing on update and on delete, and starts for another machine alone", async () => {
    const { inputs, replaceOnChanges } = await asked();
    expect(inputs).toEqual({
      create: 'exec "$BERTH_NODE" "$BERTH_DEPLOYER" install',
      update: ":",
      stdin: secret(expect.any(String)),
      environment: {
        BERTH_NODE: process.execPath,
        BERTH_DEPLOYER: expect.stringMatching(/^\/.*\/deployer\/main\.ts$/),
      },
      triggers: ["4711", ""],
      addPreviousOutputInEnv: false,
    });
    expect(inputs.create).not.toContain("/");
    expect(inputs).not.toHaveProperty("delete");
    // The plugin's own; nothing that would replace the command for its other inputs.
    expect(replaceOnChanges).toEqual(["triggers[*]"]);
  });

  test("ignores every input that says how, not which machine, and keeps what a run printed secret", async () => {
    const resource = await asked();
    expect(resource.ignoreChanges.toSorted()).toEqual([
      "create",
      "dir",
      "environment",
      "interpreter",
      "logging",
      "stdin",
    ]);
    expect(resource.secretOutputs.toSorted()).toEqual(["stderr", "stdout"]);
  });

  test.each<[Partial<InstallationArgs>, boolean]>([
    [{}, true],
    [{ protect: true }, true],
    [{ protect: false }, false],
  ])("given %o is protected: %s", async (changes, expected) => {
    expect((await asked(changes)).protect).toBe(expected);
  });

  test.each<[Partial<InstallationArgs>, number, string]>([
    [{}, 2_700, "2760s"],
    [{ deadline: 600 }, 600, "660s"],
  ])(
    "given %o ends by itself after %i s, before the engine would end it",
    async (changes, seconds, timeout) => {
      const { inputs, createTimeout } = await asked(changes);
      expect(documentOf(inputs)).toMatchObject({ deadline: seconds });
      expect(createTimeout).toBe(timeout);
    },
  );

  test("tells the deployer all it needs, in the shape that it reads", async () => {
    const { inputs } = await asked();
    const document = documentOf(inputs);
    expect(installDocument.parse(document)).toEqual(document);
    expect(document).toEqual({
      target: {
        stack: "dev",
        host: "web1",
        address: "203.0.113.7",
        port: 22,
        user: "root",
        loginKey: privateKeyOf("login"),
      },
      marker: { stack: "dev", host: "web1", server: "4711" },
      ordered: true,
      system: webManifest.system,
      requires: webManifest.requires,
      disks: ["/dev/sda"],
      erase: [],
      reinstall: null,
      adopt: null,
      hetzner: null,
      addresses: { ipv4: "", ipv6: "" },
      substitutes: true,
      bootstrapHostKey: args.bootstrapPublicKey,
      lastingHostKey: { publicKey: args.publicKey, privateKey: privateKeyOf("lasting") },
      ageKey: ageKeyOf("age"),
      authorizedKeys: args.authorizedKeys,
      toplevel: webManifest.toplevel,
      diskoScript: webManifest.diskoScript,
      kexecTarball: webManifest.kexecTarball,
      deadline: 2_700,
      deadlines: usualDeadlines,
    });
  });

  test("tells the deployer the way to a machine that was ordered elsewhere", async () => {
    const jump = { address: "198.51.100.1", port: 22, user: "ada", hostKey: "ssh-ed25519 AAAAjump" };
    const { inputs } = await asked({
      ...{ ordered: false, user: "admin", port: 2222, jump, offline: true, erase: ["S62A"] },
    });
    expect(installDocument.parse(documentOf(inputs))).toMatchObject({
      target: { user: "admin", port: 2222, jump },
      ...{ ordered: false, substitutes: false, erase: ["S62A"] },
    });
  });

  describe("of an encrypted host", () => {
    const manifest = { ...webManifest, encryption };
    const unlock = {
      passphrase: "hunter2-disk",
      publicKey: "ssh-ed25519 AAAAunlock unlock web1",
      privateKey: privateKeyOf("unlock"),
    };

    test("tells the deployer what the disk is encrypted with and how it is unlocked, in a secret alone", async () => {
      const { seen } = await underMocks(
        () => new Installation("web1-installation", { ...args, manifest, unlock }),
      );
      expect(installDocument.parse(documentOf(only(seen, command).inputs)).encryption).toEqual({
        keyFile: "/tmp/disk.key",
        passphrase: "hunter2-disk",
        unlock: {
          ...encryption.unlock,
          hostKey: { publicKey: unlock.publicKey, privateKey: unlock.privateKey },
        },
      });
      expect(placesOf("hunter2-disk", seen)).toEqual([]);
      expect(placesOf("key of unlock", seen)).toEqual([]);
    });

    test("is not begun without a passphrase", async () => {
      await expect(asked({ manifest })).rejects.toThrow("there is no passphrase for it");
    });
  });

  describe("with the word to reinstall", () => {
    const reinstall = { server: "4711", value: "new layout", snapshot: true };
    const api = { token: pulumi.secret("hunter2-token"), endpoint: "https://api.example.org/v1" };

    test("is run again for its value, and is not protected from that", async () => {
      const resource = await asked({ reinstall, api });
      expect(resource.inputs.triggers).toEqual(["4711", "new layout"]);
      expect(resource.protect).toBe(false);
      expect(documentOf(resource.inputs)).toMatchObject({
        marker: { stack: "dev", host: "web1", server: "4711" },
        reinstall,
        hetzner: { token: "hunter2-token", endpoint: "https://api.example.org/v1" },
      });
    });

    test("is not run again when it is for another server, and that is said", async () => {
      const said = vi.spyOn(pulumi.log, "info").mockResolvedValue();
      onTestFinished(() => said.mockRestore());
      expect((await asked({ reinstall: { ...reinstall, server: "4710" } })).inputs.triggers).toEqual([
        "4711",
        "",
      ]);
      expect(said).toHaveBeenCalledExactlyOnceWith(
        "web1: berth:hosts.web1.reinstall is for the server 4710, and this is 4711: nothing is reinstalled",
      );
    });

    test("has the API's token nowhere but in a secret", async () => {
      const { seen } = await underMocks(
        () => new Installation("web1-installation", { ...args, reinstall, api }),
      );
      expect(placesOf("hunter2-token", seen)).toEqual([]);
    });
  });

  test("leaves the login key to the agent when there is none", async () => {
    const { inputs } = await asked({ loginKey: undefined });
    expect(installDocument.parse(documentOf(inputs)).target).not.toHaveProperty("loginKey");
  });

  test("has its private keys nowhere but in a secret, even when they come as plain text", async () => {
    for (const changes of [
      {},
      { privateKey: privateKeyOf("lasting"), ageKey: ageKeyOf("age"), loginKey: privateKeyOf("login") },
    ]) {
      const { seen } = await underMocks(() => new Installation("web1-installation", { ...args, ...changes }));
      expect(placesOf("PRIVATE KEY", seen)).toEqual([]);
      expect(placesOf("key of", seen)).toEqual([]);
      expect(placesOf("AGE-SECRET-KEY", seen)).toEqual([]);
    }
  });

  test("tells the machine's id once it is installed", async () => {
    const { value } = await underMocks(() => new Installation("web1-installation", args));
    expect(await settled(value.installed)).toBe("4711");
  });

  describe("is not run again when", () => {
    const path = process.execPath;
    afterEach(() => {
      process.execPath = path;
      vi.unstubAllEnvs();
    });
    const other = { drvPath: `/nix/store/${"h".repeat(32)}-x.drv`, out: `/nix/store/${"i".repeat(32)}-x` };

    test.each<[string, Partial<InstallationArgs>]>([
      ["the system changes", { manifest: { ...webManifest, toplevel: other } }],
      ["the disk layout changes", { manifest: { ...webManifest, diskoScript: other } }],
      ["the installer changes", { manifest: { ...webManifest, kexecTarball: null } }],
      ["ports and checks change", { manifest: { ...webManifest, ports: { tcp: [], udp: [] }, health: [] } }],
      ["the login key changes", { loginKey: pulumi.secret(privateKeyOf("another")) }],
      ["the login key becomes the agent's", { loginKey: undefined }],
      ["people come and go", { authorizedKeys: ["ssh-ed25519 AAAAbob bob"] }],
      ["the address changes", { address: "203.0.113.8" }],
      ["the bootstrap key changes", { bootstrapPublicKey: "ssh-ed25519 AAAAnew" }],
      [
        "the host key changes",
        { publicKey: "ssh-ed25519 AAAAnew", privateKey: pulumi.secret(privateKeyOf("new")) },
      ],
      ["the deadline changes", { deadline: 60 }],
      ["the way to it changes", { user: "admin", jump: undefined, offline: true }],
      ["its disks are named", { erase: ["S62A"] }],
      ["it is to adopt a snapshot", { adopt: "4710" }],
      [
        "the API's token changes",
        { api: { token: pulumi.secret("hunter2-token"), endpoint: "https://api.example.org/v1" } },
      ],
      [
        "a reinstall is wanted of another server",
        { reinstall: { server: "4710", value: "x", snapshot: true } },
      ],
    ])("%s", async (_, changes) => {
      const before = await asked();
      const after = await asked(changes);
      const which = ({ inputs: { create, update, triggers, delete: end } }: typeof after) => ({
        create,
        update,
        triggers,
        end,
      });
      expect(which(after)).toEqual(which(before));
      const differing = Object.keys(after.inputs).filter(
        (key) => JSON.stringify(after.inputs[key]) !== JSON.stringify(before.inputs[key]),
      );
      for (const key of differing) expect(after.ignoreChanges).toContain(key);
    });

    test("Node moves", async () => {
      const before = await asked();
      process.execPath = "/opt/another/bin/node";
      const after = await asked();
      expect(after.inputs.environment).toMatchObject({ BERTH_NODE: "/opt/another/bin/node" });
      expect([after.inputs.create, after.inputs.triggers]).toEqual([
        before.inputs.create,
        before.inputs.triggers,
      ]);
      expect(after.ignoreChanges).toContain("environment");
    });
  });

  test("is run again for another machine", async () => {
    expect((await asked({ machineId: "4712" })).inputs.triggers).toEqual(["4712", ""]);
  });

  test("is previewed while nothing of the machine is known", async () => {
    const { inputs } = await asked(
      { address: pulumi.unknown as unknown as string, machineId: pulumi.unknown as unknown as string },
      { preview: true },
    );
    expect(inputs.triggers).toEqual([unknown, ""]);
    expect(inputs.create).toContain("install");
    expect(inputs.stdin).toBe(unknown);
  });
});

describe("a Deployment", () => {
  const wanted = {
    host: "web1",
    address: "203.0.113.7",
    hostKey: "ssh-ed25519 AAAAlasting web1",
    machineId: "4711",
    system: "x86_64-linux",
    toplevel: webManifest.toplevel.out,
    drvPath: webManifest.toplevel.drvPath,
    health: webManifest.health,
  };
  const make = (changes: object = {}, options?: MockOptions) =>
    underMocks(() => new Deployment("web1-deployment", { ...wanted, ...changes }), options);

  test("asks for what it was given, with the stack, port 22 and a minute to become healthy", async () => {
    const { seen } = await make();
    expect(only(seen, "berth:deploy:Deployment").inputs).toEqual({
      ...wanted,
      stack: "dev",
      port: 22,
      healthDeadline: 60,
      healthyFor: 0,
      drift: "repair",
      reboot: { when: "told" },
    });
  });

  test("keeps the login key secret, even when it comes as plain text", async () => {
    const { seen } = await make({ loginKey: privateKeyOf("login") });
    expect(only(seen, "berth:deploy:Deployment").inputs.loginKey).toEqual(secret(privateKeyOf("login")));
    expect(placesOf("PRIVATE KEY", seen)).toEqual([]);
  });

  test("tells its release before there is a machine", async () => {
    const { value, seen } = await make(
      { address: pulumi.unknown as unknown as string, machineId: pulumi.unknown as unknown as string },
      { preview: true },
    );
    const { inputs } = only(seen, "berth:deploy:Deployment");
    expect([inputs.address, inputs.toplevel]).toEqual([unknown, wanted.toplevel]);
    expect(await settled(value.release)).toBe(wanted.toplevel);
  });
});
