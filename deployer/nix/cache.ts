import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { signingKey } from "../../config/builds.ts";
import { Failure } from "../failure.ts";
import { privateFolder, removePrivateFolder } from "../private-folder.ts";
import { lastLines, run } from "../process.ts";

/** A binary cache that hosts fetch from. */
export interface Cache {
  /** As hosts reach it. */
  url: string;
  /** "name:base64" */
  publicKey: string;
}

/** Where what was built is pushed to, and what signs it. */
export interface CachePush {
  to: string;
  /** "name:base64", secret. */
  secretKey: string;
}

/** Push a closure to a cache, signed; what the cache has is not sent again. Throws a Failure that names neither key nor password. */
export async function push(
  path: string,
  { to, secretKey }: CachePush,
  options: { deadline: number; signal?: AbortSignal },
): Promise<void> {
  const key = secretKey.trim();
  if (!signingKey.test(key))
    throw new Failure({
      tried: `sign ${path} for the cache ${withoutPassword(to)}`,
      cameBack: "the key that signs is none of Nix's: a name, a colon and 64 bytes in base 64",
      next: "give the secret that berth:builds.caches has as push what nix key generate-secret prints; hosts get what they lack from here until then",
    });
  const folder = await privateFolder();
  try {
    const file = join(folder, "cache-key");
    await writeFile(file, key, { mode: 0o600 });
    const ended = await run("nix", ["copy", "--to", storeUrl(to, file), path, ...hasty], options);
    if (ended.exitCode === 0) return;
    throw new Failure({
      tried: `push ${path} to the cache ${withoutPassword(to)}`,
      cameBack: lastLines(ended.stderr, 5).replaceAll(folder, "…"),
      next: "see that the cache answers and lets this machine write; hosts get what they lack from here until then",
    });
  } finally {
    await removePrivateFolder(folder);
  }
}

/** A cache that takes connections and does not answer is waited for for minutes otherwise. */
const hasty = ["connect-timeout=5", "stalled-download-timeout=60", "download-attempts=2"].flatMap(
  (option) => ["--option", ...option.split("=")],
);

/** The store's address with the file of the key that signs; a compression that is quick where the address says none. */
export function storeUrl(to: string, keyFile: string): string {
  const more = [`secret-key=${keyFile}`, ...(/[?&]compression=/.test(to) ? [] : ["compression=zstd"])];
  return `${to}${to.includes("?") ? "&" : "?"}${more.join("&")}`;
}

const withoutPassword = (url: string): string => url.replace(/\/\/[^/@]*@/, "//").replace(/\?.*$/, "");

/** Pushes each path to each cache once, and one closure after the other: what two have in common is sent once. */
export class CachePushes {
  readonly #pushed = new Map<string, Promise<void>>();
  readonly #last = new Map<string, Promise<unknown>>();

  push(path: string, where: CachePush, options: { deadline: number; signal?: AbortSignal }): Promise<void> {
    const key = `${where.to}\n${path}`;
    const known = this.#pushed.get(key);
    if (known) return known;
    const before = this.#last.get(where.to) ?? Promise.resolve();
    const pushing = before.then(() => push(path, where, options));
    this.#pushed.set(key, pushing);
    this.#last.set(
      where.to,
      // One that failed is tried again for the next host that wants it, and holds nobody up.
      pushing.catch(() => this.#pushed.delete(key)),
    );
    return pushing;
  }
}
