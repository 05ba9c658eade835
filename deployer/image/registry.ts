import { z } from "zod";
import { Failure } from "../failure.ts";
import { jsonOrUndefined } from "../json.ts";
import { type Answer, isPassing, NoAnswer, Passing, repeat, send } from "../requests.ts";
import { type ImageReference, registryUrl } from "./reference.ts";

/** How a registry is asked. */
export interface RegistryOptions {
  /** Who asks; goes into a header alone. @default nobody: what is public */
  login?: { username: string; password: string };
  signal?: AbortSignal;
  /** Milliseconds for one request, an upload included. @default 10 minutes */
  deadline?: number;
  /** How often a request is sent again that failed through no fault of its own. @default 4 */
  retries?: number;
}

interface Asked {
  headers?: Record<string, string>;
  body?: Blob | string;
  /** Statuses that are answers. Any other is a Failure. */
  expected: readonly number[];
  /** What is tried, for people. */
  tried: string;
}

const problems = z.looseObject({
  errors: z.array(z.looseObject({ code: z.string(), message: z.string().default("") })),
});
const tokenAnswer = z
  .looseObject({ token: z.string().optional(), access_token: z.string().optional() })
  .transform(({ token, access_token }) => token ?? access_token)
  .pipe(z.string());

/** One repository of a registry, by the distribution API that they all speak. */
export class Repository {
  readonly name: string;
  readonly #url: URL;
  readonly #options: RegistryOptions;
  /** As the registry has asked for it. */
  #authorization: string | undefined;

  constructor(
    { registry, repository }: Pick<ImageReference, "registry" | "repository">,
    options: RegistryOptions = {},
  ) {
    this.name = `${registry}/${repository}`;
    this.#url = new URL(`/v2/${repository}/`, registryUrl(registry));
    this.#options = options;
  }

