import { chmod, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, onTestFinished, test } from "vitest";
import { appsAtFlyIn, containersIn } from "../../../cli/logs/place.ts";
import { run } from "../../../deployer/process.ts";

const hostKey = `ssh-ed25519 ${"AAAAC3NzaC1lZDI1NTE5AAAAI"}${"A".repeat(43)}`;
const way = { host: "machine", address: "203.0.113.9", port: 2222, user: "admin", hostKey, stack: "prod" };
const urn = (type: string, name: string) => `urn:pulumi:prod::shop::${type}::${name}`;
const resource = (type: string, name: string, inputs: object) => ({ type, urn: urn(type, name), inputs });
const service = resource("berth:docker:HostService", "shop-service", { ...way, spec: { name: "shop" } });
const project = resource("berth:docker:ComposeProject", "wiki-project", {
  ...{ host: "web1", address: "203.0.113.7", port: 22, hostKey, project: "wiki-prod" },
  jump: { address: "203.0.113.1", port: 22, user: "ada", hostKey },
});
const app = resource("berth:fly:AppAtFly", "shop-at-fly", {});
const state = (...resources: object[]) => JSON.stringify({ deployment: { resources } });

describe("the containers of a stack are found in its state", () => {
  test("a service, by the way its machine is reached, with the user and the port of it", () => {
    expect(containersIn("prod", state(service))).toEqual({
      shop: {
        target: {
          ...{ stack: "prod", host: "machine", address: "203.0.113.9" },
          ...{ port: 2222, user: "admin", hostKeys: [hostKey] },
        },
        app: "shop",
      },
    });
  });
  test("a compose project, by the name that docker compose knows, through the machine between", () => {
    expect(containersIn("prod", state(project))).toMatchObject({
      wiki: { target: { user: "root", jump: { user: "ada" } }, app: "wiki-prod" },
    });
  });
  test.each([
    ["no resources", JSON.stringify({ deployment: {} })],
    ["no state", ""],
    ["a resource of another version", state({ ...service, inputs: {} })],
    ["a host's deployment", state(resource("berth:deploy:Deployment", "shop-service", way))],
  ])("and none in %s", (_, text) => {
    expect(containersIn("prod", text)).toEqual({});
  });
  test("apps at Fly are told apart", () => {
    expect(appsAtFlyIn(state(service, app))).toEqual(["shop-at-fly"]);
  });
});

describe("berth logs", () => {
  /** The command, with programs that are played: pulumi tells the state, ssh prints how it was called. */
  async function logs(...args: string[]) {
    const folder = await mkdtemp(join(tmpdir(), "berth-logs-"));
    onTestFinished(() => rm(folder, { recursive: true, force: true }));
    const programs = {
      pulumi: `case "$*" in *export*) cat '${folder}/state' ;; *output*) echo '{"hosts":{}}' ;; esac`,
      ssh: 'cat "$2"; for last; do :; done; printf "%s\\n" "$last" | tail -n 1',
    };
    for (const [name, text] of Object.entries(programs)) {
      await writeFile(join(folder, name), `#!/bin/sh\n${text}\n`);
      await chmod(join(folder, name), 0o755);
    }
    await writeFile(join(folder, "state"), state(service, project, app));
    const command = new URL("../../../bin/berth", import.meta.url).pathname;
    return await run(command, ["-s", "prod", "logs", ...args], {
      deadline: 50_000,
      env: { PATH: `${folder}:${process.env["PATH"]}` },
    });
  }

  test("goes to the machine of a container that is in no hosts, as its user, and asks for that container", async () => {
    const { stdout, stderr, exitCode } = await logs("shop", "-n", "7");
    expect(exitCode, stderr).toBe(0);
    expect(stdout).toMatch(/HostName "?203\.0\.113\.9"?/i);
    expect(stdout).toMatch(/Port "?2222"?/i);
    expect(stdout).toMatch(/User "?admin"?/i);
    expect(stdout).toMatch(/logs '?shop'? '' '?7'? '' ''\s*$/);
  });

  test.each([
    [["shop-at-fly"], "Next: fly logs --app shop-at-fly."],
    [["shop", "web"], "shop is a container, and there is no web in it"],
    [["nothing"], "no such container. Next: name one of these: shop, wiki."],
  ])("%j is refused with what to do", async (args, said) => {
    const { stderr, stdout, exitCode } = await logs(...args);
    expect(exitCode).toBe(1);
    expect(stdout).toBe("");
    expect(stderr).toContain(said);
  });
});
