import { Failure } from "../../deployer/failure.ts";
import { print } from "../say.ts";
import type { AskOptions, Repository } from "./api.ts";
import { projectHere } from "./comment.ts";
import { Discussion } from "./forge.ts";
import { MergedCommits } from "./merged.ts";
import { type Named, repositoryOf } from "./place.ts";
import { markOf, reviewedIn } from "./render.ts";

export interface ReviewedOptions extends Omit<Named, "number"> {
  /** The commit that is to be deployed. */
  commit?: string;
  /** Pulumi's project, where Pulumi.yaml is not at hand. */
  project?: string;
}

/** What was reviewed of a commit before it was merged. */
export interface Review {
  /** Number of its pull request. */
  pull: number;
  /** The commit that was previewed there; it has the same files. */
  previewed: string;
  /** Digest of the changes that the preview told. */
  changes: string;
}

/** Print what was reviewed of a commit, as lines `name=value` for a workflow; fails where that is not what would be deployed. */
export async function reviewed(selected: string | undefined, options: ReviewedOptions): Promise<void> {
  const commit = options.commit ?? process.env["GITHUB_SHA"] ?? process.env["CI_COMMIT_SHA"];
  const found = repositoryOf(options, process.env);
  const missing = [
    ...(selected === undefined ? ["the stack, with -s"] : []),
    ...(commit === undefined ? ["--commit"] : []),
    ...("missing" in found ? found.missing : []),
  ];
  if ("missing" in found || selected === undefined || commit === undefined)
    throw new Failure({
      tried: "find out what was reviewed",
      cameBack: `neither the options nor the workflow's variables tell ${missing.join(", ")}`,
      next: "name them",
    });
  const project = options.project ?? (await projectHere());
  const { pull, previewed, changes } = await reviewOf(found, { project, stack: selected, commit });
  print([`pull=${pull}`, `previewed=${previewed}`, `changes=${changes}`].join("\n"));
}

/** What was reviewed of a commit. Throws a Failure where there is no such review, or where it was of something else. */
export async function reviewOf(
  at: Repository,
  { project, stack, commit }: { project: string; stack: string; commit: string },
  options: AskOptions = {},
): Promise<Review> {
  const refuse = (cameBack: string): Failure =>
    new Failure({
      tried: `find what was reviewed of ${commit.slice(0, 12)} for stack ${stack}`,
      cameBack,
      next: "preview that commit, read what it would do, and deploy by hand with the digest of these changes",
    });
  const commits = new MergedCommits(at, options);
  const pull = await commits.pullOf(commit);
  if (!pull) throw refuse("no pull request was merged as this commit");
  const place = { ...at, number: pull.number };
  const comment = await new Discussion(place, options).find(markOf({ project, stack }));
  if (!comment) throw refuse(`pull request ${pull.number} has no comment of Berth's for this stack`);
  const told = reviewedIn(comment.body);
  if (!told) throw refuse(`the preview of pull request ${pull.number} had failed`);
  if (told.commit !== pull.head)
    throw refuse(
      `pull request ${pull.number} was previewed at ${told.commit.slice(0, 12)} and merged at ${pull.head.slice(0, 12)}`,
    );
  if (!(await commits.haveSameFiles(told.commit, commit)))
    throw refuse(
      `${told.commit.slice(0, 12)}, which was previewed, has other files: its branch was not up to date when it was merged`,
    );
  return { pull: pull.number, previewed: told.commit, changes: told.digest };
}