  /** Whether it holds a blob. */
  async hasBlob(digest: string): Promise<boolean> {
    const answer = await this.#ask("HEAD", `blobs/${digest}`, {
      expected: [200, 404],
      tried: `look for ${digest} in ${this.name}`,
    });
    return answer.response.status === 200;
  }

  /** A blob's text, for configurations; undefined where it has none. */
  async blobText(digest: string): Promise<string | undefined> {
    const answer = await this.#ask("GET", `blobs/${digest}`, {
      expected: [200, 404],
      tried: `read ${digest} from ${this.name}`,
    });
    return answer.response.status === 200 ? answer.text : undefined;
  }

  /** Send a blob whose digest is known. */
  async putBlob(digest: string, content: Blob): Promise<void> {
    const tried = `send ${digest} to ${this.name}`;
    const { response: begun } = await this.#ask("POST", "blobs/uploads/", { expected: [202], tried });
    const where = begun.headers.get("location");
    if (where === null) throw this.#failure(tried, "it does not say where to send it");
    const url = new URL(where, begun.url);
    url.searchParams.set("digest", digest);
    await this.#ask("PUT", url, {
      headers: { "content-type": "application/octet-stream" },
      body: content,
      expected: [201],
      tried,
    });
  }

  /** A manifest by tag or digest with its own digest; undefined where there is none. */
  async manifest(which: string): Promise<{ digest: string; type: string; text: string } | undefined> {
    const { response, text } = await this.#ask("GET", `manifests/${which}`, {
      headers: { accept: [schema2, ociManifest, manifestList, ociIndex].join(", ") },
      expected: [200, 404],
      tried: `read the manifest ${which} of ${this.name}`,
    });
    if (response.status === 404) return undefined;
    return {
      digest: response.headers.get("docker-content-digest") ?? "",
      type: response.headers.get("content-type") ?? "",
      text,
    };
  }

  /** Give a manifest a tag. */
  async putManifest(tag: string, text: string, type: string): Promise<void> {
    await this.#ask("PUT", `manifests/${tag}`, {
      headers: { "content-type": type },
      body: text,
      expected: [201],
      tried: `tag ${this.name}:${tag}`,
    });
  }

  /** One request, sent again where that may help, and once more with what the registry asks for to let somebody in. */
  async #ask(method: string, path: string | URL, asked: Asked): Promise<Answer> {
    const { signal, retries = 4 } = this.#options;
    const url = new URL(path, this.#url);
    // Of all that is asked only an upload's beginning is another each time, and one that is not gone on with is nothing.
    return await repeat(
      async () => {
        let answer = await this.#send(method, url, asked);
        if (answer.response.status === 401 && (await this.#letIn(answer.response, asked.tried)))
          answer = await this.#send(method, url, asked);
        if (asked.expected.includes(answer.response.status)) return answer;
        throw this.#refused(asked.tried, answer);
      },
      { retries, patience: (retries + 1) * this.#deadline, signal },
    );
  }

  get #deadline(): number {
    return this.#options.deadline ?? 600_000;
  }

  async #send(method: string, url: URL, { headers, body, tried }: Asked): Promise<Answer> {
    // What lets somebody in belongs to the registry alone, not to where it has its blobs uploaded.
    const ours = this.#authorization && url.origin === this.#url.origin;
    const init = {
      method,
      headers: { ...headers, ...(ours && { authorization: this.#authorization }) },
      ...(body !== undefined && { body }),
    };
    return await this.#answered(tried, url, init, this.#deadline);
  }

  async #answered(tried: string, url: URL, init: RequestInit, deadline: number): Promise<Answer> {
    try {
      return await send(url, init, { deadline, signal: this.#options.signal });
    } catch (error) {
      throw error instanceof NoAnswer ? new Passing(this.#failure(tried, error.message), 0) : error;
    }
  }

  /** What is thrown for an answer that is none of the expected. */
  #refused(tried: string, { response: { status, headers }, text }: Answer): Error {
    const failure = this.#failure(tried, saidIn(text), status);
    return isPassing(status) ? new Passing(failure, status, headers) : failure;
  }

  /** Do what a 401 asks for; whether there was anything to do. */
  async #letIn(answer: Response, tried: string): Promise<boolean> {
    const wanted = challengeOf(answer.headers.get("www-authenticate") ?? "");
    const { login } = this.#options;
    const basic = login && `Basic ${Buffer.from(`${login.username}:${login.password}`).toString("base64")}`;
    if (wanted?.scheme === "basic") {
      if (!basic || this.#authorization === basic) return false;
      this.#authorization = basic;
      return true;
    }
    if (wanted?.scheme !== "bearer" || !wanted.realm) return false;
    const url = new URL(wanted.realm);
    if (!mayLogIn(this.#url, url))
      throw this.#failure(tried, `it sends whoever logs in to ${url.origin}, without TLS`);
    for (const [key, value] of Object.entries({ service: wanted.service, scope: wanted.scope }))
      if (value) url.searchParams.set(key, value);
    const token = await this.#answered(
      tried,
      url,
      { headers: basic ? { authorization: basic } : {} },
      30_000,
    );
    if (!token.response.ok) throw this.#refused(tried, token);
    const given = tokenAnswer.safeParse(jsonOrUndefined(token.text));
    if (!given.success) throw this.#failure(tried, `${url.origin} lets in, and gives no token`);
    this.#authorization = `Bearer ${given.data}`;
    return true;
  }

  #failure(tried: string, cameBack: string, status = 0): Failure {
    const next =
      status === 401 || status === 403
        ? "check the registry's user and password, and that they may push to this repository"
        : status === 404
          ? "check that the repository (at Fly: the app) exists"
          : "try again; if it stays so, look at the registry's status page";
    return new Failure({
      tried,
      cameBack: status === 0 ? cameBack : `it answered ${status}${cameBack && `: ${cameBack}`}`,
      next,
    });
  }
}

/** Media types of manifests: of one image, and of several for different machines. */
export const schema2 = "application/vnd.docker.distribution.manifest.v2+json";
const ociManifest = "application/vnd.oci.image.manifest.v1+json";
const manifestList = "application/vnd.docker.distribution.manifest.list.v2+json";
const ociIndex = "application/vnd.oci.image.index.v1+json";

/** Whether a login that a registry asks for may be sent there: never without TLS, unless the registry itself is asked so and is that very host. */
export const mayLogIn = (registry: URL, realm: URL): boolean =>
  realm.protocol === "https:" || (registry.protocol === "http:" && registry.hostname === realm.hostname);

/** What a registry asks of whoever is not let in; undefined where it says nothing that is understood. */
export function challengeOf(
  header: string,
): { scheme: string; realm?: string; service?: string; scope?: string } | undefined {
  const scheme = /^\s*([A-Za-z]+)(?=\s|$)/.exec(header)?.[1]?.toLowerCase();
  if (!scheme) return undefined;
  const said = [...header.matchAll(/([a-z]+)="([^"]*)"/gi)].map(([, key = "", value]) => [
    key.toLowerCase(),
    value,
  ]);
  const { realm, service, scope } = Object.fromEntries(said) as Record<string, string | undefined>;
  return { scheme, ...(realm && { realm }), ...(service && { service }), ...(scope && { scope }) };
}

/** What a registry says of a refusal, in its own words. */
function saidIn(text: string): string {
  const parsed = problems.safeParse(jsonOrUndefined(text));
  if (!parsed.success) return text.trim().split("\n", 1)[0]?.slice(0, 200) ?? "";
  return parsed.data.errors.map(({ code, message }) => (message ? `${message} (${code})` : code)).join("; ");
}
