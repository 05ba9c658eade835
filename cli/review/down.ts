import { stackOfPull } from "../../config/short-lived.ts";
import { Failure, messageOf } from "../../deployer/failure.ts";
import { defaultEndpoint } from "../../deployer/hetzner/api.ts";
import { lookAtCloud } from "../../deployer/hetzner/look.ts";
import { say } from "../say.ts";
import type { ReviewItem } from "./report.ts";
import { claimingStacks, destroyAll, judgeStack, removeStack } from "./stacks.ts";
import { decideSweep, type PullState } from "./sweeping.ts";

/** Take down the short-lived stack of a pull request and remove it; none is well, too. */
export async function reviewDown(pull: number): Promise<ReviewItem> {
  const name = stackOfPull(pull);
  const judged = await judgeStack(name);
  if (judged === undefined)
    return { stack: name, pull, state: "gone", until: null, because: "there is none", addresses: {} };
  return await takeDown(name, "");
}

/**
 * Take down every short-lived stack whose time is over or whose pull request is; one that fails does not hold up the others.
 * @param pullState what the forge says of a pull request
 */
export async function reviewSweep(pullState: (pull: number) => Promise<PullState>): Promise<ReviewItem[]> {
  const items: ReviewItem[] = [];
  for (const { name, judged } of await claimingStacks()) {
    const base = { stack: name, pull: null, until: null, addresses: {} };
    if ("unread" in judged) {
      items.push({ ...base, state: "refused", because: messageOf(judged.unread) });
      continue;
    }
    const terms = judged.ours ? judged.terms : undefined;
    const seen = { ...base, pull: terms?.pull ?? null, until: terms?.until ?? null };
    const state = terms === undefined ? "unknown" : await pullState(terms.pull);
    const { do: what, because } = decideSweep(judged, state, new Date());
    if (what === "leave") items.push({ ...seen, state: "there", because });
    else if (what === "refuse") items.push({ ...seen, state: "refused", because });
    else
      items.push(
        await takeDown(name, because).catch(
          (error: unknown): ReviewItem => ({
            ...seen,
            state: "failed",
            because: messageOf(error),
          }),
        ),
      );
  }
  return items;
}

/** Judged once more, right before it: nothing else of the program destroys a stack. */
async function takeDown(name: string, because: string): Promise<ReviewItem> {
  const judged = await judgeStack(name);
  if (judged === undefined || !judged.ours)
    throw new Failure({
      tried: `take down ${name}`,
      cameBack: `it is not known to be a short-lived stack: ${judged?.claims ? judged.because : "nothing says that it is"}`,
      stands: "Nothing of it was touched.",
      next: `look at it: pulumi -s ${name} stack; what nobody needs, pulumi destroy and pulumi stack rm take away`,
    });
  if (judged.resources > 0 || judged.recorded) {
    say(`taking down ${name}${because === "" ? "" : `: ${because}`}`);
    const exitCode = await destroyAll(name);
    if (exitCode !== 0)
      throw new Failure({
        tried: `take down ${name}`,
        cameBack: `pulumi destroy ended with ${exitCode}; its own words are above`,
        stands: "What is left of it stays in its state.",
        next: `run this again; where an update was killed, pulumi cancel -s ${name} takes its lock away`,
      });
  }
  await refuseLeftovers(name);
  await removeStack(name);
  const { pull, until } = judged.terms;
  return { stack: name, pull, until, state: "gone", because, addresses: {} };
}

/** What an update that was killed has ordered last is in no state: Hetzner is asked for the stack's label. */
async function refuseLeftovers(name: string): Promise<void> {
  const token = process.env["HCLOUD_TOKEN"];
  if (!token) {
    say(`${name}: HCLOUD_TOKEN is not set, so Hetzner was not asked whether anything is left there`);
    return;
  }
  const endpoint = process.env["HCLOUD_ENDPOINT"] || defaultEndpoint;
  const asked = { token, tokenFrom: "HCLOUD_TOKEN", endpoint, stack: name, servers: [], say };
  const { running } = await lookAtCloud({ ...asked, askRights: false });
  const left = Object.entries(running).flatMap(([kind, things]: [string, readonly { name: string }[]]) =>
    things.map((thing) => `${kind} ${thing.name}`),
  );
  if (left.length > 0)
    throw new Failure({
      tried: `take down ${name}`,
      cameBack: `Hetzner still has, with the label berth-stack=${name}: ${left.join(", ")}`,
      stands: "Its state is empty, and the stack was not removed.",
      next: "delete them in Hetzner's console, then run this again",
    });
}
