import { randomUUID } from "node:crypto";
import { readFileSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { relative, resolve } from "node:path";
import { datedCatalogue } from "../../config/catalogue.ts";
import { sharedIn } from "../../config/checks/short-lived.ts";
import { ConfigurationError } from "../../config/problems.ts";
import { readConfig } from "../../config/read-config.ts";
import { type ShortLived, stackOfPull } from "../../config/short-lived.ts";
import { Failure, messageOf } from "../../deployer/failure.ts";
import { lookAtCloud } from "../../deployer/hetzner/look.ts";
import { checkToken, usesHetzner } from "../../deployer/hetzner/token.ts";
import { costItems } from "../cost/items.ts";
import { hetznerAccessOf } from "../hetzner-access.ts";
import { type Project, projectOf, stackFile, stackFileOf } from "../project.ts";
import { say } from "../say.ts";
import { up } from "../up.ts";
import { type Limits, overCap, overMost, type Price, priceOf } from "./admission.ts";
import type { ReviewItem } from "./report.ts";
import { addressesOf, judgeStack, makeStack, removeStack, taggedBeside, tagStack } from "./stacks.ts";
import { type DerivedStack, deriveStack, termsFor } from "./template.ts";

export interface ReviewUpOptions extends Limits {
  /** Number of the pull request. */
  number: number;
  /** Name of the stack whose file is the template. */
  template: string;
  /** From now on. */
  hours: number;
  commit?: string;
}

/**
 * Make the short-lived stack of a pull request, or update it and begin its time anew.
 * @param args further ones of pulumi's
 * @returns what there is then; its `state` is "failed" where the update failed
 */
export async function reviewUp(options: ReviewUpOptions, args: readonly string[]): Promise<ReviewItem> {
  const { number, template, hours, commit } = options;
  const name = stackOfPull(number);
  const project = projectOf(process.cwd());
  const before = await judgeStack(name);
  if (before && !before.ours) throw notOurs(name, before.claims ? before.because : "nothing says that it is");
  const terms = termsFor(number, before?.ours ? before.terms.id : randomUUID(), hours, new Date());
  const derived = readTemplate(project, template, terms);
  const { price, currency } = await priceTemplate(project, template, derived, terms);
  refuseOver(
    name,
    overCap(price, options, currency),
    "order less, or raise --cap; --unpriced lets in what has no price",
  );
  say(
    `${name} costs ${price.monthly.toFixed(2)} ${currency} a month, about ${price.hourly.toFixed(4)} an hour, and ends at ${terms.until}`,
  );
  // First of all: with the template's key in it, the stack has that one.
  await writeFile(stackFileOf(project, name), derived.text);
  // The tag first, then the count: of two that come at once, each sees the other.
  if (!before) await makeStack(name, derived.secretsProvider);
  await tagStack(terms);
  if (!before) await takePlace(name, options);
  const pulumiArgs = ["--yes", "--skip-preview", "--non-interactive", ...args];
  const exitCode = await up(pulumiArgs, name, { aside: true }).catch((error: unknown) => {
    say(messageOf(error));
    return 1;
  });
  const after = await judgeStack(name);
  if (!after?.ours) throw notOurs(name, after?.claims ? after.because : "its marks are gone");
  return {
    ...{ stack: name, pull: number, until: after.terms.until, ...(commit !== undefined && { commit }) },
    state: exitCode === 0 ? "up" : "failed",
    because: exitCode === 0 ? "" : `the update ended with ${exitCode}`,
    addresses: await addressesOf(name),
    ...{ ...priceIn(price), currency },
  };
}

const priceIn = ({ monthly, hourly }: Price) => ({ monthly, hourly });

const notOurs = (name: string, because: string): Failure =>
  new Failure({
    tried: `take ${name} for the short-lived stack of a pull request`,
    cameBack: `it is not known to be one: ${because}`,
    next: `look at it: pulumi -s ${name} stack; what nobody needs, pulumi destroy and pulumi stack rm take away`,
  });

function refuseOver(name: string, because: string | undefined, next: string): void {
  if (because !== undefined)
    throw new Failure({
      tried: `make the short-lived stack ${name}`,
      cameBack: because,
      stands: "Nothing was ordered.",
      next,
    });
}

/** The stack's file as it is to be. */
function readTemplate(project: Project, template: string, terms: ShortLived): DerivedStack {
  const path = stackFileOf(project, template);
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch {
    throw new Failure({
      tried: `make stack ${terms.stack} from a template`,
      cameBack: `there is no ${relative(project.folder, path)}`,
      next: "write it: a stack's file, with what each pull request gets; or name another with --template",
    });
  }
  return deriveStack(text, relative(project.folder, path), terms);
}

/** What it would cost, once nothing in it is shared. */
async function priceTemplate(
  project: Project,
  template: string,
  { content }: DerivedStack,
  { stack }: ShortLived,
): Promise<{ price: Price; currency: string }> {
  const { values, secretKeys } = stackFile(content, project.name);
  const { config, problems } = readConfig(stack, values, {
    isSecret: (key) => secretKeys.includes(key),
    readFile: (file) => readFileSync(resolve(project.folder, file), "utf8"),
  });
  const wrong = [...problems, ...sharedIn(stack, config)];
  if (wrong.length > 0) throw new ConfigurationError(stack, wrong);
  const access = usesHetzner(config)
    ? await hetznerAccessOf(project.folder, template, values)
    : { token: undefined, endpoint: "" };
  let catalogue = datedCatalogue;
  if (access.token !== undefined) {
    const { token, endpoint } = access;
    checkToken(token.value, token.from);
    const asked = { token: token.value, tokenFrom: token.from, endpoint, stack, servers: [], say };
    catalogue = (await lookAtCloud({ ...asked, askRights: false })).catalogue;
  }
  return { price: priceOf(costItems(config, catalogue)), currency: catalogue.currency };
}

/** Keep the number of stacks: one too many is taken back while it is empty. */
async function takePlace(name: string, limits: Limits): Promise<void> {
  const because = overMost(await taggedBeside(name), limits);
  if (because === undefined) return;
  await removeStack(name);
  refuseOver(name, because, "wait until one ends, end one with berth review down, or raise --most");
}
