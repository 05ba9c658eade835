import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { readFile, rm, writeFile } from "node:fs/promises";
import { request } from "node:http";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { stringify } from "yaml";
import { FlyApi } from "../../deployer/fly/api.ts";
import type { FlyMachine } from "../../deployer/fly/shapes.ts";
import { prepareEngine } from "../../lab/engine.ts";
import { labEnvironment } from "../../lab/environment.ts";
import type { FlyFault } from "../../lab/fly/faults.ts";
import { labels } from "../../lab/fly/played-images.ts";
import type { SshPlace } from "../../lab/fly/ssh-docker.ts";
import { claimFolder } from "../../lab/folder.ts";
import { Engine } from "../../lab/journey/pulumi.ts";
import { checkout, node24 } from "../../lab/setup/places.mjs";
import { login, startRegistry, type TestRegistry } from "../lab/image/registry.ts";
import { imageEntries, tarOf } from "../unit/deployer/image/archives.ts";

/** How an image behaves: `lab/fly/played-images.ts`. */
export type Behaviour = Partial<Record<keyof typeof labels, string>>;

/** What came back of requests that went on all the time. */
export interface Probed {
  asked: number;
  /** What went wrong, each with its milliseconds. */
  failed: string[];
  bodies: Set<string>;
}

/** The real engine on a stack of its own, Debian's registry, and a simulated Fly in a process of its own. */
export interface FlyStack extends AsyncDisposable {
  registry: TestRegistry;
  endpoint: string;
  api(app: string): FlyApi;
  /** Machines of an app that there are, by region and id. */
  machines(app: string): Promise<FlyMachine[]>;
  /** Writes a docker-archive of an image that behaves so; its path. */
  image(name: string, behaviour: Behaviour, architecture?: string): Promise<string>;
  /** Take an image's manifest out of the registry. */
  forgetImage(app: string, digest: string): Promise<void>;
  /** The engine, in the lab's environment with these variables on top. */
  engine(variables?: Record<string, string>): Engine;
  /** Writes the stack's configuration. */
  configure(fly: object, more?: object): Promise<void>;
  fault(fault: Partial<FlyFault> & { kind: string }): Promise<void>;
  /** One request of the app, as people make it. */
  ask(app: string, path?: string): Promise<{ status: number; body: string }>;
  /** Ask the app all the time meanwhile. */
  probing<T>(app: string, during: () => Promise<T>): Promise<[T, Probed]>;
}

/** Fly's token, which is the registry's password, too. */
export const token = login.password;

export interface FlyStackOptions {
  /** Apps that are another organisation's. */
  foreign?: string[];
  /** The host whose engine runs the machines. @default nothing does: each behaves as its image's labels say */
  docker?: SshPlace;
}

/** @param folder where its files go; it is removed before and after */
export async function flyStack(
  folder: string,
  { foreign = [], docker }: FlyStackOptions = {},
): Promise<FlyStack> {
  await rm(folder, { recursive: true, force: true });
  const places = await claimFolder(folder);
  const registry = await startRegistry();
  await writeFile(join(folder, "fly.token"), token, { mode: 0o600 });
  const fly = spawn(
    node24,
    [
      ...[join(checkout, "lab/fly/main.ts"), "--lab", folder],
      ...foreign.flatMap((name) => ["--foreign", name]),
      ...(docker ? ["--docker", JSON.stringify(docker)] : []),
    ],
    { stdio: ["ignore", "inherit", "inherit"] },
  );
  const gone = new Promise<void>((resolve) => fly.once("close", () => resolve()));
  const { endpoint, proxy } = await answers(join(folder, "fly.json"));
  const env = {
    ...(await labEnvironment(places)),
    FLY_FLAPS_BASE_URL: endpoint.replace(/\/v1$/, ""),
    FLY_REGISTRY_HOST: registry.host,
    FLY_API_TOKEN: token,
  };
  await prepareEngine(places, env);
  const api = (app: string) => new FlyApi(app, { token, tokenFrom: "the test", endpoint });
  const ask = (app: string, path = "/") => askOnce(proxy, app, path);
  return {
    registry,
    endpoint,
    api,
    ask,
    machines: async (app) =>
      (await api(app).machines()).toSorted((a, b) => (a.region + a.id < b.region + b.id ? -1 : 1)),
    image: async (name, behaviour, architecture = "amd64") => {
      const said = Object.entries(behaviour).map(([key, value]) => [
        labels[key as keyof typeof labels],
        value,
      ]);
      const { entries } = await imageEntries([[["app", `${name}\n`]]], {
        architecture,
        config: { Labels: Object.fromEntries(said) },
      });
      const file = join(folder, `${name}.tar`);
      await writeFile(file, await tarOf(entries));
      return file;
    },
    forgetImage: async (app, digest) => {
      const answer = await fetch(`http://${registry.host}/v2/${app}/manifests/${digest}`, {
        method: "DELETE",
        headers: { authorization: `Basic ${btoa(`${login.username}:${login.password}`)}` },
      });
      if (answer.status !== 202) throw new Error(`the registry answered ${answer.status}`);
    },
    engine: (variables = {}) => new Engine(checkout, { ...env, ...variables }, () => undefined),
    configure: (apps, more = {}) =>
      writeFile(
        places.stackFile,
        stringify({
          encryptionsalt: "v1:qSrf11h6TvE=:v1:VVPUDLaiNYNq1xhZ:c46RXaXd1LZc59b4cCTjLmc+ZiPMWg==",
          config: { "berth:protect": false, "berth:fly": apps, ...more },
        }),
      ),
    fault: async (fault) => {
      const answer = await fetch(new URL("/lab/faults", endpoint), {
        method: "POST",
        body: JSON.stringify(fault),
      });
      if (answer.status !== 204) throw new Error(`no such fault: ${await answer.text()}`);
    },
    probing: async (app, during) => {
      const probed: Probed = { asked: 0, failed: [], bodies: new Set() };
      const began = Date.now();
      let over = false;
      const loop = async () => {
        for (let last = false; !last; await sleep(15)) {
          last = over;
          probed.asked++;
          const { status, body } = await ask(app).catch((error: Error) => ({
            status: 0,
            body: error.message,
          }));
          if (status === 200) probed.bodies.add(body);
          else probed.failed.push(`${Date.now() - began} ms: ${status} ${body}`);
        }
      };
      const loops = [loop(), loop(), loop()];
      try {
        return [await during(), probed];
      } finally {
        over = true;
        await Promise.all(loops);
      }
    },
    async [Symbol.asyncDispose]() {
      fly.kill();
      await gone;
      await registry.stop();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

async function answers(file: string): Promise<{ endpoint: string; proxy: string }> {
  for (let tries = 0; tries < 200; tries++) {
    if (existsSync(file)) return JSON.parse(await readFile(file, "utf8"));
    await sleep(100);
  }
  throw new Error("the simulated Fly does not answer");
}

function askOnce(proxy: string, app: string, path: string): Promise<{ status: number; body: string }> {
  return new Promise((resolve, reject) => {
    const headers = { host: `${app}.fly.dev` };
    const asked = request(new URL(path, proxy), { agent: false, timeout: 30_000, headers }, (response) => {
      let body = "";
      response.on("data", (chunk: Buffer) => (body += chunk));
      response.on("error", reject);
      response.on("end", () => resolve({ status: response.statusCode ?? 0, body }));
    });
    asked.on("timeout", () => asked.destroy(new Error("no answer within 30 s")));
    asked.on("error", reject);
    asked.end();
  });
}
