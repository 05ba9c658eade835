import { readFile } from "node:fs/promises";
import { text } from "node:stream/consumers";
import { Failure } from "../../deployer/failure.ts";
import { jsonOrUndefined } from "../../deployer/json.ts";
import { mask } from "../../deployer/mask.ts";
import { run } from "../../deployer/process.ts";
import { print, say } from "../say.ts";
import { nameOfStack } from "../stack-name.ts";
import { changesOf, type StackChanges } from "./changes.ts";
import { digestOf } from "./digest.ts";
import { Discussion } from "./forge.ts";
import { type Named, placeOf } from "./place.ts";
import { plain, previewJson } from "./preview.ts";
import { render } from "./render.ts";

export interface CommentOptions extends Named {
  /** File with what `pulumi preview --json --show-sames` printed, "-" for stdin; the preview is run when absent. */
  from?: string;
  /** File with what that preview wrote to stderr. */
  errors?: string;
  /** Pulumi's project, where the preview does not say. */
  project?: string;
  commit?: string;
  log?: string;
  /** Print the comment and post nothing. */
  print?: boolean;
  /** Digest of the changes that were reviewed; others are refused. */
  expect?: string;
}

/**
 * Keep one comment on a pull request that says what an update of a stack would do, or why its preview failed.
 * Throws, after that, where other changes were expected.
 * @returns 1 where the preview failed, so that a workflow fails with it; the comment is written all the same
 */
export async function comment(selected: string | undefined, options: CommentOptions): Promise<number> {
  const { json, said, stack } = await previewed(selected, options);
  const changes = read(json, said);
  const project = options.project ?? projectOf(json) ?? (await projectHere());
  const { commit, log, expect } = options;
  const digest = changes.whole ? digestOf(previewJson.parse(JSON.parse(json))) : undefined;
  const body = mask(render({ project, stack, commit, log, digest }, changes), process.env);
  if (options.print) print(body);
  else {
    const how = await new Discussion(await place(options)).keep(body);
    say(`The comment on ${project}/${stack} was ${how === "unchanged" ? "there already" : how}.`);
  }
  if (digest === undefined) return 1;
  if (expect !== undefined) requireSame(digest, expect, `${project}/${stack}`);
  return 0;
}

function requireSame(digest: string, expected: string, what: string): void {
  if (digest === expected) return;
  throw new Failure({
    tried: `compare what an update of ${what} would do with what was reviewed`,
    cameBack: `it has changed since: reviewed was ${expected}, now it is ${digest}`,
    next: `read the changes again; where they are wanted, deploy them by their name, ${digest}`,
  });
}

async function previewed(
  selected: string | undefined,
  { from, errors }: CommentOptions,
): Promise<{ json: string; said: string; stack: string }> {
  if (from !== undefined) {
    if (selected === undefined)
      throw new Failure({
        tried: "write the comment of a preview that was run before",
        cameBack: "it is not said of which stack it is",
        next: "name the stack: berth -s STACK comment --from FILE",
      });
    const json = from === "-" ? await text(process.stdin) : await readFile(from, "utf8");
    return { json, said: errors === undefined ? "" : await readFile(errors, "utf8"), stack: selected };
  }
  const stack = await nameOfStack(selected);
  const args = ["preview", "--json", "--show-sames", "--non-interactive", "-s", stack];
  const ended = await run("pulumi", args, { deadline: 1_800_000 });
  return { json: ended.stdout, said: ended.exitCode === 0 ? "" : ended.stderr, stack };
}

/** A preview that ended without a word of its own is told in pulumi's. Pure. */
export function read(json: string, said: string): StackChanges {
  const parsed = previewJson.safeParse(jsonOrUndefined(json));
  const failed = (why: string): StackChanges => ({
    hosts: [],
    others: [],
    told: [],
    errors: [plain(why) || "pulumi preview ended without a word"],
    whole: false,
  });
  if (!parsed.success) return failed(said || json);
  const changes = changesOf(parsed.data);
  return changes.whole && said.includes("error:") ? failed(said) : changes;
}

/** URNs name the project. */
const projectOf = (json: string): string | undefined => /"urn:pulumi:[^:"]+::([^:"]+)::/.exec(json)?.[1];

export async function projectHere(): Promise<string> {
  const file = await readFile("Pulumi.yaml", "utf8").catch(() => "");
  return /^name:\s*["']?([^"'\s]+)/m.exec(file)?.[1] ?? "berth";
}

async function place(named: Named) {
  const event = process.env["GITHUB_EVENT_PATH"];
  const found = placeOf(named, process.env, event && (await readFile(event, "utf8").catch(() => undefined)));
  if (!("missing" in found)) return found;
  throw new Failure({
    tried: "find the pull request to write to",
    cameBack: `neither the options nor the workflow's variables tell ${found.missing.join(", ")}`,
    next: "name them, or see the comment with --print",
  });
}
