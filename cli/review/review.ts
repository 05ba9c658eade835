import { readFile } from "node:fs/promises";
import { text } from "node:stream/consumers";
import { type Command, InvalidArgumentError, Option } from "commander";
import { stackOfPull } from "../../config/short-lived.ts";
import { Failure, messageOf } from "../../deployer/failure.ts";
import { jsonOrUndefined } from "../../deployer/json.ts";
import { mask } from "../../deployer/mask.ts";
import { asJson } from "../as-json.ts";
import { projectHere } from "../comment/comment.ts";
import { Discussion } from "../comment/forge.ts";
import { forges, type Named, numberOf, placeOf, repositoryOf } from "../comment/place.ts";
import { pullStateOf } from "../comment/pull-state.ts";
import { renderReview } from "../comment/render-review.ts";
import { count } from "../count.ts";
import { print, say } from "../say.ts";
import { table } from "../table.ts";
import type { Verbs } from "../verbs.ts";
import { reviewDown, reviewSweep } from "./down.ts";
import { type ReviewItem, reviewReport } from "./report.ts";
import { claimingStacks } from "./stacks.ts";
import type { PullState } from "./sweeping.ts";
import { reviewUp } from "./up.ts";

interface Json {
  json?: boolean;
}
interface UpOptions extends Json {
  number?: number;
  template: string;
  hours: number;
  cap: number;
  most: number;
  unpriced?: boolean;
  commit?: string;
}
interface CommentOptions extends Named {
  from: string;
  log?: string;
  print?: true;
}

export function addReview(program: Command, { end }: Verbs): void {
  const review = program
    .command("review")
    .description(
      "short-lived stacks of pull requests: make one, take it down, sweep those whose time is over",
    );

  review
    .command("up [args...]")
    .description(
      "make the short-lived stack of a pull request from a template, or update it and begin its time anew. Arguments, after --, are pulumi's",
    )
    .option("--number <number>", "of the pull request, found in the workflow's variables when absent", count)
    .option("--template <stack>", "the stack whose file says what each one gets", "review")
    .option("--hours <hours>", "how long it lives from now on", hours, 24)
    .option("--cap <price>", "what it may cost, net a month", price, 20)
    .option("--most <count>", "how many of them there may be at once", count, 5)
    .option("--unpriced", "let in what has no price that is known, such as apps at Fly.io")
    .option("--commit <id>", "the commit that is deployed")
    .option("--json", "as JSON")
    .action(async (args: string[], { number, unpriced = false, json, ...options }: UpOptions) => {
      ownFiles();
      const pull = number ?? (await numberHere());
      const item = await reviewUp({ ...options, unpriced, number: pull }, args).catch((error: unknown) => {
        if (!json) throw error;
        // The pull request is told, too.
        say(messageOf(error));
        return refusedItem(pull, error);
      });
      end(show([item], json));
    });

  review
    .command("down")
    .description("take down the short-lived stack of a pull request and remove it")
    .option("--number <number>", "of the pull request, found in the workflow's variables when absent", count)
    .option("--json", "as JSON")
    .action(async ({ number, json }: Json & { number?: number }) => {
      ownFiles();
      end(show([await reviewDown(number ?? (await numberHere()))], json));
    });

  review
    .command("sweep")
    .description(
      "take down every short-lived stack whose time is over, or whose pull request is not open any more",
    )
    .addOption(new Option("--forge <kind>", "found in the workflow's variables when absent").choices(forges))
    .option("--api <url>", "base of the forge's API, likewise")
    .option("--repository <path>", "owner/name, at GitLab the project's path or id, likewise")
    .option("--json", "as JSON")
    .action(async ({ json, ...named }: Json & Omit<Named, "number">) => {
      ownFiles();
      end(show(await reviewSweep(asker(named)), json));
    });

  review
    .command("list")
    .description("the short-lived stacks there are, and when each ends")
    .option("--json", "as JSON")
    .action(async ({ json }: Json) => {
      ownFiles();
      const found = await claimingStacks();
      end(show(found.map(itemOf), json));
    });

  review
    .command("comment")
    .description(
      "keep one comment on each pull request that says where its short-lived stack is and when it ends",
    )
    .requiredOption("--from <file>", "what berth review up, down or sweep printed with --json, - for stdin")
    .option(
      "--number <number>",
      "only of this pull request: what a report that it wrote says of others is passed over",
      count,
    )
    .option("--print", "print the comments and post nothing")
    .option("--log <url>", "where the whole log is")
    .addOption(new Option("--forge <kind>", "found in the workflow's variables when absent").choices(forges))
    .option("--api <url>", "base of the forge's API, likewise")
    .option("--repository <path>", "owner/name, at GitLab the project's path or id, likewise")
    .action(async (options: CommentOptions) => end(await reviewComment(options)));
}

