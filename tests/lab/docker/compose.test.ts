import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { stringify } from "yaml";
import { composeProject } from "../../../provider/resources/compose-project.ts";
import { closeSessions } from "../../../provider/resources/sessions.ts";
import { EngineDouble, secret, type Wire } from "../../unit/provider/client.ts";
import { impossible } from "../machines/support.ts";
import { appImage, type BuiltImage } from "./images.ts";
import { ask, type DockerWorld, dockerWorld, probed } from "./world.ts";

const TYPE = "berth:docker:ComposeProject";

describe.skipIf(impossible)(`a project of docker compose${impossible ? ` (${impossible})` : ""}`, () => {
  let world: DockerWorld;
  let engine: EngineDouble;
  let folder: string;
  /** The state that an engine would have. */
  let state: { id: string; inputs: Wire; outputs: Wire } | undefined;
  const images: Record<string, BuiltImage> = {};

  beforeAll(async () => {
    world = await dockerWorld(7);
    folder = join(world.folder, "blog");
    mkdirSync(folder);
    images["v1"] = await appImage(world.folder, { version: "v1" });
    images["v2"] = await appImage(world.folder, { version: "v2" });
    images["bad"] = await appImage(world.folder, { version: "bad", mode: "crash" });
  });
  afterAll(async () => {
    await closeSessions();
    await world?.close();
  });
  beforeEach(async () => {
    engine = await EngineDouble.start(
      { name: "berth", version: "0.1.0", resources: { [TYPE]: composeProject(join(world.folder, "kept")) } },
      TYPE,
    );
  });
  afterEach(() => engine[Symbol.asyncDispose]());

  const lines = () => engine.log.filter((one) => !one.ephemeral).map((one) => one.message);
  const file = (name: string, text: string) => writeFileSync(join(folder, name), text);
  const compose = (services: object, more: object = {}) =>
    file("compose.yaml", stringify({ services, ...more }));
  const web = { image: "site", ports: ["80:8080"], volumes: ["./motd:/motd:ro", "data:/data"] };
  const side = { image: "site", ports: ["81:8080"], environment: { WORD: `${"$"}{WORD}`, VERSION: "side" } };
  const both = { web, side };
  const data = { volumes: { data: null } };

  const wanted = (version: string, more: Wire = {}): Wire => {
    const { target } = world.host.session;
    const image = { id: images[version]?.id, path: images[version]?.path };
    return {
      stack: "test",
      host: "dock7",
      address: world.address,
      port: 22,
      hostKey: target.hostKeys[0],
      loginKey: secret(target.loginKey),
      project: "blog",
      file: join(folder, "compose.yaml"),
      files: ["motd"],
      env: {},
      secrets: { WORD: secret('it\'s a secret: $5 \\ "x"') },
      images: { web: image, side: { id: images["v1"]?.id, path: images["v1"]?.path } },
      wait: 20,
      ...more,
    };
  };
  /** What an update does, as the engine goes about it. */
  async function up(raw: Wire): Promise<Wire> {
    const { inputs, failures } = await engine.check("blog", raw, state?.inputs);
    expect(failures).toEqual([]);
    if (!state) {
      const made = await engine.create("blog", inputs);
      state = { ...made, inputs };
      return made.outputs;
    }
    const outputs = await engine.update("blog", state, inputs);
    state = { ...state, inputs, outputs };
    return outputs;
  }
  const ids = async () => (await world.remote.run("docker ps --quiet --no-trunc | sort")).trim().split("\n");

  test("first: it is up with its files, its variables and its images, which came through the connection", async () => {
    file("motd", "hello");
    compose(both, data);
    await up(wanted("v1"));
    expect(await ask(world.address)).toBe("200 v1");
    expect(await ask(world.address, "/file?path=/motd")).toBe("200 hello");
    expect(await ask(world.address, "/env?name=WORD", 81)).toBe(`200 it's a secret: $5 \\ "x"`);
    expect(lines()).toContainEqual(expect.stringMatching(/web: image [0-9a-f]{12} pulled through ssh/));
    expect(lines()).toContainEqual(expect.stringMatching(/blog runs (web, side|side, web) anew after/));
    expect(JSON.stringify(engine.log)).not.toContain("it's a secret");
  });

  test("unchanged is no change", async () => {
    if (!state) throw new Error("nothing is up");
    const { inputs } = await engine.check("blog", wanted("v1"), state.inputs);
    expect(await engine.diff("blog", state, inputs)).toMatchObject({ changes: false });
  });

  test("another image recreates its service alone", async () => {
    const before = await ids();
    const { probe } = await probed(world.address, () => up(wanted("v2")));
    expect(probe.answers.get("200 v1")).toBeGreaterThan(0);
    expect(await ask(world.address)).toBe("200 v2");
    const after = await ids();
    expect(after.filter((id) => before.includes(id))).toHaveLength(1);
    expect(lines()).toContainEqual(expect.stringMatching(/blog runs web anew; side stayed after/));
  });

  test("another content of a file recreates the service that reads it", async () => {
    const before = await ids();
    file("motd", "good day");
    await up(wanted("v2"));
    expect(await ask(world.address, "/file?path=/motd")).toBe("200 good day");
    expect((await ids()).filter((id) => before.includes(id))).toHaveLength(1);
  });

  test("an image that crashes goes back: the old one answers, and the error says why and what stands", async () => {
    const error = await up(wanted("bad")).catch((thrown: unknown) => thrown);
    expect(String(error)).toMatch(/web (keeps crashing|has ended|is restarting).*exit code 3/);
    expect(String(error)).toContain("web: cannot read /etc/site.toml");
    expect(String(error)).toContain("Returned to the release before it");
    expect(await ask(world.address)).toBe("200 v2");
    expect(await ask(world.address, "/file?path=/motd")).toBe("200 good day");
  });

  test("a file that compose does not take changes nothing", async () => {
    const before = await ids();
    file("compose.yaml", "services:\n  web:\n    imagge: site\n");
    await expect(up(wanted("v2"))).rejects.toThrow(
      /docker compose does not take the file.*nothing was changed/s,
    );
    expect(await ids()).toEqual(before);
    compose({ ...both, web: { ...web, volumes: ["./secret.conf:/etc/x:ro"] } });
    file("secret.conf", "x");
    await expect(up(wanted("v2"))).rejects.toThrow(
      /web reads secret\.conf, which lies beside .* name it under compose\.files/,
    );
    compose({ ...both, web: { build: "." } }, data);
    const { web: _, ...others } = wanted("v2")["images"] as Wire;
    await expect(up(wanted("v2", { images: others }))).rejects.toThrow(/web is to be built on the host/);
    expect(await ids()).toEqual(before);
  });

  test("a job that ends well is no failure, and one that ends badly is", async () => {
    const job = { image: "site", command: ["/app", "--help"], restart: "no", environment: { MODE: "crash" } };
    compose({ ...both, job }, data);
    const named = { ...(wanted("v2")["images"] as Wire), job: (wanted("v1")["images"] as Wire)["side"] };
    await expect(up(wanted("v2", { images: named }))).rejects.toThrow(/job has ended with exit code 3/);
    expect(await ask(world.address)).toBe("200 v2");
  });

  test("a refresh sees a service that somebody stopped, and the next update starts it again", async () => {
    compose(both, data);
    if (!state) throw new Error("nothing is up");
    await world.remote.run("docker stop blog-side-1");
    const seen = await engine.read("blog", state.id, state);
    expect(seen.outputs["drift"]).toEqual(["side is exited"]);
    const { inputs } = await engine.check("blog", wanted("v2"), state.inputs);
    const drifted = { ...state, outputs: seen.outputs };
    expect(await engine.diff("blog", drifted, inputs)).toMatchObject({ detailed: { drift: "update" } });
    state = drifted;
    await up(wanted("v2"));
    expect(await ask(world.address, "/", 81)).toBe("200 side");
  });

  test("the project of another stack is left alone", async () => {
    await expect(up(wanted("v1", { stack: "other" }))).rejects.toThrow(/it is the stack test's/);
  });

  test("when Docker starts again, all of it is there with its files", async () => {
    compose({ web: { ...web, restart: "always" }, side }, data);
    await up(wanted("v2"));
    await world.remote.run("systemctl restart docker");
    await expect
      .poll(() => ask(world.address, "/file?path=/motd").catch(String), { timeout: 30_000 })
      .toBe("200 good day");
  });

  test("its end leaves its volumes, and says so", async () => {
    if (!state) throw new Error("nothing was up");
    await engine.delete("blog", state.id, state);
    expect(lines().at(-1)).toMatch(/blog has ended; the volumes blog_data stay there/);
    expect(await world.remote.run("docker ps --all --quiet")).toBe("");
    expect((await world.remote.run("docker volume ls --quiet")).trim()).toBe("blog_data");
    expect(await world.remote.run("ls -A /var/lib/berth/docker/compose")).toBe("");
    expect(await world.remote.run("docker image ls --quiet 'berth/*'")).toBe("");
  });
});
