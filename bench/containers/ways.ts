import { createReadStream } from "node:fs";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { execa } from "execa";
import { bringImage } from "../../deployer/docker/bring.ts";
import { look } from "../../deployer/docker/look.ts";
import { dockerHostOf } from "../../deployer/docker/script.ts";
import { withImage } from "../../deployer/image/open.ts";
import { PackedLayers } from "../../deployer/image/pack.ts";
import { push } from "../../deployer/image/push.ts";
import { parseReference } from "../../deployer/image/reference.ts";
import { Repository } from "../../deployer/image/registry.ts";
import { SshSession } from "../../deployer/ssh/session.ts";
import { appImage, type BuiltImage } from "../../tests/lab/docker/images.ts";
import type { DockerWorld } from "../../tests/lab/docker/world.ts";
import { login } from "../../tests/lab/image/registry.ts";

export type Case = "first" | "same again" | "one layer changed";
export interface Cost {
  seconds: number;
  /** Towards the host or the registry. */
  bytes: number;
}
/** A way to bring an image somewhere. */
export interface Way {
  name: string;
  clean?: () => Promise<unknown>;
  bring: (image: BuiltImage) => Promise<unknown>;
}

/** Three images: one, the same, and one whose top layer is another. */
export async function imagesOf(
  folder: string,
  below: Buffer,
  top: Buffer,
): Promise<Record<Case, BuiltImage>> {
  const first = await appImage(folder, { version: `v1 ${top.toString("base64")}`, ballast: below });
  const changed = await appImage(folder, { version: `v2 ${top.toString("base64")}`, ballast: below });
  return { first, "same again": first, "one layer changed": changed };
}

const onPath = async (program: string): Promise<boolean> =>
  !(await execa(program, ["--version"], { reject: false })).failed ||
  !(await execa(program, ["version"], { reject: false })).failed;

/** Ways to the engine of a host, all over ssh through `port` of this machine, each from a host that has nothing. */
export async function dockerWays(world: DockerWorld, port: number, folder: string): Promise<Way[]> {
  const { remote, host } = world;
  const clean = () =>
    remote.run("docker rmi -f $(docker image ls -q) >/dev/null 2>&1; rm -rf /var/lib/berth; true");
  const session = async () => await SshSession.create({ ...host.session.target, address: "127.0.0.1", port });
  const service = { stack: "bench", service: "site" };
  const berth: Way = {
    name: "Berth",
    clean,
    bring: async (image) => {
      const fresh = await session();
      try {
        const on = await dockerHostOf(fresh);
        const found = await look(on, { ...service, ids: [image.id] });
        if (found.images.some(({ id }) => id === image.id)) return;
        const packed = new PackedLayers(join(folder, "packed"));
        await withImage(image.path, (opened) =>
          bringImage(on, service, opened, found, { packed, status: () => undefined }),
        );
      } finally {
        await fresh.close();
      }
    },
  };
  const load: Way = {
    name: "docker load",
    clean,
    bring: async (image) => {
      const fresh = await session();
      try {
        const ended = await fresh.send(createReadStream(image.path), "docker load --quiet", {
          deadline: 120_000,
        });
        if (ended.exitCode !== 0) throw new Error(ended.stderr);
      } finally {
        await fresh.close();
      }
    },
  };
  // Not skopeo: what Debian has of it speaks an API to engines that those of today refuse.
  return [berth, load];
}

/** Ways to a registry behind `port` of this machine, each to a repository of its own. */
export async function registryWays(port: number, folder: string): Promise<Way[]> {
  const registry = `127.0.0.1:${port}`;
  const auth = Buffer.from(`${login.username}:${login.password}`).toString("base64");
  const config = join(folder, "docker-config");
  await mkdir(config, { recursive: true });
  await writeFile(join(config, "config.json"), JSON.stringify({ auths: { [registry]: { auth } } }), {
    mode: 0o600,
  });
  const berth: Way = {
    name: "Berth",
    bring: (image) =>
      withImage(image.path, (opened) =>
        push(opened, new Repository(parseReference(`${registry}/berth/site`), { login }), {
          packed: new PackedLayers(join(folder, "packed-for-registry")),
        }),
      ),
  };
  const skopeo: Way = {
    name: "skopeo",
    bring: (image) =>
      execa(
        "skopeo",
        [
          ...["--insecure-policy", "copy", "--quiet", "--dest-tls-verify=false"],
          ...["--authfile", join(config, "config.json")],
          ...[`docker-archive:${image.path}`, `docker://${registry}/skopeo/site:1`],
        ],
        { timeout: 120_000 },
      ),
  };
  const crane: Way = {
    name: "crane",
    bring: (image) =>
      execa("crane", ["push", "--insecure", image.path, `${registry}/crane/site:1`], {
        env: { DOCKER_CONFIG: config },
        timeout: 120_000,
      }),
  };
  return [berth, ...((await onPath("skopeo")) ? [skopeo] : []), ...((await onPath("crane")) ? [crane] : [])];
}
