import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { containerService } from "../../../config/container.ts";
import { type ServiceSpec, specOf } from "../../../config/container-spec.ts";
import { bringImage } from "../../../deployer/docker/bring.ts";
import { type Released, releaseService } from "../../../deployer/docker/release.ts";
import { type DockerHost, dockerHostOf } from "../../../deployer/docker/script.ts";
import { withImage } from "../../../deployer/image/open.ts";
import { PackedLayers } from "../../../deployer/image/pack.ts";
import { SshSession } from "../../../deployer/ssh/session.ts";
import { newKeyPair } from "../machines/keys.ts";
import type { Remote } from "../machines/remote.ts";
import { TestLab } from "../machines/support.ts";
import type { BuiltImage } from "./images.ts";

export const stack = "test";

/** A server of the lab with Docker, and what a deployer has. */
export interface DockerWorld {
  lab: TestLab;
  address: string;
  host: DockerHost;
  /** Another way in, for what a test looks at or breaks. */
  remote: Remote;
  /** For images and what is known of them. */
  folder: string;
  close(): Promise<void>;
}

export async function dockerWorld(id = 1): Promise<DockerWorld> {
  const lab = await TestLab.up();
  const hostKey = newKeyPair("host");
  const remote = await lab.serve(id, hostKey, { image: "docker-ce", name: `dock${id}` });
  const { ipv4 } = await lab.order(id);
  const address = ipv4 ?? "";
  const session = await sessionTo(lab, address, hostKey.publicKey);
  await remote.run("until docker info >/dev/null 2>&1; do sleep 0.2; done");
  const folder = await mkdtemp(join(tmpdir(), "berth-docker-test-"));
  return {
    lab,
    address,
    remote,
    folder,
    host: await dockerHostOf(session),
    async close() {
      await session.close();
      await lab.dispose();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** A connection of its own, as another deployer has it. */
export const sessionTo = (lab: TestLab, address: string, hostKey: string): Promise<SshSession> =>
  SshSession.create({
    stack,
    host: "dock1",
    address,
    port: 22,
    user: "root",
    hostKeys: [hostKey],
    loginKey: lab.login.privateKey,
  });

/** What is to run, as a stack says it; the app's health and one port unless it says otherwise. */
export const spec = (more: Record<string, unknown> = {}): ServiceSpec =>
  specOf(
    "site",
    containerService.parse({
      on: "dock1",
      image: { package: "site-image" },
      ports: ["80:8080"],
      health: { path: "/healthz", body: "ok" },
      healthDeadline: 15,
      drain: 2,
      stop: { seconds: 5 },
      ...more,
    }),
    {},
    (name) => `secret of ${name}`,
  );

export interface Said {
  status: string[];
  warnings: string[];
}

/** Release an image of the app. */
export async function deploy(
  { host, folder }: Pick<DockerWorld, "host" | "folder">,
  image: BuiltImage,
  wanted: ServiceSpec = spec(),
  options: { signal?: AbortSignal; said?: Said; onStatus?: (line: string) => void } = {},
): Promise<Released> {
  const { signal, said, onStatus } = options;
  const status = (line: string) => {
    said?.status.push(line);
    onStatus?.(line);
  };
  const packed = new PackedLayers(join(folder, "layers"));
  return await releaseService(
    host,
    {
      stack,
      spec: wanted,
      image,
      bring: (on, found) =>
        withImage(image.path, (opened) =>
          bringImage(on, { stack, service: wanted.name }, opened, found, {
            packed,
            status,
            ...(signal && { signal }),
          }),
        ),
    },
    { status, warn: (line) => said?.warnings.push(line), ...(signal && { signal }) },
  );
}

/** Ask the app, over a connection of its own. */
export async function ask(address: string, path = "/", port = 80): Promise<string> {
  const response = await fetch(`http://${address}:${port}${path}`, {
    signal: AbortSignal.timeout(5_000),
    headers: { connection: "close" },
  });
  return `${response.status} ${(await response.text()).trim()}`;
}

/** Ask fifty times a second until told to end. */
export class Probe {
  readonly answers = new Map<string, number>();
  readonly failed: string[] = [];
  asked = 0;
  readonly #open = new Set<Promise<void>>();
  readonly #over = new AbortController();
  readonly #loop: Promise<void>;

  constructor(address: string, path = "/") {
    this.#loop = this.#run(address, path);
  }

  async #run(address: string, path: string): Promise<void> {
    while (!this.#over.signal.aborted) {
      const asked: Promise<void> = ask(address, path)
        .then((said) => {
          if (said.startsWith("200 ")) this.answers.set(said, (this.answers.get(said) ?? 0) + 1);
          else this.failed.push(said);
        })
        .catch((error: Error) => void this.failed.push(String(error.cause ?? error)))
        .finally(() => this.#open.delete(asked));
      this.asked++;
      this.#open.add(asked);
      await sleep(20);
    }
  }

  async end(): Promise<void> {
    this.#over.abort();
    await this.#loop;
    await Promise.all(this.#open);
  }
}

/** Run something while the app is probed. */
export async function probed<Result>(
  address: string,
  work: () => Promise<Result>,
): Promise<{ result: Result; probe: Probe }> {
  const probe = new Probe(address);
  try {
    await sleep(200);
    const result = await work();
    await sleep(200);
    return { result, probe };
  } finally {
    await probe.end();
  }
}