/** One file for every stack, as this variable names it, would be each stack's own. */
function ownFiles(): void {
  delete process.env["PULUMI_OPTION_CONFIG_FILE"];
}

/** @returns 0 when every stack is as it should be */
function show(items: readonly ReviewItem[], json = false): number {
  const well = items.every(({ state }) => state !== "failed" && state !== "refused");
  print(json ? asJson("review", "", items, { well }) : reviewTable(items));
  return well ? 0 : 1;
}

/** Pure. */
export function reviewTable(items: readonly ReviewItem[]): string {
  if (items.length === 0) return "There are no short-lived stacks.";
  const rows = items.map(({ stack, state, until, addresses, because }) => [
    ...[stack, state, until ?? ""],
    [...Object.entries(addresses).map(([name, url]) => `${name} ${url}`), because]
      .filter((part) => part !== "")
      .join("; "),
  ]);
  return table(["stack", "state", "ends", "where, why"], rows);
}

const refusedItem = (pull: number, error: unknown): ReviewItem => ({
  ...{
    stack: stackOfPull(pull),
    pull,
    state: "failed",
    until: null,
    because: messageOf(error),
    addresses: {},
  },
});

function itemOf({ name, judged }: Awaited<ReturnType<typeof claimingStacks>>[number]): ReviewItem {
  const base = { stack: name, pull: null, until: null, because: "", addresses: {} };
  if ("unread" in judged) return { ...base, state: "refused", because: messageOf(judged.unread) };
  if (!judged.ours) return { ...base, state: "refused", because: judged.claims ? judged.because : "" };
  const { pull, until } = judged.terms;
  return { ...base, pull, until, state: "there" };
}

async function reviewComment({ from, number, print: alone, log, ...named }: CommentOptions): Promise<number> {
  const json = from === "-" ? await text(process.stdin) : await readFile(from, "utf8");
  const parsed = reviewReport.safeParse(jsonOrUndefined(json));
  if (!parsed.success)
    throw new Failure({
      tried: `read ${from}`,
      cameBack: "it is not what berth review prints with --json; where that failed, its own words tell why",
      next: "berth review up --json >FILE",
    });
  const project = await projectHere();
  for (const item of parsed.data.items) {
    const body = renderReview({ project, log }, item);
    // A stack's name is its pull request's: what a report says beside it is not believed.
    if (body === undefined || item.pull === null || stackOfPull(item.pull) !== item.stack) continue;
    if (number !== undefined && item.pull !== number) continue;
    const masked = mask(body, process.env);
    if (alone) {
      print(masked);
      continue;
    }
    const place = placeOf({ ...named, number: item.pull }, process.env, undefined);
    if ("missing" in place)
      throw new Failure({
        tried: "find the pull request to write to",
        cameBack: `neither the options nor the workflow's variables tell ${place.missing.join(", ")}`,
        next: "name them, or see the comment with --print",
      });
    const how = await new Discussion(place).keep(masked);
    say(`The comment on ${item.stack} was ${how === "unchanged" ? "there already" : how}.`);
  }
  return 0;
}

/** Asks the forge, where one is known; says once that none is. */
function asker(named: Omit<Named, "number">): (pull: number) => Promise<PullState> {
  const at = repositoryOf(named, process.env);
  if ("missing" in at) {
    say(`no forge is asked which pull requests are open (${at.missing.join(", ")}): only time counts`);
    return async () => "unknown";
  }
  return async (pull) => {
    const told = await pullStateOf(at, pull);
    if (told.state === "unknown") say(told.because);
    return told.state;
  };
}

async function numberHere(): Promise<number> {
  const event = process.env["GITHUB_EVENT_PATH"];
  const found = numberOf(process.env, event && (await readFile(event, "utf8").catch(() => undefined)));
  if (found) return found;
  throw new Failure({
    tried: "find the pull request",
    cameBack: "neither --number nor the workflow's variables tell which one",
    next: "name it with --number",
  });
}

/** The longest that a short-lived stack may live. */
const mostHours = 720;

function hours(given: string): number {
  const parsed = Number(given);
  if (Number.isInteger(parsed) && parsed >= 1 && parsed <= mostHours) return parsed;
  throw new InvalidArgumentError(`Hours are a whole number from 1 to ${mostHours}.`);
}

function price(given: string): number {
  const parsed = Number(given);
  if (given.trim() !== "" && Number.isFinite(parsed) && parsed >= 0) return parsed;
  throw new InvalidArgumentError("A price is a number such as 20 or 7.50.");
}
