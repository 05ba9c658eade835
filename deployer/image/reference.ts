/** Where an image is, taken apart: `registry.fly.io/shop:v1@sha256:…`. */
export interface ImageReference {
  /** Host of the registry, with its port where it has one. */
  registry: string;
  /** Path in it, e.g. "library/nginx". */
  repository: string;
  tag?: string;
  /** "sha256:" and 64 hexadecimal digits: the manifest's. */
  digest?: string;
}

const component = "[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*";
const repositoryPattern = new RegExp(`^${component}(?:/${component})*$`);
const hostPattern = /^(?:[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?|\[[0-9a-fA-F:]+\])(?::\d{1,5})?$/;
const tagPattern = /^[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}$/;
const digestPattern = /^sha256:[0-9a-f]{64}$/;

/** Docker's own registry, where a reference names none. */
const hub = { name: "docker.io", host: "registry-1.docker.io" };

/**
 * A reference as Docker reads it: the first part is a registry if it holds a dot or a port or is "localhost"; without one it is Docker
 * Hub's, and a single name there is in `library/`. Throws with what is wrong.
 */
export function parseReference(text: string): ImageReference {
  const wrong = (why: string) => new Error(`"${text}" is no image reference: ${why}`);
  const [named = "", digest, ...more] = text.split("@");
  if (more.length > 0) throw wrong("it has more than one @");
  if (digest !== undefined && !digestPattern.test(digest))
    throw wrong("behind @ goes sha256: and 64 digits, in small letters");
  const slash = named.indexOf("/");
  const first = named.slice(0, Math.max(slash, 0));
  const isHost = /[.:\]]/.test(first) || first === "localhost";
  const registry = isHost ? first : hub.name;
  const rest = isHost ? named.slice(slash + 1) : named;
  const colon = rest.indexOf(":");
  const path = colon === -1 ? rest : rest.slice(0, colon);
  const tag = colon === -1 ? undefined : rest.slice(colon + 1);
  if (!hostPattern.test(registry)) throw wrong(`"${registry}" is no host`);
  if (tag !== undefined && !tagPattern.test(tag)) throw wrong(`"${tag}" is no tag`);
  if (!repositoryPattern.test(path))
    throw wrong("a repository is small letters and digits, parted by / . _ and -");
  const repository = registry === hub.name && !path.includes("/") ? `library/${path}` : path;
  return { registry, repository, ...(tag !== undefined && { tag }), ...(digest !== undefined && { digest }) };
}

/** The reference as text; with a digest the tag says nothing more, and is left out. */
export function renderReference({ registry, repository, tag, digest }: ImageReference): string {
  const which = digest !== undefined ? `@${digest}` : tag !== undefined ? `:${tag}` : "";
  return `${registry}/${repository}${which}`;
}

/** Where a registry answers. One on this machine is asked without TLS, as Docker does. */
export function registryUrl(registry: string): URL {
  const host = registry === hub.name ? hub.host : registry;
  const name = new URL(`http://${host}`).hostname;
  const local = name === "localhost" || name === "[::1]" || /^127(?:\.\d+){3}$/.test(name);
  return new URL(`${local ? "http" : "https"}://${host}`);
}
