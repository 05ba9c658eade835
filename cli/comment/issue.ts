import { z } from "zod";
import { type AskOptions, ForgeApi, pathOf, type Repository } from "./api.ts";

const issues = z.array(
  z
    .looseObject({
      id: z.int(),
      number: z.int().optional(),
      iid: z.int().optional(),
      body: z.string().nullish(),
      description: z.string().nullish(),
      user: z.looseObject({ login: z.string() }).nullish(),
      author: z.looseObject({ username: z.string() }).nullish(),
      pull_request: z.unknown().optional(),
    })
    .transform(({ id, number, iid, body, description, user, author, pull_request }) => ({
      id,
      number: number ?? iid ?? 0,
      body: body ?? description ?? "",
      by: user?.login ?? author?.username ?? "",
      /** GitHub lists pull requests among the issues. */
      isPull: pull_request !== undefined && pull_request !== null,
    })),
);
const numbered = z.looseObject({ number: z.int().optional(), iid: z.int().optional() });

/** What becomes of a stack's issue. */
export interface IssueState {
  title: string;
  /** Its first line tells it from others. */
  body: string;
  /** Whether there is anything to do; where there is not, the issue is closed. */
  open: boolean;
}

/** The open issue of ours with a first line: one at most is kept. */
export class StackIssue {
  readonly #at: Repository;
  readonly #api: ForgeApi;

  constructor(at: Repository, options: AskOptions = {}) {
    this.#at = at;
    this.#api = new ForgeApi(at, { where: at.repository, right: "issues: write" }, options);
  }

  /**
   * Open the issue, write it anew, or close it. One that somebody else has opened is never taken for ours; one that was closed stays so, and
   * the next drift has an issue of its own.
   * @returns what was done, and to which number
   */
  async keep({ title, body, open }: IssueState): Promise<{
    how: "opened" | "changed" | "unchanged" | "closed" | "none";
    number?: number;
  }> {
    const gitlab = this.#at.forge === "gitlab";
    const list = `${pathOf(this.#at)}/issues`;
    const [mark = ""] = body.split("\n", 1);
    const mine = await this.#find(list, mark);
    const text = gitlab ? { description: body } : { body };
    if (!mine) {
      if (!open) return { how: "none" };
      const answer = await this.#api.ask("POST", list, "open an issue", { title, ...text });
      const { number, iid } = numbered.parse(answer);
      return { how: "opened", number: number ?? iid ?? 0 };
    }
    const { number } = mine;
    if (open && mine.body.replaceAll("\r\n", "\n") === body) return { how: "unchanged", number };
    const close = gitlab ? { state_event: "close" } : { state: "closed" };
    await this.#api.ask(
      gitlab ? "PUT" : "PATCH",
      `${list}/${number}`,
      open ? "change the issue" : "close the issue",
      {
        ...text,
        ...(open ? {} : close),
      },
    );
    return { how: open ? "changed" : "closed", number };
  }

  async #find(list: string, mark: string) {
    const self = await this.#api.self();
    const query = { github: "state=open", forgejo: "state=open&type=issues", gitlab: "state=opened" };
    return this.#api.find(
      `${list}?${query[this.#at.forge]}`,
      "read the issues",
      issues,
      ({ by, body, isPull }) => !isPull && by === self && body.startsWith(mark),
    );
  }
}
