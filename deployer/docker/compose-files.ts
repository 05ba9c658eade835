import { createHash } from "node:crypto";
import { lstat, readdir, readFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { buffer } from "node:stream/consumers";
import { pack } from "tar-stream";

/** A file that goes to a host, by its path below the compose file's folder. */
interface LocalFile {
  path: string;
  executable: boolean;
  content: Buffer;
}

/** What goes to a host of a project: the compose file, and what it names beside it. */
export interface ProjectFiles {
  /** Text of the compose file. */
  compose: string;
  /** The named files and folders by their path, each under a digest of its own. */
  beside: Record<string, { digest: string; files: LocalFile[] }>;
}

/** Bytes of all files together; they travel as one document, and are kept with every release. */
const mostBytes = 8 * 1024 * 1024;

/**
 * Read what goes to a host. Throws an Error for people where something is not there, or is too much.
 * @param file the compose file
 * @param named files and folders relative to its folder
 */
export async function readProject(file: string, named: readonly string[]): Promise<ProjectFiles> {
  const compose = await readFile(file, "utf8").catch(() => {
    throw new Error(`there is no file ${file}, relative to the project`);
  });
  const beside: ProjectFiles["beside"] = {};
  let bytes = 0;
  for (const name of named) {
    const files = await filesBelow(dirname(file), name.replace(/\/+$/, ""));
    bytes += files.reduce((sum, { content }) => sum + content.length, 0);
    if (bytes > mostBytes)
      throw new Error(
        `the files beside ${file} come to more than ${mostBytes / 1024 / 1024} MB at ${name}; put what is large into an image`,
      );
    beside[name.replace(/\/+$/, "")] = { digest: digestOf(files), files };
  }
  return { compose, beside };
}

/** A digest of each part, for telling changes by name. */
export function digestsOf({ compose, beside }: ProjectFiles): Record<string, string> {
  const named = Object.entries(beside).map(([name, { digest }]) => [name, digest]);
  return { "the compose file": hash(compose), ...Object.fromEntries(named) };
}

async function filesBelow(folder: string, path: string): Promise<LocalFile[]> {
  const whole = join(folder, path);
  const found = await lstat(whole).catch(() => undefined);
  if (!found) throw new Error(`there is no ${path} in ${folder}`);
  if (found.isDirectory()) {
    const names = (await readdir(whole)).sort();
    return (await Promise.all(names.map((name) => filesBelow(folder, `${path}/${name}`)))).flat();
  }
  // A link could lead anywhere on this machine; what it leads to is named itself.
  if (!found.isFile()) throw new Error(`${whole} is neither a file nor a folder`);
  return [{ path, executable: (found.mode & 0o100) !== 0, content: await readFile(whole) }];
}

function digestOf(files: readonly LocalFile[]): string {
  return hash(
    files.map(({ path, executable, content }) => `${path} ${executable} ${hash(content)}`).join("\n"),
  );
}

const hash = (content: string | Buffer): string => createHash("sha256").update(content).digest("hex");

/** A tar of the compose file and the named files, each part in a folder that is its digest. Readable for whoever a container runs as. */
export async function tarOfProject({ compose, beside }: ProjectFiles): Promise<Buffer> {
  const tar = pack();
  const written = buffer(tar);
  tar.entry({ name: "compose.yaml", mode: 0o600, mtime: new Date(0) }, compose);
  for (const { digest, files } of Object.values(beside))
    for (const { path, executable, content } of files)
      tar.entry({ name: `${digest}/${path}`, mode: executable ? 0o755 : 0o644, mtime: new Date(0) }, content);
  tar.finalize();
  return await written;
}
