import { request } from "node:http";
import { buffer } from "node:stream/consumers";
import { pack } from "tar-stream";
import { z } from "zod";
import { registryUrl } from "../../deployer/image/reference.ts";
import type { Guest, GuestAnswer, GuestDriver, GuestRequest, ImageFacts } from "./driver.ts";
import { imageInRegistry, type RegistryImage } from "./registry-images.ts";

/** A host with a Docker engine. */
export interface DockerHost {
  /** Where ports that containers publish are reached. */
  address: string;
  /** What `docker` prints for these words. Throws with what it said where it fails. */
  docker(args: readonly string[], input?: Uint8Array): Promise<string>;
}

/** What is looked at of a container. */
const inspected = z.array(
  z.object({
    State: z.object({ Running: z.boolean(), ExitCode: z.number() }),
    NetworkSettings: z.object({
      Ports: z.record(z.string(), z.array(z.object({ HostPort: z.string() })).nullable()),
    }),
  }),
);
const container = (id: string): string => `fly-${id}`;
/** Milliseconds a guest has to answer. */
const patience = 5_000;

/** Machines as containers of a real engine, each with an image of a real registry. */
export class DockerDriver implements GuestDriver {
  readonly lookEvery = 1_000;
  readonly #host: DockerHost;
  readonly #token: string;
  /** By machine: ports of the host by those of the guest. */
  readonly #ports = new Map<string, Record<number, number>>();

  /** @param token lets the registry in, as Fly's does */
  constructor(host: DockerHost, token: string) {
    this.#host = host;
    this.#token = token;
  }

  async resolve(image: string): Promise<ImageFacts | undefined> {
    return (await imageInRegistry(image, this.#token))?.facts;
  }

  async start(id: string, { image, env, command, ports }: Guest): Promise<void> {
    const wanted = await imageInRegistry(image, this.#token);
    if (!wanted) throw new Error(`there is no image ${image}`);
    await this.#load(wanted);
    await this.remove(id);
    const published = ports.flatMap((port) => ["--publish", `0.0.0.0::${port}`]);
    const lines = Object.entries(env).map(([name, value]) => `${name}=${value}`);
    // What is secret is on no command line.
    const named = ["--name", container(id), "--env-file", "/dev/stdin"];
    await this.#host.docker(
      ["run", "--detach", ...named, ...published, wanted.id, ...command],
      Buffer.from(`${lines.join("\n")}\n`),
    );
    const { NetworkSettings } = await this.#inspect(id);
    this.#ports.set(
      id,
      Object.fromEntries(
        Object.entries(NetworkSettings.Ports).flatMap(([guest, hosts]) =>
          hosts?.[0] ? [[Number.parseInt(guest, 10), Number(hosts[0].HostPort)]] : [],
        ),
      ),
    );
  }

  async stop(id: string): Promise<void> {
    await this.#host.docker(["stop", "--time", "2", container(id)]).catch(absent);
  }

  async remove(id: string): Promise<void> {
    this.#ports.delete(id);
    await this.#host.docker(["rm", "--force", container(id)]).catch(absent);
  }

  async state(id: string): Promise<{ running: true } | { running: false; exitCode: number }> {
    const { State } = await this.#inspect(id);
    return State.Running ? { running: true } : { running: false, exitCode: State.ExitCode };
  }

  async connects(id: string, port: number): Promise<boolean> {
    return await this.ask(id, { port, method: "GET", path: "/", headers: {} }).then(
      () => true,
      (error: NodeJS.ErrnoException) => error.code !== "ECONNREFUSED",
    );
  }

  ask(id: string, { port, method, path, headers }: GuestRequest): Promise<GuestAnswer> {
    const at = this.#ports.get(id)?.[port];
    if (at === undefined) return Promise.reject(refused());
    return new Promise((resolve, reject) => {
      const where = { host: this.#host.address, port: at, method, path, headers };
      const asked = request({ ...where, agent: false, timeout: patience }, (response) => {
        buffer(response).then((body) => {
          const type = response.headers["content-type"];
          resolve({
            status: response.statusCode ?? 0,
            body: body.toString(),
            ...(type !== undefined && { type }),
          });
        }, reject);
      });
      asked.on("timeout", () => asked.destroy(new Error(`no answer within ${patience / 1000} s`)));
      asked.on("error", reject);
      asked.end();
    });
  }

  async #inspect(id: string): Promise<z.infer<typeof inspected>[number]> {
    const [found] = inspected.parse(JSON.parse(await this.#host.docker(["inspect", container(id)])));
    if (!found) throw new Error(`there is no machine ${id}`);
    return found;
  }

  /** Bring an image to the engine that it lacks: as the registry has it, by its id. */
  async #load(image: RegistryImage): Promise<void> {
    const known = await this.#host
      .docker(["image", "inspect", "--format", "{{.Id}}", image.id])
      .catch(() => "");
    if (known.trim() === image.id) return;
    const archive = pack();
    const names = image.layers.map((digest) => `${digest.replace("sha256:", "")}.tar.gz`);
    for (const [index, digest] of image.layers.entries())
      archive.entry({ name: names[index] ?? "" }, await this.#blob(image, digest));
    const config = `${image.id.replace("sha256:", "")}.json`;
    archive.entry({ name: config }, image.config);
    archive.entry(
      { name: "manifest.json" },
      JSON.stringify([{ Config: config, RepoTags: null, Layers: names }]),
    );
    archive.finalize();
    await this.#host.docker(["load", "--quiet"], await buffer(archive));
  }

  async #blob({ facts }: RegistryImage, digest: string): Promise<Buffer> {
    const url = new URL(`/v2/${facts.repository}/blobs/${digest}`, registryUrl(facts.registry));
    const authorization = `Basic ${Buffer.from(`x:${this.#token}`).toString("base64")}`;
    const answer = await fetch(url, { headers: { authorization }, signal: AbortSignal.timeout(60_000) });
    if (!answer.ok) throw new Error(`${url.pathname}: the registry answered ${answer.status}`);
    return Buffer.from(await answer.arrayBuffer());
  }
}

const refused = () => Object.assign(new Error("connection refused"), { code: "ECONNREFUSED" });

/** A container that is not there is stopped and gone. */
function absent(error: Error): void {
  if (!/no such container/i.test(error.message)) throw error;
}
