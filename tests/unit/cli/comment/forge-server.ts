import type { AddressInfo } from "node:net";
import { serve } from "@hono/node-server";
import { type Context, Hono } from "hono";
import { onTestFinished } from "vitest";
import type { Repository } from "../../../../cli/comment/api.ts";
import { Discussion } from "../../../../cli/comment/forge.ts";

export const kinds = ["github", "forgejo", "gitlab"] as const;

interface Note {
  id: number;
  body: string;
  by: string;
}

interface Issue {
  number: number;
  title: string;
  body: string;
  by: string;
  open: boolean;
  isPull: boolean;
}

interface Pull {
  number: number;
  head: string;
  merged: boolean;
  /** The commit that it was merged as. */
  as: string;
}

/** A forge that keeps comments as the three do: with pages, a token, and an author by whose token it is. */
export class Forge {
  readonly notes: Note[] = [];
  readonly issues: Issue[] = [];
  /** Pull requests by the commit that they are asked for by. */
  readonly pulls: Record<string, Pull[]> = {};
  /** What state the forge says pull requests are in, by their numbers; those that are not here are not known. */
  readonly states: Record<number, string> = {};
  /** Which files each commit has, as a word. */
  readonly trees: Record<string, string> = {};
  readonly asked: string[] = [];
  /** Answers the next requests with these statuses; as it should where there is none. */
  faults: (number | undefined)[] = [];
  /** Login of the token; nobody's when null, as of a workflow's at GitHub. */
  self: string | null = "berth-bot";
  api = "";
  readonly #kind: Repository["forge"];

