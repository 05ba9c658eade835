import { chmod, cp, mkdir, mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { imagePath } from "../../../lab/machines/image.ts";
import { cacheFolder } from "../../../lab/setup/places.mjs";
import { output } from "../nix.ts";

/** An nginx that any user may start: its command's words, and its own list of media types, beside which its parameters lie. */
export interface NginxProgram {
  command: readonly [string, ...string[]];
  mimeTypes: string;
  [Symbol.asyncDispose](): Promise<void>;
}

const onPath: NginxProgram = {
  command: ["nginx"],
  mimeTypes: "/etc/nginx/mime.types",
  [Symbol.asyncDispose]: async () => {},
};

/** What a NixOS configuration includes of its nginx. */
const lists = ["mime.types", "fastcgi.conf", "uwsgi_params"];

const succeeds = (work: Promise<unknown>) =>
  work.then(
    () => true,
    () => false,
  );

/** The nginx on PATH, else that of the lab's machines where their image is already built; undefined where there is neither. */
export async function findNginx(): Promise<NginxProgram | undefined> {
  if (await succeeds(output("nginx", ["-v"]))) return onPath;
  const root = await imagePath(cacheFolder());
  return (await succeeds(readdir(join(root, "etc/nginx")))) ? copyOf(root) : undefined;
}

/** nginx of an image with its libraries, where it may be read by whoever is to start it. */
async function copyOf(root: string): Promise<NginxProgram> {
  const folder = await mkdtemp(join(tmpdir(), "berth-nginx-program-"));
  await chmod(folder, 0o755);
  await mkdir(join(folder, "lib"));
  const { loader, libraries } = await loaderOf(root);
  const nginx = join(root, "usr/sbin/nginx");
  const listed = await output(loader, ["--library-path", libraries, "--list", nginx]);
  const needed = [...listed.matchAll(/=> (\/\S+)/g)].map(([, path = ""]) => path);
  for (const path of [...needed, loader])
    await cp(path, join(folder, "lib", basename(path)), { dereference: true });
  await cp(nginx, join(folder, "nginx"), { dereference: true });
  for (const list of lists) await cp(join(root, "etc/nginx", list), join(folder, list));
  return {
    command: [
      join(folder, "lib", basename(loader)),
      "--library-path",
      join(folder, "lib"),
      join(folder, "nginx"),
    ],
    mimeTypes: join(folder, "mime.types"),
    [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true }),
  };
}

async function loaderOf(root: string): Promise<{ loader: string; libraries: string }> {
  const base = join(root, "usr/lib");
  for (const folder of (await readdir(base)).filter((name) => name.endsWith("-linux-gnu"))) {
    const libraries = join(base, folder);
    const name = (await readdir(libraries)).find((file) => /^ld-linux-.*\.so\.\d$/.test(file));
    if (name) return { loader: join(libraries, name), libraries };
  }
  throw new Error(`${base} has no dynamic loader`);
}
