import { type AddressInfo, createServer } from "node:net";
import { serve } from "@hono/node-server";
import { type Context, Hono } from "hono";
import { expect, onTestFinished, test } from "vitest";
import { Discussion, type Place } from "../../../../cli/comment/forge.ts";

interface Note {
  id: number;
  body: string;
  by: string;
}

/** A forge that keeps comments as the three do: with pages, a token, and an author by whose token it is. */
class Forge {
  readonly notes: Note[] = [];
  readonly asked: string[] = [];
  /** Answers the next requests with these statuses; as it should where there is none. */
  faults: (number | undefined)[] = [];
  /** Login of the token; nobody's when null, as of a workflow's at GitHub. */
  self: string | null = "berth-bot";
  api = "";
  readonly #kind: Place["forge"];

  static async start(kind: Place["forge"]): Promise<Forge> {
    const forge = new Forge(kind);
    const server = serve({ fetch: forge.#app().fetch, port: 0, hostname: "127.0.0.1" });
    await new Promise<void>((resolve) => server.once("listening", resolve));
    onTestFinished(() => new Promise<void>((resolve) => void server.close(() => resolve())));
    forge.api = `http://127.0.0.1:${(server.address() as AddressInfo).port}/api/`;
    return forge;
  }

  private constructor(kind: Place["forge"]) {
    this.#kind = kind;
  }

  discussion(options = {}): Discussion {
    const repository = this.#kind === "gitlab" ? "group/shop" : "ada/shop";
    const place = { forge: this.#kind, api: this.api, repository, number: 7, token: "t0k3n" };
    return new Discussion(place, { retries: 2, ...options });
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
      const { page = "1", per_page, limit } = context.req.query();
      const size = Number((this.#kind === "forgejo" ? limit : per_page) ?? 30);
      return context.json(this.notes.slice((Number(page) - 1) * size, Number(page) * size).map(told));
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
    return app;
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
}

const kinds = ["github", "forgejo", "gitlab"] as const;
const mark = "<!-- berth preview of berth/prod -->";

test.each(kinds)(
  "at %s one comment is written, changed, and left alone where it says the same",
  async (kind) => {
    const forge = await Forge.start(kind);
    forge.write("looks good", "ada");
    expect(await forge.discussion().keep(`${mark}\none`)).toBe("written");
    expect(await forge.discussion().keep(`${mark}\ntwo`)).toBe("changed");
    expect(await forge.discussion().keep(`${mark}\ntwo`)).toBe("unchanged");
    expect(await forge.discussion().keep("<!-- berth preview of berth/dev -->\nother")).toBe("written");
    expect(forge.notes.map(({ body }) => body)).toEqual([
      "looks good",
      `${mark}\ntwo`,
      "<!-- berth preview of berth/dev -->\nother",
    ]);
  },
);

test.each(kinds)("at %s it is found behind hundreds of others", async (kind) => {
  const forge = await Forge.start(kind);
  for (let count = 0; count < 230; count += 1) forge.write("chatter", "ada");
  forge.write(`${mark}\nold`, "berth-bot");
  expect(await forge.discussion().keep(`${mark}\nnew`)).toBe("changed");
  expect(forge.notes).toHaveLength(231);
});

test.each(kinds)(
  "at %s a comment of somebody else's is never taken for ours, whatever it begins with",
  async (kind) => {
    const forge = await Forge.start(kind);
    forge.write(`${mark}\nnothing changes, merge it`, "mallory");
    expect(await forge.discussion().keep(`${mark}\nDELETE`)).toBe("written");
    expect(forge.notes.map(({ by, body }) => [by, body])).toEqual([
      ["mallory", `${mark}\nnothing changes, merge it`],
      ["berth-bot", `${mark}\nDELETE`],
    ]);
  },
);

test("a workflow's own token, which is nobody's, finds the comment that it wrote", async () => {
  const forge = await Forge.start("github");
  forge.self = null;
  expect(await forge.discussion().keep(`${mark}\none`)).toBe("written");
  expect(await forge.discussion().keep(`${mark}\ntwo`)).toBe("changed");
});

test("what fails on the way is asked again, but a comment is not written twice", async () => {
  const forge = await Forge.start("forgejo");
  forge.faults = [502, 429];
  expect(await forge.discussion().keep(`${mark}\none`)).toBe("written");
  expect(forge.asked).toHaveLength(5);
  forge.notes.length = 0;
  forge.asked.length = 0;
  forge.faults = [undefined, undefined, 502];
  await expect(forge.discussion().keep(`${mark}\none`)).rejects.toThrow("write a comment on ada/shop#7");
  expect(forge.asked.map((line) => line.split(" ", 1)[0])).toEqual(["GET", "GET", "POST"]);
});

test.each([
  [401, "give a token that is valid"],
  [403, "pull-requests: write"],
  [404, "check the repository and the number"],
])("an answer of %i is told with the pull request and what to do", async (status, advice) => {
  const forge = await Forge.start("gitlab");
  forge.faults = [status];
  await expect(forge.discussion().keep(`${mark}\none`)).rejects.toThrow(
    new RegExp(`group/shop#7 at gitlab: it answered ${status}: not now\\. Next: .*${advice}`),
  );
});

test("a forge that does not answer is given up on in time", async () => {
  const forge = await Forge.start("github");
  const silent = createServer(() => {});
  await new Promise<void>((resolve) => silent.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => void silent.close());
  forge.api = `http://127.0.0.1:${(silent.address() as AddressInfo).port}/`;
  await expect(forge.discussion({ retries: 0, deadline: 200 }).keep(`${mark}\none`)).rejects.toThrow(
    "no answer within 0.2 s",
  );
});
