import { z } from "zod";
import { Failure, messageOf } from "../../deployer/failure.ts";
import { jsonOrUndefined } from "../../deployer/json.ts";
import { isPassing, mayBeDone, NoAnswer, Passing, repeat, send } from "../../deployer/requests.ts";

/** A repository at a forge, and as whom it is asked. */
export interface Repository {
  forge: "github" | "forgejo" | "gitlab";
  /** Base of its API, e.g. "https://api.github.com", "https://codeberg.org/api/v1", "https://gitlab.com/api/v4". */
  api: string;
  /** "owner/name"; at GitLab the project's whole path, or its id. */
  repository: string;
  /** Goes into a header alone. */
  token: string;
}

export interface AskOptions {
  signal?: AbortSignal;
  /** Milliseconds for one request. @default 30 s */
  deadline?: number;
  /** How often a request is sent again that failed through no fault of its own. @default 4 */
  retries?: number;
}

/** What an error says beside the request itself. */
interface Told {
  /** What is asked about, e.g. "ada/shop#7". */
  where: string;
  /** What the token must be allowed, as GitHub calls it, e.g. "pull-requests: write". */
  right: string;
}

/** Entries on a page of a list: Forgejo gives no more, whatever is asked for. */
const perPage = 50;
/** Pages that are read at most. */
const mostPages = 100;

/** The author of what a workflow's own token writes, which may not ask who it is. */
const workflowBot = "github-actions[bot]";

const whoever = z
  .looseObject({ login: z.string().optional(), username: z.string().optional() })
  .transform(({ login, username }) => login ?? username)
  .pipe(z.string());

const headers: Readonly<Record<Repository["forge"], (token: string) => Record<string, string>>> = {
  github: (token) => ({
    authorization: `Bearer ${token}`,
    accept: "application/vnd.github+json",
    "x-github-api-version": "2022-11-28",
  }),
  forgejo: (token) => ({ authorization: `token ${token}` }),
  gitlab: (token) => ({ "private-token": token }),
};

/** Path of a repository in its forge's API. */
export const pathOf = ({ forge, repository }: Pick<Repository, "forge" | "repository">): string =>
  forge === "gitlab" ? `/projects/${encodeURIComponent(repository)}` : `/repos/${repository}`;

/** Requests to a forge: with a deadline, again where that may help, and with errors that say what to do. */
export class ForgeApi {
  readonly #at: Repository;
  readonly #told: Told;
  readonly #options: AskOptions;

  constructor(at: Repository, told: Told, options: AskOptions = {}) {
    this.#at = at;
    this.#told = told;
    this.#options = options;
  }

  /** Whom the token is of. */
  async self(): Promise<string> {
    try {
      return whoever.parse(await this.ask("GET", "/user", "ask whose token it is"));
    } catch (error) {
      // A workflow's own token is nobody's at GitHub.
      if (this.#at.forge === "github" && messageOf(error).includes("it answered 403")) return workflowBot;
      throw error;
    }
  }

  /**
   * The first entry of a list that is looked for, page by page.
   * @param path with or without a query
   */
  async find<T extends { id: number }>(
    path: string,
    tried: string,
    entries: z.ZodType<T[]>,
    wanted: (entry: T) => boolean,
  ): Promise<T | undefined> {
    const size = this.#at.forge === "forgejo" ? "limit" : "per_page";
    let before: number | undefined;
    for (let page = 1; page <= mostPages; page += 1) {
      const query = `${path.includes("?") ? "&" : "?"}${size}=${perPage}&page=${page}`;
      const seen = entries.parse(await this.ask("GET", path + query, tried));
      const found = seen.find(wanted);
      // A list without pages is the same each time; how long a page is at most, a forge may decide itself.
      if (found || seen[0] === undefined || seen[0].id === before) return found;
      before = seen[0].id;
    }
    return undefined;
  }

  /** @param body is sent as JSON */
  async ask(method: string, path: string, tried: string, body?: object): Promise<unknown> {
    const { signal, retries = 4 } = this.#options;
    return await repeat(() => this.#askOnce(method, path, tried, body), { retries, signal });
  }

  async #askOnce(method: string, path: string, tried: string, body?: object): Promise<unknown> {
    const { api, forge, token } = this.#at;
    const { signal, deadline = 30_000 } = this.#options;
    const init = {
      method,
      headers: {
        ...headers[forge](token),
        "user-agent": "berth",
        ...(body && { "content-type": "application/json" }),
      },
      redirect: "error" as const,
      ...(body && { body: JSON.stringify(body) }),
    };
    const passing = (failure: Failure, status: number, said?: Headers): Error =>
      // What may have been written is not written again.
      isPassing(status) && !(method === "POST" && mayBeDone(status))
        ? new Passing(failure, status, said)
        : failure;
    const { response, text } = await send(`${api.replace(/\/$/, "")}${path}`, init, {
      deadline,
      signal,
    }).catch((error: unknown) => {
      throw error instanceof NoAnswer ? passing(this.#failure(tried, error.message), 0) : error;
    });
    if (response.ok) return jsonOrUndefined(text);
    const { status } = response;
    throw passing(
      this.#failure(tried, `it answered ${status}${saidBy(text)}`, status),
      status,
      response.headers,
    );
  }

  #failure(tried: string, cameBack: string, status = 0): Failure {
    const { where, right } = this.#told;
    const next: Record<number, string> = {
      401: "give a token that is valid, in BERTH_FORGE_TOKEN",
      403: `give the token the right to do that (GitHub: permissions ${right})`,
      404: "check the repository and the number, and that the token may see them",
    };
    return new Failure({
      tried: `${tried} on ${where} at ${this.#at.forge}`,
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
