import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import * as pulumi from "@pulumi/pulumi";
import { setAllConfig } from "@pulumi/pulumi/runtime/index.js";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from "vitest";
import { selection } from "../../deployer/nix/evaluate.ts";
import { listeningCloud, token } from "../lab/cloud/client.ts";
import { adasKey, plainHost, webManifest } from "../unit/config/samples.ts";
import {
  dependenciesOf,
  expectFamily,
  type MockOptions,
  only,
  placesOf,
  secret,
  settled,
  underMocks,
  unknown,
} from "./mocks.ts";

type Program = typeof import("../../index.ts");

let cloud: Awaited<ReturnType<typeof listeningCloud>>;
beforeAll(async () => {
  cloud = await listeningCloud();
});
afterAll(() => cloud.close());

/** The provider's own configuration. */
let configured: Record<string, string>;
let folder: string;
beforeEach(() => {
  configured = {};
  vi.stubEnv("HCLOUD_TOKEN", token);
  vi.stubEnv("HCLOUD_ENDPOINT", cloud.url);
  folder = mkdtempSync(join(tmpdir(), "berth-program-"));
});
afterEach(() => {
  setAllConfig({});
  vi.unstubAllEnvs();
  rmSync(folder, { recursive: true });
});

/** A Nix on PATH that does what a script says when it is to evaluate, and remembers that it was asked. It knows no flake's content. */
function nix(script: string): void {
  const evaluation = `[ "$1" = eval ] || exit 1\nprintf '%s\\n' "$*" >>${folder}/asked`;
  writeFileSync(join(folder, "nix"), `#!/bin/sh\n${evaluation}\n${script}\n`);
  chmodSync(join(folder, "nix"), 0o755);
  vi.stubEnv("PATH", `${folder}${delimiter}${process.env.PATH}`);
}
function evaluatesTo(manifest: object): void {
  const evaluated = { names: Object.keys(manifest), hosts: manifest };
  writeFileSync(join(folder, "manifest.json"), JSON.stringify(evaluated));
  nix(`cat ${folder}/manifest.json`);
}
const asked = () =>
  existsSync(join(folder, "asked")) ? readFileSync(join(folder, "asked"), "utf8").trim().split("\n") : [];

/** The whole program under a configuration, as the engine hands it over: maps as JSON text. */
function program(config: Record<string, unknown>, options?: MockOptions) {
  return underMocks(async () => {
    setAllConfig({
      ...configured,
      ...Object.fromEntries(
        Object.entries(config).map(([key, value]) => [
          `berth:${key}`,
          typeof value === "string" ? value : JSON.stringify(value),
        ]),
      ),
    });
    vi.resetModules();
    return (await import("../../index.ts")) as Program;
  }, options);
}
/** What a person is told when the program refuses. */
async function refusal(config: Record<string, unknown>): Promise<string> {
  const error: unknown = await program(config).then(
    () => new Error("it went well"),
    (thrown: unknown) => thrown,
  );
  // The one kind of error that Pulumi shows without its stack.
  expect(pulumi.RunError.isInstance(error)).toBe(true);
  return (error as Error).message;
}

