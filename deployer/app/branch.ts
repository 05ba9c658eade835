import { Failure } from "../failure.ts";
import { lastLines, run } from "../process.ts";

/** Where a working copy stands. */
export interface Branch {
  /** Undefined where no branch is checked out. */
  branch: string | undefined;
  /** Commit that is checked out. */
  head: string;
  /** Files with changes that are not committed, ignored ones left out. */
  changed: readonly string[];
  /** What the branch is pushed to, e.g. "origin/main"; undefined where that is not known. */
  upstream: string | undefined;
  /** Commits that the upstream lacks, and that it has more. */
  ahead: number;
  behind: number;
}

export type BranchDecision =
  | { do: "nothing" }
  | { do: "push" }
  | { do: "refuse"; because: string; next: string };

/**
 * Whether what is checked out is what others get. Pure.
 * @param followed the branch that the flake's input follows; undefined where it names none
 */
export function decideBranch(
  { branch, changed, upstream, ahead, behind }: Branch,
  followed: string | undefined,
): BranchDecision {
  if (branch === undefined)
    return { do: "refuse", because: "no branch is checked out", next: "git switch to the branch to deploy" };
  if (followed !== undefined && followed !== branch)
    return {
      do: "refuse",
      because: `the flake follows its branch ${followed}, and ${branch} is checked out`,
      next: `merge into ${followed} and git switch ${followed}, or have the flake's input follow ${branch}`,
    };
  if (changed.length > 0) {
    const some = changed.slice(0, 5).join(", ");
    const more = changed.length > 5 ? ` and ${changed.length - 5} more` : "";
    return {
      do: "refuse",
      because: `these files are not committed: ${some}${more}`,
      next: "commit or stash them",
    };
  }
  if (behind > 0)
    return {
      do: "refuse",
      because: `${upstream} has ${count(behind)} that ${behind === 1 ? "is" : "are"} not here`,
      next: "git pull --rebase, look at them, and deploy again",
    };
  return upstream === undefined || ahead > 0 ? { do: "push" } : { do: "nothing" };
}

/** So many commits, in words. */
export const count = (commits: number): string => `${commits} commit${commits === 1 ? "" : "s"}`;

/** Milliseconds that git has, with a remote far away. */
const deadline = 120_000;

/** Run git in a folder. Throws a Failure with what it said. */
export async function git(folder: string, ...args: string[]): Promise<string> {
  const env = { GIT_TERMINAL_PROMPT: "0" };
  const ended = await run("git", ["-C", folder, ...args], { deadline, env });
  if (ended.exitCode === 0) return ended.stdout;
  throw new Failure({
    tried: `git ${args[0]} in ${folder}`,
    cameBack: lastLines(ended.stderr, 5) || `exit code ${ended.exitCode}`,
    next: "mend that; the same git command by hand shows more",
  });
}

/** Look at a working copy, after asking its remote what there is. */
export async function lookAtBranch(folder: string): Promise<Branch> {
  const maybe = async (...args: string[]) => (await git(folder, ...args).catch(() => "")).trim() || undefined;
  const branch = await maybe("symbolic-ref", "--short", "--quiet", "HEAD");
  const upstream = await maybe("rev-parse", "--abbrev-ref", "--symbolic-full-name", "@{upstream}");
  if (upstream !== undefined) await git(folder, "fetch", "--quiet");
  const counts = upstream && (await git(folder, "rev-list", "--left-right", "--count", `${upstream}...HEAD`));
  const [behind = 0, ahead = 0] = (counts || "0 0").trim().split(/\s+/).map(Number);
  const status = await git(folder, "status", "--porcelain", "-z");
  return {
    branch,
    head: (await git(folder, "rev-parse", "HEAD")).trim(),
    changed: status
      .split("\0")
      .filter((line) => line !== "")
      .map((line) => line.slice(3)),
    upstream,
    ahead,
    behind,
  };
}

/** Push the branch that is checked out to where it belongs, or to a branch of its name at origin. */
export async function push(folder: string, { branch = "HEAD", upstream }: Branch): Promise<void> {
  await git(
    folder,
    "push",
    "--quiet",
    ...(upstream === undefined ? ["--set-upstream", "origin", branch] : []),
  );
}
