import { existsSync, realpathSync } from "node:fs";
import { join, resolve } from "node:path";
import { count, decideBranch, git, lookAtBranch, push } from "../deployer/app/branch.ts";
import { inputIn, type LockedInput, readInput, updateInput } from "../deployer/app/lock.ts";
import { Failure } from "../deployer/failure.ts";
import { agrees } from "./ask.ts";
import { pulumi } from "./pulumi.ts";
import { say } from "./say.ts";
import { up } from "./up.ts";

export interface DeployOptions {
  /** Folder of the flake with the systems. @default the stack's own */
  flake?: string;
  /** Working copy of the app. @default the folder beside the flake that is named like the input, where there is one */
  app?: string;
  /** Ask nothing, of git or of pulumi. */
  yes?: boolean;
  /** Whether the lock file is committed once every host runs what is wanted. @default true */
  commit?: boolean;
}

/**
 * Put the newest state of an app that is an input of the flake live: its branch is pushed, this input alone is updated, and `berth up` runs.
 * The lock file is committed when all hosts run it: what is committed is what went live.
 * @param args for pulumi
 * @returns what `berth up` does
 */
export async function deploy(
  input: string,
  args: readonly string[],
  selected: string | undefined,
  options: DeployOptions,
): Promise<number> {
  const own = await pulumi(["config", "get", "berth:flake"], selected).catch(() => undefined);
  const flake = chooseFlake(own?.trim(), options.flake);
  await bringInput(input, { ...options, flake });
  const exitCode = await up([...(options.yes ? ["--yes"] : []), ...args], selected);
  // An update before this one may have left it so.
  const committed = await committedInput(flake, input);
  const { rev } = await readInput(flake, input);
  if (!committed || committed.rev === rev) return exitCode;
  if (exitCode !== 0)
    say(`${join(flake, "flake.lock")} is changed and not committed: not every host runs what it says`);
  else if (options.commit !== false)
    await commitLock(flake, `${input}: ${short(committed.rev)} -> ${short(rev)}`);
  return exitCode;
}

/**
 * Folder of the flake that is changed, which must be the one that the stack deploys: what is committed would not be what went live.
 * @param own the stack's `berth:flake`; undefined where its configuration does not say
 */
export function chooseFlake(own: string | undefined, wanted: string | undefined): string {
  const folder = own === undefined ? resolve(".") : folderOf(own);
  const chosen = wanted === undefined ? folder : resolve(wanted);
  if (chosen !== undefined && (own === undefined || (folder !== undefined && isSame(chosen, folder))))
    return chosen;
  throw new Failure({
    tried: `deploy an input of the flake ${wanted ?? own}`,
    cameBack:
      folder === undefined
        ? `the stack's flake is ${own}, which is no folder here`
        : `the stack's flake is another one, ${own}`,
    stands: "Nothing was pushed, and no host was touched",
    next: "run it in the stack's project, with --flake where berth:flake leads; pulumi config set berth:flake says where that is",
  });
}

/** The folder that a reference to a flake means; undefined where it is none of this machine's. */
function folderOf(reference: string): string | undefined {
  const [, path = "", query = ""] =
    /^(?:(?:git\+)?file:(?:\/\/)?|path:)?([^?#]*)(?:\?([^#]*))?/.exec(reference) ?? [];
  if (/^[a-z][a-z0-9+.-]*:/i.test(path)) return undefined;
  return resolve(path, new URLSearchParams(query).get("dir") ?? "");
}

function isSame(one: string, other: string): boolean {
  try {
    return realpathSync(one) === realpathSync(other);
  } catch {
    return one === other;
  }
}

/**
 * See to it that the flake's input is the newest that was pushed of the app.
 * @returns the commits before and after, shortened; undefined where it was the newest already
 */
export async function bringInput(
  input: string,
  { flake, app, yes = false }: DeployOptions & { flake: string },
): Promise<{ from: string; to: string } | undefined> {
  const before = await readInput(flake, input);
  const folder = app === undefined ? besideOf(flake, input) : resolve(app);
  const head = folder === undefined ? undefined : await pushed(folder, before.ref, yes);
  if (folder === undefined)
    say(`there is no working copy of ${input} at hand: what was pushed of it last is deployed`);

  await updateInput(flake, input);
  const after = await readInput(flake, input);
  if (head !== undefined && after.rev !== undefined && after.rev !== head)
    throw new Failure({
      tried: `have the flake's input "${input}" follow ${folder}`,
      cameBack: `it is at ${after.rev} now, and ${head} is checked out there`,
      stands: "No host was touched",
      next: "see that the input's URL is where that working copy is pushed to, and which branch it follows",
    });
  if (after.rev === before.rev) {
    say(`${input} is at ${short(after.rev)} already`);
    return undefined;
  }
  say(`${input}: ${short(before.rev)} -> ${short(after.rev)}`);
  return { from: short(before.rev), to: short(after.rev) };
}

const short = (rev: string | undefined): string => rev?.slice(0, 10) ?? "?";

/** The working copy that lies where one expects it. */
function besideOf(flake: string, input: string): string | undefined {
  const folder = join(flake, "..", input);
  return existsSync(join(folder, ".git")) ? folder : undefined;
}

/** See to it that what is checked out there is pushed. Returns its commit. */
async function pushed(folder: string, followed: string | undefined, yes: boolean): Promise<string> {
  const branch = await lookAtBranch(folder);
  const decision = decideBranch(branch, followed);
  if (decision.do === "refuse")
    throw new Failure({
      tried: `deploy what is checked out in ${folder}`,
      cameBack: decision.because,
      stands: "Nothing was pushed, and no host was touched",
      next: decision.next,
    });
  if (decision.do === "push") {
    const what =
      branch.upstream === undefined
        ? `the new branch ${branch.branch}`
        : `${count(branch.ahead)} to ${branch.upstream}`;
    if (!(yes || (await agrees(`Push ${what}?`))))
      throw new Failure({
        tried: `push ${what}`,
        cameBack: "nobody said yes",
        stands: "Nothing was pushed, and no host was touched",
        next: "push by hand, or say --yes",
      });
    await push(folder, branch);
  }
  return branch.head;
}

/** The input as the flake's last commit has it; undefined where that is not known. */
async function committedInput(flake: string, input: string): Promise<LockedInput | undefined> {
  const text = await git(flake, "show", "HEAD:./flake.lock").catch(() => "");
  return inputIn(text, input);
}

/** The lock file alone, whatever else is changed there. */
export async function commitLock(flake: string, message: string): Promise<void> {
  if ((await git(flake, "status", "--porcelain", "--", "flake.lock").catch(() => "")).trim() === "") return;
  await git(flake, "commit", "--quiet", "-m", message, "--", "flake.lock");
  say(`committed flake.lock: ${message}`);
}
