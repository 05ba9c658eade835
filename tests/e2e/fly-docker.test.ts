import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type Lab, up as labUp, reset } from "../../lab/lab.ts";
import { checkout } from "../../lab/setup/places.mjs";
import { type DockerServer, dockerServer } from "./docker-server.ts";
import { type FlyStack, flyStack } from "./fly-stack.ts";

const folder = join(checkout, ".lab-fly-docker");
let lab: Lab;
let server: DockerServer;
let stack: FlyStack;
/** An archive of an image in which there is nothing to run. */
let crashing: string;
/** Id of the image that the first release was of. */
let imageId: string;

beforeAll(async () => {
  await reset({ folder });
  lab = await labUp({ folder });
  server = await dockerServer(lab, "engine");
  const { address, session } = server;
  const docker = { address, configFile: session.configFile, alias: session.alias };
  stack = await flyStack(`${folder}-stack`, { docker });
  crashing = await stack.image("crashing", {});
});
afterAll(async () => {
  await stack?.[Symbol.asyncDispose]();
  await server?.session.close();
  await reset({ folder });
});

/** The example's app, or another image in its place, and a secret where it is to have one. */
async function up(secret?: string, image: object = { package: "webechoImg" }) {
  const app = {
    toml: "examples/fly/fly.toml",
    image,
    deploy: { waitTimeout: 40, steadyFor: 3, drain: 1 },
  };
  const secrets = secret === undefined ? {} : { secrets: { APP_ECHO_ME: "echo-me" } };
  await stack.configure({ webecho: { ...app, ...secrets } }, { "berth:flake": `path:${lab.places.flake}` });
  const engine = stack.engine();
  if (secret !== undefined)
    await engine.run(["config", "set", "--secret", "--path", "berth:secrets.echo-me", secret]);
  return await engine.run(["up", "--yes", "--skip-preview"]);
}
const containers = async () =>
  (await server.on("docker ps --no-trunc --filter name=fly- --format '{{.Image}}'")).split("\n");
/** What the page shows, as it is in its source. */
const echo = async () => /<pre[^>]*>([\s\S]*?)<\/pre>/.exec((await stack.ask("webecho", "/echo")).body)?.[1];

test("the example's webecho runs as containers and shows its secret as text", async () => {
  const run = await up("<b>Ahoy</b> & anchors");
  expect(run.exitCode, run.output).toBe(0);
  expect(run.output).toContain("live on 2 machines");
  [imageId = ""] = await containers();
  expect(imageId).toMatch(/^sha256:[0-9a-f]{64}$/);
  expect(await containers()).toEqual([imageId, imageId]);
  expect(await echo()).toBe("&lt;b>Ahoy&lt;/b> &amp; anchors");
});

test("another secret reaches every machine, and every request is answered", async () => {
  const [run, probed] = await stack.probing("webecho", () => up("Land ahead"));
  expect(run.exitCode, run.output).toBe(0);
  expect(probed.failed).toEqual([]);
  for (let count = 0; count < 4; count++) expect(await echo()).toBe("Land ahead");
});

test("an image that does not start is taken back, and every request is answered", async () => {
  const [run, probed] = await stack.probing("webecho", () => up("Land ahead", { archive: crashing }));
  expect(run.exitCode).not.toBe(0);
  expect(run.output).toMatch(
    /did not become healthy: it did not start within 40 s: it is stopped \(exit code 127\)/,
  );
  expect(run.output).toContain("read back and healthy");
  expect(probed.failed).toEqual([]);
  expect(await containers()).toEqual([imageId, imageId]);
  expect(await echo()).toBe("Land ahead");
});

test("without the secret it says that there is nothing to echo", async () => {
  const run = await up();
  expect(run.exitCode, run.output).toBe(0);
  expect(await echo()).toBe("Nothing to echo: APP_ECHO_ME is not set.");
});

test("destroying the stack leaves no container", async () => {
  const run = await stack.engine().run(["destroy", "--yes"]);
  expect(run.exitCode, run.output).toBe(0);
  expect(await containers()).toEqual([""]);
});