describe("the program", () => {
  test("makes every host of the configuration from one evaluation of the flake", async () => {
    evaluatesTo({ web: webManifest, spare: webManifest });
    const { value, seen } = await program({
      flake: "path:./site",
      hosts: { web1: plainHost, web2: { ...plainHost, server: { type: "cx33", location: "nbg1" } } },
      protect: false,
    });
    expect(asked()).toEqual([
      `eval --json --no-update-lock-file --no-warn-dirty path:./site#berth.hosts --apply ${selection(["web"])}`,
    ]);
    expectFamily(seen, "login", "web1", "web2", "berth:protect");
    expect(Object.keys(value.hosts)).toEqual(["web1", "web2"]);
    expect(value.pricePerMonth).toBe(14.98);
    expect(seen.resources.some(({ protect }) => protect)).toBe(false);
  });

  test("a container comes after the release of its host, goes with its server, and is told", async () => {
    const image = {
      drvPath: webManifest.toplevel.drvPath,
      out: webManifest.toplevel.out,
      facts: {},
      created: null,
    };
    const packages = { "packages.x86_64-linux.site-image": image };
    writeFileSync(
      join(folder, "hosts.json"),
      JSON.stringify({ names: ["web"], hosts: { web: webManifest } }),
    );
    writeFileSync(join(folder, "packages.json"), JSON.stringify(packages));
    nix(`case "$*" in *#packages*) cat ${folder}/packages.json ;; *) cat ${folder}/hosts.json ;; esac`);
    const { value, seen } = await program({
      hosts: { web1: plainHost },
      containers: { site: { on: "web1", image: { package: "site-image" } } },
    });
    expect(asked()).toHaveLength(2);
    const service = only(seen, "berth:docker:HostService");
    expect(dependenciesOf(service)).toContain("web1-deployment");
    expect(service.deletedWith).toBe(only(seen, "hcloud:index/server:Server").urn);
    expect(service.inputs).toMatchObject({ host: "web1", address: "203.0.113.7" });
    expect(await settled(pulumi.output(value.containers["site"]?.on))).toBe("web1");
  });

  test("a stack of containers alone needs neither a flake nor anything at Hetzner", async () => {
    nix("exit 1");
    vi.stubEnv("HCLOUD_TOKEN", "");
    const machine = { address: "198.51.100.9", hostKey: adasKey };
    const reference = `docker.io/library/nginx@sha256:${"a".repeat(64)}`;
    const { seen } = await program({ containers: { web: { on: machine, image: { reference } } } });
    expect(asked()).toEqual([]);
    expect(only(seen, "berth:docker:HostService").inputs["image"]).toEqual({ reference });
  });

  test("tells URL, addresses, release and price, and the login key as a secret", async () => {
    evaluatesTo({ web: webManifest });
    const { value } = await program({ hosts: { web1: { ...plainHost, domain: "site.lab" } } });
    const { web1 } = value.hosts;
    expect(await settled(pulumi.output(web1))).toMatchObject({
      url: "https://site.lab/",
      address: "203.0.113.7",
      ipv6Address: "2001:db8::1",
      release: webManifest.toplevel.out,
      pricePerMonth: 5.99,
    });
    expect(await pulumi.isSecret(value.loginKey)).toBe(true);
    expect(await settled(value.loginKey)).toContain("key of login-key");
  });

  test("logs in with one key on all hosts", async () => {
    evaluatesTo({ web: webManifest });
    const { seen } = await program({ hosts: { web1: plainHost, web2: plainHost } });
    const keys = seen.resources
      .filter(({ type }) => type === "berth:deploy:Deployment")
      .map(({ inputs }) => inputs.loginKey);
    expect(keys).toHaveLength(2);
    expect(keys[0]).toEqual(keys[1]);
    expect(seen.resources.filter(({ type }) => type === "hcloud:index/sshKey:SshKey")).toHaveLength(1);
  });

  /** A stack with something of each kind at Hetzner. */
  const manifold = {
    hosts: {
      web1: { ...plainHost, volumes: { data: 20 }, server: { ...plainHost.server, placement: "web" } },
    },
    network: {},
    dns: { "example.org": {} },
    loadBalancers: {
      edge: {
        location: "fsn1",
        targets: ["web1"],
        services: [{ protocol: "tcp", port: 443, targetPort: 443 }],
      },
    },
  };

  test("ends with what everything else is deleted after, protected as the stack is", async () => {
    evaluatesTo({ web: webManifest });
    for (const protect of [true, false]) {
      const { seen } = await program({ ...manifold, protect });
      const last = only(seen, "pulumi:index:Stash");
      const others = seen.resources.filter(({ custom, urn }) => custom && urn !== last.urn);
      expect(others.filter(({ urn }) => !last.dependencies.includes(urn)).map(({ name }) => name)).toEqual(
        [],
      );
      expect(last.protect ?? false).toBe(protect);
    }
  });

  test("has nothing at Hetzner go with something that is protected and stays", async () => {
    evaluatesTo({ web: webManifest });
    const going = async (protect: boolean) => {
      const { seen } = await program({ ...manifold, protect });
      const ofHetzner = seen.resources.filter(({ type }) => type.startsWith("hcloud:"));
      return ofHetzner.filter(({ deletedWith }) => deletedWith !== "").map(({ name }) => name);
    };
    expect(await going(true)).toEqual([]);
    expect((await going(false)).toSorted()).toEqual([
      "edge-443",
      "edge-network",
      "edge-web1",
      "example.org-records-@-CAA",
      "network-subnet",
      "web1-private-address",
      "web1-volume-data-attachment",
    ]);
  });

  test("gives the API's token to what switches servers on, from the configuration before the environment", async () => {
    evaluatesTo({ web: webManifest });
    const tokenOf = async () => {
      const { seen } = await program({ hosts: { web1: plainHost } });
      return only(seen, "berth:hetzner:ServerPower").inputs.token;
    };
    expect(await tokenOf()).toEqual(secret(token));
    vi.stubEnv("HCLOUD_TOKEN", "another");
    configured["hcloud:token"] = token;
    expect(await tokenOf()).toEqual(secret(token));
  });

  test("has private keys and the token nowhere but in secrets", async () => {
    evaluatesTo({ web: webManifest });
    const { seen } = await program({ hosts: { web1: plainHost } });
    expect(placesOf("PRIVATE KEY", seen)).toEqual([]);
    expect(placesOf("key of", seen)).toEqual([]);
    expect(placesOf(token, seen)).toEqual([]);
  });

  test("makes apps at Fly without a host, and asks neither Nix nor Hetzner for them", async () => {
    vi.stubEnv("PATH", folder);
    vi.stubEnv("HCLOUD_TOKEN", "");
    vi.stubEnv("FLY_API_TOKEN", "FlyV1 fm2_lab");
    vi.stubEnv("FLY_FLAPS_BASE_URL", "http://127.0.0.1:1/");
    const image = { reference: `registry.fly.io/webecho@sha256:${"a".repeat(64)}` };
    const { value, seen } = await program({ fly: { webecho: { regions: { sea: 2 }, image } } });
    expect(only(seen, "berth:fly:Deployment").inputs).toMatchObject({
      app: "webecho",
      endpoint: "http://127.0.0.1:1/v1",
      token: secret("FlyV1 fm2_lab"),
    });
    expect(Object.keys(value.apps)).toEqual(["webecho"]);
    expect(only(seen, "pulumi:index:Stash").dependencies).toContain(only(seen, "berth:fly:App").urn);
  });

  test("previews a stack that does not exist yet", async () => {
    evaluatesTo({ web: webManifest });
    const { value, seen } = await program({ hosts: { web1: plainHost } }, { preview: true });
    const deployment = seen.resources.find(({ type }) => type === "berth:deploy:Deployment");
    expect(deployment?.inputs).toMatchObject({ address: unknown, toplevel: webManifest.toplevel.out });
    expect(await settled(pulumi.output(value.hosts.web1?.release))).toBe(webManifest.toplevel.out);
  });

  test("sums prices to the cent, however many hosts there are", async () => {
    evaluatesTo({ web: webManifest });
    const names = ["a", "b", "c", "d", "e", "f", "g"];
    const { value } = await program({ hosts: Object.fromEntries(names.map((name) => [name, plainHost])) });
    expect(value.pricePerMonth).toBe(41.93);
  });
});

