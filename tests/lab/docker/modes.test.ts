import { Agent, request } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { impossible } from "../machines/support.ts";
import { type AppImage, appImage, type BuiltImage } from "./images.ts";
import { ask, type DockerWorld, deploy, dockerWorld, probed, spec } from "./world.ts";

/** Asks over one connection that stays, as browsers do; a request on one that was closed meanwhile is sent once more. */
class KeptAlive {
  readonly #agent = new Agent({ keepAlive: true, maxSockets: 1 });
  readonly #address: string;
  connections = 0;

  constructor(address: string) {
    this.#address = address;
  }

  async ask(path = "/", again = true): Promise<string> {
    return await new Promise((resolve, reject) => {
      const asked = request(
        { host: this.#address, path, agent: this.#agent, timeout: 10_000 },
        (response) => {
          let body = "";
          response.setEncoding("utf8").on("data", (chunk: string) => {
            body += chunk;
          });
          response.on("end", () => resolve(`${response.statusCode} ${body.trim()}`)).on("error", reject);
        },
      );
      asked.on("socket", () => {
        if (!asked.reusedSocket) this.connections++;
      });
      asked.on("error", (error) =>
        again && asked.reusedSocket ? resolve(this.ask(path, false)) : reject(error),
      );
      asked.end();
    });
  }

  end(): void {
    this.#agent.destroy();
  }
}

describe.skipIf(impossible)(`how a service is released${impossible ? ` (${impossible})` : ""}`, () => {
  let world: DockerWorld;
  const image = (more: AppImage): Promise<BuiltImage> => appImage(world.folder, more);
  beforeAll(async () => {
    world = await dockerWorld(3);
  });
  afterAll(() => world?.close());

  test("what is being answered when the ports are handed over is answered to its end", async () => {
    await deploy(world, await image({ version: "v1" }), spec({ drain: 6 }));
    const slow = ask(world.address, "/slow?ms=4500");
    await sleep(100);
    await deploy(world, await image({ version: "v2" }), spec({ drain: 6 }));
    expect(await slow).toBe("200 v1");
    expect(await ask(world.address)).toBe("200 v2");
  });

  test("a connection that stays is served by the old one until that ends, and then by the new one", async () => {
    const kept = new KeptAlive(world.address);
    const answers: string[] = [];
    let over = false;
    const asking = (async () => {
      while (!over) {
        answers.push(await kept.ask());
        await sleep(20);
      }
    })();
    await deploy(world, await image({ version: "v3" }), spec({ drain: 2 }));
    await sleep(300);
    over = true;
    await asking;
    kept.end();
    expect([...new Set(answers)]).toEqual(["200 v2", "200 v3"]);
    expect(kept.connections).toBe(2);
  });

  test("a port more, and one less, while the others go on", async () => {
    const { probe } = await probed(world.address, async () =>
      deploy(world, await image({ version: "v3" }), spec({ ports: ["80:8080", "127.0.0.1:9090:8080"] })),
    );
    expect(probe.failed).toEqual([]);
    expect(await world.remote.run("curl -s http://127.0.0.1:9090/")).toBe("v3");
    await expect(ask(world.address, "/", 9090)).rejects.toThrow();
    await deploy(world, await image({ version: "v3" }), spec());
    expect(await world.remote.run("curl -s http://127.0.0.1:9090/ || echo none")).toBe("none");
    expect(await ask(world.address)).toBe("200 v3");
  });

  test("a port that another program has is told, and the old release keeps its own", async () => {
    await world.remote.send("systemd-run --quiet nc -l -k 7070; sleep 0.5");
    const { result, probe } = await probed(world.address, async () =>
      deploy(world, await image({ version: "v3" }), spec({ ports: ["80:8080", "7070:8080"] })).then(
        () => "it did not fail",
        (error: Error) => error.message,
      ),
    );
    expect(result).toMatch(/its ports cannot be had.*Returned to site-\S+; it answers/s);
    expect(probe.failed).toEqual([]);
    expect(await ask(world.address)).toBe("200 v3");
  });

  test("secrets are there for the app, in no command line, and gone from the host's files with their container", async () => {
    const secrets = { TOKEN: "api", "cert.pem": { from: "certificate", as: "file" } };
    const { container } = await deploy(world, await image({ version: "v3" }), spec({ secrets }));
    expect(await ask(world.address, "/env?name=TOKEN")).toBe("200 secret of api");
    expect(await ask(world.address, "/file?path=/run/secrets/cert.pem")).toBe("200 secret of certificate");
    const inspect = await world.remote.run(`docker inspect ${container}`);
    expect(inspect).not.toContain("secret of certificate");
    expect(
      await world.remote.run(
        "stat -c '%a %U' /var/lib/berth/docker/site; find /var/lib/berth/docker -name env",
      ),
    ).toBe("700 root");
    await deploy(world, await image({ version: "v3" }), spec());
    expect(await world.remote.run("grep -rl 'secret of' /var/lib/berth || true")).toBe("");
  });

  test("nothing but its folders can be written where it is read-only", async () => {
    const { container } = await deploy(
      world,
      await image({ version: "v3" }),
      spec({ readOnly: true, writable: ["/tmp"] }),
    );
    const { ReadonlyRootfs, Tmpfs } = JSON.parse(
      await world.remote.run(`docker inspect --format '{{json .HostConfig}}' ${container}`),
    );
    expect({ ReadonlyRootfs, Tmpfs }).toEqual({ ReadonlyRootfs: true, Tmpfs: { "/tmp": "" } });
  });

  describe("what cannot run twice", () => {
    const alone = { switch: "recreate", mounts: ["lock:/data"], user: "0:0", healthDeadline: 8 };
    test("takes over from one that could, and is ended before the next begins", async () => {
      await deploy(world, await image({ version: "v4", mode: "alone" }), spec(alone));
      expect(await ask(world.address)).toBe("200 v4");
      expect(await world.remote.run("ls /run/systemd/system | grep -c berth-site || true")).toBe("0");
      await deploy(world, await image({ version: "v5", mode: "alone" }), spec(alone));
      expect(await ask(world.address)).toBe("200 v5");
    });

    test("comes back where the next one is not healthy, and is seen to answer", async () => {
      const said = await deploy(world, await image({ version: "v6", mode: "crash" }), spec(alone)).catch(
        (error: Error) => error.message,
      );
      expect(said).toMatch(/(it keeps ending|exit code 3).*Returned to site-\S+; it answers/s);
      expect(await ask(world.address)).toBe("200 v5");
    });

    test("would fail beside another one, which goes on", async () => {
      await deploy(world, await image({ version: "v7", mode: "alone" }), spec({ ...alone, switch: "proxy" }));
      expect(await ask(world.address)).toBe("200 v7");
      const { result, probe } = await probed(world.address, async () =>
        deploy(
          world,
          await image({ version: "v8", mode: "alone" }),
          spec({ ...alone, switch: "proxy" }),
        ).catch((error: Error) => error.message),
      );
      expect(result).toMatch(/somebody else has \/data/);
      expect(probe.failed).toEqual([]);
      expect(await ask(world.address)).toBe("200 v7");
    });
  });
});
