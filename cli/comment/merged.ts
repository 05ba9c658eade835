import { z } from "zod";
import { type AskOptions, ForgeApi, pathOf, type Repository } from "./api.ts";

/** The pull request that a commit came by. */
export interface MergedPull {
  /** At GitLab the merge request's iid. */
  number: number;
  /** The last commit of its branch. */
  head: string;
}

const pull = z
  .looseObject({
    number: z.int(),
    merged_at: z.string().nullish(),
    merge_commit_sha: z.string().nullish(),
    head: z.looseObject({ sha: z.string() }),
  })
  .transform(({ number, merged_at, merge_commit_sha, head }) => ({
    number,
    head: head.sha,
    merged: typeof merged_at === "string",
    as: [merge_commit_sha ?? ""],
  }));
const mergeRequest = z
  .looseObject({
    iid: z.int(),
    state: z.string(),
    sha: z.string(),
    merge_commit_sha: z.string().nullish(),
    squash_commit_sha: z.string().nullish(),
  })
  .transform(({ iid, state, sha, merge_commit_sha, squash_commit_sha }) => ({
    number: iid,
    head: sha,
    merged: state === "merged",
    // Merged by fast-forward, the branch's last commit is the one, or what it was squashed to.
    as: [merge_commit_sha ?? squash_commit_sha ?? sha],
  }));
const tree = z
  .looseObject({
    tree: z.looseObject({ sha: z.string() }).optional(),
    commit: z.looseObject({ tree: z.looseObject({ sha: z.string() }).optional() }).optional(),
  })
  .transform(({ tree, commit }) => (tree ?? commit?.tree)?.sha)
  .pipe(z.string());
const comparison = z.looseObject({
  diffs: z.array(z.unknown()),
  compare_timeout: z.boolean().optional(),
});

/** How a commit came to its branch, by the API of its forge. */
export class MergedCommits {
  readonly #at: Repository;
  readonly #api: ForgeApi;

  constructor(at: Repository, options: AskOptions = {}) {
    this.#at = at;
    this.#api = new ForgeApi(at, { where: at.repository, right: "pull-requests: read" }, options);
  }

  /** The pull request that was merged as this commit; undefined where the commit came by another way, or is only part of one. */
  async pullOf(commit: string): Promise<MergedPull | undefined> {
    const { forge } = this.#at;
    const paths = {
      github: `/commits/${commit}/pulls`,
      forgejo: `/commits/${commit}/pull`,
      gitlab: `/repository/commits/${commit}/merge_requests`,
    };
    const tried = `find the pull request of ${commit.slice(0, 12)}`;
    let answer: unknown;
    try {
      answer = await this.#api.ask("GET", pathOf(this.#at) + paths[forge], tried);
    } catch (error) {
      // Forgejo knows no pull request by that commit.
      if (forge === "forgejo" && error instanceof Error && error.message.includes("it answered 404"))
        return undefined;
      throw error;
    }
    const known = z.array(forge === "gitlab" ? mergeRequest : pull);
    const pulls = known.parse(Array.isArray(answer) ? answer : [answer]);
    return pulls.find(({ merged, as }) => merged && as.includes(commit));
  }

  /** Whether two commits have the same files in them. */
  async haveSameFiles(one: string, other: string): Promise<boolean> {
    if (one === other) return true;
    const tried = `compare ${one.slice(0, 12)} with ${other.slice(0, 12)}`;
    if (this.#at.forge === "gitlab") {
      const path = `${pathOf(this.#at)}/repository/compare?from=${one}&to=${other}&straight=true`;
      const { diffs, compare_timeout } = comparison.parse(await this.#api.ask("GET", path, tried));
      return diffs.length === 0 && compare_timeout !== true;
    }
    const trees = [one, other].map(async (commit) =>
      tree.parse(await this.#api.ask("GET", `${pathOf(this.#at)}/git/commits/${commit}`, tried)),
    );
    const [first, second] = await Promise.all(trees);
    return first === second;
  }
}
