import { z } from "zod";
import { type AskOptions, ForgeApi, pathOf, type Repository } from "./api.ts";

/** Where a pull request is discussed, and as whom. */
export interface Place extends Repository {
  /** Number of the pull request; at GitLab the merge request's iid. */
  number: number;
}

/** A comment of ours. */
interface Comment {
  id: number;
  body: string;
}

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

/** Where comments are, and how one is changed. */
const inIssues = {
  list: (place: Place) => `${pathOf(place)}/issues/${place.number}/comments`,
  one: (place: Place, id: number) => `${pathOf(place)}/issues/comments/${id}`,
  change: "PATCH",
};
const ways = {
  github: inIssues,
  forgejo: inIssues,
  gitlab: {
    list: (place: Place) => `${pathOf(place)}/merge_requests/${place.number}/notes`,
    one: (place: Place, id: number) => `${pathOf(place)}/merge_requests/${place.number}/notes/${id}`,
    change: "PUT",
  },
} as const;

/** The comments of a pull request, by the API of its forge. */
export class Discussion {
  readonly #place: Place;
  readonly #api: ForgeApi;

  constructor(place: Place, options: AskOptions = {}) {
    this.#place = place;
    const where = `${place.repository}#${place.number}`;
    this.#api = new ForgeApi(place, { where, right: "pull-requests: write" }, options);
  }

  /**
   * Write a comment, or write it anew where there is one of ours with the same first line. One that somebody else has written, and may
   * change after us, is never taken for ours.
   * @param body its first line tells it from others
   */
  async keep(body: string): Promise<"written" | "changed" | "unchanged"> {
    const way = ways[this.#place.forge];
    const [mark = ""] = body.split("\n", 1);
    const mine = await this.find(mark);
    if (mine?.body.replaceAll("\r\n", "\n") === body) return "unchanged";
    if (mine) await this.#api.ask(way.change, way.one(this.#place, mine.id), "change the comment", { body });
    else created.parse(await this.#api.ask("POST", way.list(this.#place), "write a comment", { body }));
    return mine ? "changed" : "written";
  }

  /** The comment of ours that begins with a line; nobody else's. */
  async find(mark: string): Promise<Comment | undefined> {
    const self = await this.#api.self();
    return this.#api.find(
      ways[this.#place.forge].list(this.#place),
      "read the comments",
      comments,
      ({ body, by }) => by === self && body.startsWith(mark),
    );
  }
}