  static async start(kind: Repository["forge"]): Promise<Forge> {
    const forge = new Forge(kind);
    const server = serve({ fetch: forge.#app().fetch, port: 0, hostname: "127.0.0.1" });
    await new Promise<void>((resolve) => server.once("listening", resolve));
    onTestFinished(() => new Promise<void>((resolve) => void server.close(() => resolve())));
    forge.api = `http://127.0.0.1:${(server.address() as AddressInfo).port}/api/`;
    return forge;
  }

  private constructor(kind: Repository["forge"]) {
    this.#kind = kind;
  }

  get repository(): Repository {
    const repository = this.#kind === "gitlab" ? "group/shop" : "ada/shop";
    return { forge: this.#kind, api: this.api, repository, token: "t0k3n" };
  }

  discussion(options = {}): Discussion {
    return new Discussion({ ...this.repository, number: 7 }, { retries: 2, ...options });
  }

  #app(): Hono {
    const app = new Hono().basePath("/api");
    const gitlab = this.#kind === "gitlab";
    const list = gitlab
      ? "/projects/group%2Fshop/merge_requests/7/notes"
      : "/repos/ada/shop/issues/7/comments";
    const one = gitlab ? `${list}/:id` : "/repos/ada/shop/issues/comments/:id";
    const told = ({ id, body, by }: Note) =>
      gitlab ? { id, body, author: { username: by } } : { id, body, user: { login: by } };
    app.use(async (context, next) => {
      this.asked.push(`${context.req.method} ${new URL(context.req.url).pathname}`);
      const fault = this.faults.shift();
      if (fault !== undefined) return context.json({ message: "not now" }, fault as 500);
      if (!this.#letsIn(context)) return context.json({ message: "Bad credentials" }, 401);
      return await next();
    });
    app.get("/user", (context) =>
      this.self === null
        ? context.json({ message: "Resource not accessible by integration" }, 403)
        : context.json(gitlab ? { username: this.self } : { login: this.self }),
    );
    app.get(list, (context) => {
      // Forgejo gives all of them at once.
      const shown = this.#kind === "forgejo" ? this.notes : this.#page(context, this.notes);
      return context.json(shown.map(told));
    });
    app.post(list, async (context) => {
      const { body } = await context.req.json<{ body: string }>();
      return context.json(told(this.write(body, this.self ?? "github-actions[bot]")), 201);
    });
    const change = async (context: Context) => {
      const note = this.notes.find(({ id }) => id === Number(context.req.param("id")));
      if (!note) return context.json({ message: "Not Found" }, 404);
      note.body = (await context.req.json<{ body: string }>()).body;
      return context.json(told(note));
    };
    if (gitlab) app.put(one, change);
    else app.patch(one, change);
    this.#serveIssues(app, gitlab ? "/projects/group%2Fshop" : "/repos/ada/shop");
    const repository = gitlab ? "/projects/group%2Fshop" : "/repos/ada/shop";
    app.get(repository, (context) => context.json({ id: 1 }));
    app.get(`${repository}/${gitlab ? "merge_requests" : "pulls"}/:number`, (context) => {
      const state = this.states[Number(context.req.param("number"))];
      return state === undefined ? context.json({ message: "Not Found" }, 404) : context.json({ state });
    });
    this.#serveCommits(app, gitlab ? "/projects/group%2Fshop/repository" : "/repos/ada/shop");
    return app;
  }

  #page<T>({ req }: Context, all: readonly T[]): T[] {
    const { page = "1", per_page, limit } = req.query();
    const asked = Number((this.#kind === "forgejo" ? limit : per_page) ?? 30);
    // Forgejo's own limit, as it is set where nobody has changed it.
    const size = this.#kind === "forgejo" ? Math.min(asked, 50) : asked;
    return all.slice((Number(page) - 1) * size, Number(page) * size);
  }

  #serveIssues(app: Hono, repository: string): void {
    const gitlab = this.#kind === "gitlab";
    const told = ({ number, body, by, isPull }: Issue) => ({
      id: 1000 + number,
      ...(gitlab
        ? { iid: number, description: body, author: { username: by } }
        : { number, body, user: { login: by }, pull_request: isPull ? {} : undefined }),
    });
    app.get(`${repository}/issues`, (context) => {
      const { state, type } = context.req.query();
      const isOpen = state === (gitlab ? "opened" : "open");
      const shown = this.issues.filter(
        ({ open, isPull }) => (!isOpen || open) && !(isPull && (gitlab || type === "issues")),
      );
      return context.json(this.#page(context, shown).map(told));
    });
    app.post(`${repository}/issues`, async (context) => {
      const sent = await context.req.json<Record<string, string>>();
      const text = sent[gitlab ? "description" : "body"] ?? "";
      const issue = this.open(text, this.self ?? "github-actions[bot]");
      issue.title = sent["title"] ?? "";
      return context.json(told(issue), 201);
    });
    const change = async (context: Context) => {
      const issue = this.issues.find(({ number }) => number === Number(context.req.param("number")));
      if (!issue) return context.json({ message: "Not Found" }, 404);
      const sent = await context.req.json<Record<string, string>>();
      issue.body = sent[gitlab ? "description" : "body"] ?? issue.body;
      if (gitlab ? sent["state_event"] === "close" : sent["state"] === "closed") issue.open = false;
      return context.json(told(issue));
    };
    if (gitlab) app.put(`${repository}/issues/:number`, change);
    else app.patch(`${repository}/issues/:number`, change);
  }

  #serveCommits(app: Hono, repository: string): void {
    const pullsOf = (context: Context) => this.pulls[context.req.param("sha") ?? ""] ?? [];
    const treeOf = (sha: string | undefined) => this.trees[sha ?? ""] ?? `only ${sha}`;
    const told = ({ number, head, merged, as }: Pull) => ({
      number,
      merged_at: merged ? "2026-01-01T00:00:00Z" : null,
      merge_commit_sha: as,
      head: { sha: head },
    });
    if (this.#kind === "gitlab") {
      app.get(`${repository}/commits/:sha/merge_requests`, (context) =>
        context.json(
          pullsOf(context).map(({ number, head, merged, as }) => ({
            iid: number,
            state: merged ? "merged" : "opened",
            sha: head,
            merge_commit_sha: as === head ? null : as,
            squash_commit_sha: null,
          })),
        ),
      );
      app.get(`${repository}/compare`, (context) => {
        const { from, to, straight } = context.req.query();
        const same = straight === "true" && treeOf(from) === treeOf(to);
        return context.json({ diffs: same ? [] : [{ new_path: "index.ts" }] });
      });
    } else if (this.#kind === "github") {
      app.get(`${repository}/commits/:sha/pulls`, (context) => context.json(pullsOf(context).map(told)));
      app.get(`${repository}/git/commits/:sha`, (context) =>
        context.json({ tree: { sha: treeOf(context.req.param("sha")) } }),
      );
    } else {
      app.get(`${repository}/commits/:sha/pull`, (context) => {
        const [first] = pullsOf(context);
        return first ? context.json(told(first)) : context.json({ message: "Not Found" }, 404);
      });
      app.get(`${repository}/git/commits/:sha`, (context) =>
        context.json({ commit: { tree: { sha: treeOf(context.req.param("sha")) } } }),
      );
    }
  }

  #letsIn({ req }: Context): boolean {
    if (this.#kind === "gitlab") return req.header("private-token") === "t0k3n";
    return req.header("authorization") === (this.#kind === "github" ? "Bearer t0k3n" : "token t0k3n");
  }

  write(body: string, by: string): Note {
    const note = { id: this.notes.length + 1, body, by };
    this.notes.push(note);
    return note;
  }

  open(body: string, by: string, isPull = false): Issue {
    const issue = { number: this.issues.length + 1, title: "", body, by, open: true, isPull };
    this.issues.push(issue);
    return issue;
  }
}