describe("the program tells a person's mistake in one message without a stack", () => {
  test("when the configuration is wrong, before the flake is evaluated", async () => {
    evaluatesTo({ web: webManifest });
    expect(await refusal({ hosts: { web1: plainHost }, protekt: false, flake: 3 })).toBe(
      [
        "Stack dev: these 2 things are wrong in Pulumi.dev.yaml:",
        "  berth:flake: a text is needed, this is a number",
        "      for example: .",
        "  berth:protekt: there is no such key; there are flake, access, hosts, secrets, network, dns, loadBalancers, containers, fly, flyToken, builds, rollout, protect, shortLived",
        "Nothing was created or changed.",
      ].join("\n"),
    );
    expect(asked()).toEqual([]);
  });

  test("when there is no configuration at all", async () => {
    expect(await refusal({})).toContain(
      "berth:hosts: is missing; at least one host, or something under berth:containers or berth:fly",
    );
  });

  test("when there is no token, which the provider needs for a preview, too", async () => {
    evaluatesTo({ web: webManifest });
    vi.stubEnv("HCLOUD_TOKEN", "");
    expect(await refusal({ hosts: { web1: plainHost } })).toBe(
      "find an API token of Hetzner's, because the stack has something there: neither hcloud:token nor HCLOUD_TOKEN is set, so that offers and prices are those of the list that comes with Berth. Nothing was created or changed. Next: make one in Hetzner's console, project > Security > API tokens, with read and write, and set it: pulumi config set --secret hcloud:token.",
    );
    const server = { ...plainHost.server, type: "cx99" };
    const both = await refusal({ hosts: { web1: { ...plainHost, server } } });
    expect(both).toContain('berth:hosts.web1.server.type: "cx99"');
  });

  test("when an app at Fly is wanted and there is no token of Fly's", async () => {
    for (const name of ["FLY_ACCESS_TOKEN", "FLY_API_TOKEN"]) vi.stubEnv(name, "");
    const image = { reference: `registry.fly.io/webecho@sha256:${"a".repeat(64)}` };
    expect(await refusal({ fly: { webecho: { regions: { sea: 2 }, image } } })).toBe(
      "find Fly's token, because the stack has webecho there: neither berth:flyToken nor FLY_ACCESS_TOKEN nor FLY_API_TOKEN is set. Nothing was created or changed. Next: make one (fly tokens create org) and set it: pulumi config set --secret berth:flyToken.",
    );
  });

  test("when the flake lacks a package that an app at Fly is to run", async () => {
    writeFileSync(
      join(folder, "images.json"),
      JSON.stringify({ "packages.x86_64-linux.webechoImg": { instead: ["site", "webecho"] } }),
    );
    nix(`cat ${folder}/images.json`);
    const app = { regions: { sea: 2 }, image: { package: "webechoImg" } };
    expect(await refusal({ fly: { webecho: app }, flyToken: "FlyV1 fm2_lab" })).toContain(
      "berth:fly.webecho.image.package: the flake has no packages.x86_64-linux.webechoImg; there are site, webecho",
    );
  });

  test("when stack and flake disagree", async () => {
    evaluatesTo({ spare: webManifest });
    expect(await refusal({ hosts: { web1: plainHost } })).toContain(
      "berth:hosts.web1.system: the flake . has no berth.hosts.web; it has spare\n      for example: spare\n",
    );
  });

  test("when the flake does not evaluate", async () => {
    nix("echo 'error: syntax error, unexpected end of file' >&2; exit 1");
    expect(await refusal({ hosts: { web1: plainHost } })).toBe(
      "evaluate .#berth.hosts: the evaluation failed\nerror: syntax error, unexpected end of file\n Next: mend the flake; nix eval '.#berth.hosts' shows the same.",
    );
  });

  test("when the flake's manifest has another shape", async () => {
    evaluatesTo({ web: { ...webManifest, system: "x86_64-darwin", health: [{}] } });
    const message = await refusal({ hosts: { web1: plainHost } });
    expect(message).toContain("evaluate .#berth.hosts: a manifest of another shape\n");
    expect(message).toContain("  berth.hosts.web.system: ");
    expect(message).toContain(
      "  berth.hosts.web.health.0: exactly one of http, https, tcp, unit and command",
    );
  });

  test("when Nix prints something else", async () => {
    nix("echo warning: this is no JSON");
    expect(await refusal({ hosts: { web1: plainHost } })).toContain("evaluate .#berth.hosts: ");
  });

  test("when there is no Nix", async () => {
    vi.stubEnv("PATH", folder);
    expect(await refusal({ hosts: { web1: plainHost } })).toBe(
      "start nix: it is not on PATH. Next: install nix or put its folder on PATH.",
    );
  });
});

test("no resource is asked of the engine when the program refuses", async () => {
  evaluatesTo({ spare: webManifest });
  const types: string[] = [];
  await expect(
    underMocks(
      async () => {
        setAllConfig({ "berth:hosts": JSON.stringify({ web1: plainHost }) });
        vi.resetModules();
        return await import("../../index.ts");
      },
      { onAsked: ({ type }) => types.push(type) },
    ),
  ).rejects.toThrow("has no berth.hosts.web");
  expect(types).toEqual([]);
});
