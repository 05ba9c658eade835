import { readFile } from "node:fs/promises";
import { text } from "node:stream/consumers";
import { Failure } from "../../deployer/failure.ts";
import { jsonOrUndefined } from "../../deployer/json.ts";
import { mask } from "../../deployer/mask.ts";
import { run } from "../../deployer/process.ts";
import { pulumi } from "../pulumi.ts";
import { print, say } from "../say.ts";
import { projectHere } from "./comment.ts";
import { driftOf, isClean, type StackDrift } from "./drift.ts";
import { StackIssue } from "./issue.ts";
import { type Named, repositoryOf } from "./place.ts";
import { plain, previewJson } from "./preview.ts";
import { driftTitleOf, renderDrift } from "./render-drift.ts";

export interface DriftOptions extends Omit<Named, "number"> {
  /** File with what `pulumi refresh --preview-only --json` printed, "-" for stdin; that is run when absent. */
  from?: string;
  /** File with what it wrote to stderr. */
  errors?: string;
  /** Pulumi's project, where Pulumi.yaml is not at hand. */
  project?: string;
  log?: string;
  /** Print the issue and open, change or close none. */
  print?: boolean;
}

/**
 * Keep one open issue that says how a stack differs from what its last update left; close it where nothing differs.
 * @returns 1 where the stack could not be looked at, which the issue says, too
 */
export async function reportDrift(selected: string | undefined, options: DriftOptions): Promise<number> {
  const { json, said, stack } = await looked(selected, options);
  const drift = readDrift(json, said);
  const heading = { project: options.project ?? (await projectHere()), stack, log: options.log };
  const body = mask(renderDrift(heading, drift), process.env);
  const of = `${heading.project}/${stack}`;
  if (options.print) print(body);
  else {
    const issue = new StackIssue(repository(options));
    const { how, number } = await issue.keep({ title: driftTitleOf(heading), body, open: !isClean(drift) });
    say(how === "none" ? `${of} is as it was left.` : `Issue ${number}, the drift of ${of}: ${how}.`);
  }
  return drift.whole ? 0 : 1;
}

async function looked(
  selected: string | undefined,
  { from, errors }: DriftOptions,
): Promise<{ json: string; said: string; stack: string }> {
  if (from !== undefined) {
    if (selected === undefined)
      throw new Failure({
        tried: "report the drift that was looked for before",
        cameBack: "it is not said of which stack it is",
        next: "name the stack: berth -s STACK drift --from FILE",
      });
    const json = from === "-" ? await text(process.stdin) : await readFile(from, "utf8");
    return { json, said: errors === undefined ? "" : await readFile(errors, "utf8"), stack: selected };
  }
  const stack = (await pulumi(["stack", "--show-name"], selected)).trim();
  const args = ["refresh", "--preview-only", "--json", "--non-interactive", "-s", stack];
  const ended = await run("pulumi", args, { deadline: 1_800_000 });
  return { json: ended.stdout, said: ended.exitCode === 0 ? "" : ended.stderr, stack };
}

/** A look that ended without a word of its own is told in pulumi's; one at nothing is never taken for a clean stack. Pure. */
export function readDrift(json: string, said: string): StackDrift {
  const parsed = previewJson.safeParse(jsonOrUndefined(json));
  const failed = (why: string): StackDrift => ({
    resources: [],
    told: [],
    errors: [plain(why) || "pulumi refresh ended without a word"],
    whole: false,
  });
  if (!parsed.success) return failed(said || json);
  const drift = driftOf(parsed.data);
  if (drift.whole && said.includes("error:")) return failed(said);
  if (drift.whole && (parsed.data.steps ?? []).length === 0)
    return failed("pulumi refresh looked at no resource: was this stack ever deployed?");
  return drift;
}

function repository(named: Omit<Named, "number">) {
  const found = repositoryOf(named, process.env);
  if (!("missing" in found)) return found;
  throw new Failure({
    tried: "find the repository whose issues are meant",
    cameBack: `neither the options nor the workflow's variables tell ${found.missing.join(", ")}`,
    next: "name them, or see the issue with --print",
  });
}
