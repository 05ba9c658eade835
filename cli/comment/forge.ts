import pRetry, { AbortError } from "p-retry";
import { z } from "zod";
import { Failure, innermostOf, messageOf } from "../../deployer/failure.ts";
import { jsonOrUndefined } from "../../deployer/json.ts";

/** Where a pull request is discussed, and as whom. */
export interface Place {
  forge: "github" | "forgejo" | "gitlab";
  /** Base of its API, e.g. "https://api.github.com", "https://codeberg.org/api/v1", "https://gitlab.com/api/v4". */
  api: string;
  /** "owner/name"; at GitLab the project's whole path, or its id. */
  repository: string;
  /** Number of the pull request; at GitLab the merge request's iid. */
  number: number;
  /** Goes into a header alone. */
  token: string;
}

/** A comment of ours. */
interface Comment {
  id: number;
  body: string;
}

export interface PostOptions {
  signal?: AbortSignal;
  /** Milliseconds for one request. @default 30 s */
  deadline?: number;
  /** How often a request is sent again that failed through no fault of its own. @default 4 */
  retries?: number;
}

/** Comments on a page of a list, and pages that are read at most: beyond them a new comment is written. */
const perPage = 100;
const mostPages = 50;

/** The author of what a workflow's own token writes, which may not ask who it is. */
const workflowBot = "github-actions[bot]";

const comments = z.array(
  z
    .looseObject({
      id: z.int(),
      body: z.string().nullish(),
      user: z.looseObject({ login: z.string() }).nullish(),
      author: z.looseObject({ username: z.string() }).nullish(),
    })
    .transform(({ id, body, user, author }) => ({
      id,
      body: body ?? "",
      by: user?.login ?? author?.username ?? "",
    })),
);
const created = z.looseObject({ id: z.int() });
const whoever = z
  .looseObject({ login: z.string().optional(), username: z.string().optional() })
  .transform(({ login, username }) => login ?? username)
  .pipe(z.string());

/** How the forges differ: where comments are, how one is changed, how a token is sent. */
const ways = {
  github: {
    list: ({ repository, number }: Place) => `/repos/${repository}/issues/${number}/comments`,
    one: ({ repository }: Place, id: number) => `/repos/${repository}/issues/comments/${id}`,
    page: "per_page",
    change: "PATCH",
    headers: (token: string) => ({
      authorization: `Bearer ${token}`,
      accept: "application/vnd.github+json",
      "x-github-api-version": "2022-11-28",
    }),
  },
  forgejo: {
    list: ({ repository, number }: Place) => `/repos/${repository}/issues/${number}/comments`,
    one: ({ repository }: Place, id: number) => `/repos/${repository}/issues/comments/${id}`,
    page: "limit",
    change: "PATCH",
    headers: (token: string) => ({ authorization: `token ${token}` }),
  },
  gitlab: {
    list: (place: Place) =>
      `/projects/${encodeURIComponent(place.repository)}/merge_requests/${place.number}/notes`,
    one: (place: Place, id: number) =>
      `/projects/${encodeURIComponent(place.repository)}/merge_requests/${place.number}/notes/${id}`,
    page: "per_page",
    change: "PUT",
    headers: (token: string) => ({ "private-token": token }),
  },
} as const;

/** The comments of a pull request, by the API of its forge. */
export class Discussion {
  readonly #place: Place;
  readonly #options: PostOptions;

  constructor(place: Place, options: PostOptions = {}) {
    this.#place = place;
    this.#options = options;
  }

  /**
   * Write a comment, or write it anew where there is one of ours with the same first line. One that somebody else has written, and may
   * change after us, is never taken for ours.
   * @param body its first line tells it from others
   */
  async keep(body: string): Promise<"written" | "changed" | "unchanged"> {
    const way = ways[this.#place.forge];
    const [mark = ""] = body.split("\n", 1);
    const mine = await this.#find(mark);
    if (mine?.body.replaceAll("\r\n", "\n") === body) return "unchanged";
    if (mine) await this.#ask(way.change, way.one(this.#place, mine.id), "change the comment", { body });
    else created.parse(await this.#ask("POST", way.list(this.#place), "write a comment", { body }));
    return mine ? "changed" : "written";
  }

  async #find(mark: string): Promise<Comment | undefined> {
    const way = ways[this.#place.forge];
    const self = await this.#self();
    for (let page = 1; page <= mostPages; page += 1) {
      const query = `?${way.page}=${perPage}&page=${page}`;
      const seen = comments.parse(await this.#ask("GET", way.list(this.#place) + query, "read the comments"));
      const mine = seen.find(({ body, by }) => by === self && body.startsWith(mark));
      if (mine) return mine;
      if (seen.length < perPage) return undefined;
    }
    return undefined;
  }

  /** Whom the token is of. */
  async #self(): Promise<string> {
    try {
      return whoever.parse(await this.#ask("GET", "/user", "ask whose token it is"));
    } catch (error) {
      // A workflow's own token is nobody's at GitHub.
      if (this.#place.forge === "github" && messageOf(error).includes("it answered 403")) return workflowBot;
      throw error;
    }
  }

  async #ask(method: string, path: string, tried: string, body?: object): Promise<unknown> {
    const { signal, retries = 4 } = this.#options;
    return await pRetry(() => this.#askOnce(method, path, tried, body), {
      // What may have been written is not written again.
      retries: method === "POST" ? 0 : retries,
      minTimeout: 300,
      maxTimeout: 10_000,
      randomize: true,
      ...(signal && { signal }),
    });
  }

  async #askOnce(method: string, path: string, tried: string, body?: object): Promise<unknown> {
    const { api, forge, token } = this.#place;
    const { signal, deadline = 30_000 } = this.#options;
    const limit = AbortSignal.timeout(deadline);
    let answer: Response;
    try {
      answer = await fetch(`${api.replace(/\/$/, "")}${path}`, {
        method,
        headers: {
          ...ways[forge].headers(token),
          "user-agent": "berth",
          ...(body && { "content-type": "application/json" }),
        },
        redirect: "error",
        signal: signal ? AbortSignal.any([limit, signal]) : limit,
        ...(body && { body: JSON.stringify(body) }),
      });
    } catch (error) {
      signal?.throwIfAborted();
      throw this.#failure(
        tried,
        limit.aborted ? `no answer within ${deadline / 1000} s` : innermostOf(error),
      );
    }
    const text = await answer.text();
    if (answer.ok) return jsonOrUndefined(text);
    const failure = this.#failure(tried, `it answered ${answer.status}${saidBy(text)}`, answer.status);
    throw answer.status === 429 || answer.status >= 500 ? failure : new AbortError(failure);
  }

  #failure(tried: string, cameBack: string, status = 0): Failure {
    const { forge, repository, number } = this.#place;
    const next: Record<number, string> = {
      401: "give a token that is valid, in BERTH_FORGE_TOKEN",
      403: "give the token the right to write comments (GitHub: permissions pull-requests: write)",
      404: "check the repository and the number, and that the token may see them",
    };
    return new Failure({
      tried: `${tried} on ${repository}#${number} at ${forge}`,
      cameBack,
      next: next[status] ?? "try again; if it stays so, look at the forge's status page",
    });
  }
}

const said = z.looseObject({ message: z.string() });

function saidBy(text: string): string {
  const parsed = said.safeParse(jsonOrUndefined(text));
  return parsed.success ? `: ${parsed.data.message}` : "";
}
