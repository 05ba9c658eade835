import { parse } from "yaml";
import { z } from "zod";

const ruleList = z.array(z.looseObject({ if: z.string(), when: z.string().optional() }));
const job = z.looseObject({
  extends: z.union([z.string(), z.array(z.string())]).default([]),
  rules: ruleList.default([]),
  environment: z.strictObject({ name: z.string(), action: z.string().optional() }).optional(),
  script: z.array(z.string()).optional(),
  needs: z.array(z.string()).default([]),
  resource_group: z.string().optional(),
  artifacts: z.looseObject({ access: z.string().optional() }).optional(),
});
type Job = z.infer<typeof job>;
const notJobs = ["workflow", "stages", "default", "variables"];

export interface Pipeline {
  workflow: { rules: { if: string }[] };
  default: { interruptible?: unknown };
  variables: Record<string, unknown>;
  /** With what they extend taken in. */
  jobs: [name: string, job: Job][];
  /** Top-level keywords that are neither a job nor known here. */
  others: string[];
}

export function readPipeline(text: string): Pipeline {
  const all = z.record(z.string(), z.unknown()).parse(parse(text));
  const raw = (name: string): Record<string, unknown> => z.record(z.string(), z.unknown()).parse(all[name]);
  const whole = (name: string): Record<string, unknown> => {
    const own = raw(name);
    const parents = [job.parse(own).extends].flat().map(whole);
    return Object.assign({}, ...parents, own);
  };
  const names = Object.keys(all).filter((name) => !name.startsWith(".") && !notJobs.includes(name));
  const isJob = (name: string) => z.looseObject({ stage: z.string() }).safeParse(all[name]).success;
  return {
    workflow: z.looseObject({ rules: ruleList }).parse(all["workflow"]),
    default: raw("default"),
    variables: raw("variables"),
    jobs: names.filter(isJob).map((name) => [name, job.parse(whole(name))]),
    others: names.filter((name) => !isJob(name)),
  };
}

export type PipelineRule = (pipeline: Pipeline) => string[];

const ofPulls = '$CI_PIPELINE_SOURCE == "merge_request_event"';
const onMain = '$CI_COMMIT_BRANCH == "main" && $CI_PIPELINE_SOURCE == ';
const linesOf = ({ script = [] }: Job): string => script.join("\n");
const takesCommit = (job: Job): boolean => /git (fetch|checkout|switch|pull|worktree)/.test(linesOf(job));

const reviewsIn = (script: readonly string[]): string[] =>
  script.filter((line) => line.includes("berth review up"));

export const pipelineRules: Readonly<Record<string, PipelineRule>> = {
  "takes nothing in from elsewhere": ({ others }) => others,
  "runs for merge requests and for main, and for nothing else": ({ workflow }) =>
    workflow.rules.map(({ if: when }) => when).filter((when) => when !== ofPulls && !when.startsWith(onMain)),
  "gives a merge request's own pipeline no environment, and so no secret": ({ jobs }) =>
    jobs.flatMap(([name, { rules, environment, script = [] }]) => {
      if (rules.length === 0 || script.length === 0) return [`${name}: runs always, or does nothing`];
      const free = rules.filter(({ if: when }) => !when.startsWith(onMain));
      if (free.length === 0) return environment ? [] : [`${name}: of main, without an environment`];
      return environment || rules.length > 1 || free[0]?.if !== ofPulls ? [name] : [];
    }),
  "has a person name the one commit that is run with secrets": ({ jobs }) =>
    jobs
      .filter(([, job]) => takesCommit(job))
      .filter(([, { rules, environment, script = [] }]) => {
        const check = script.findIndex((line) => /^grep .*'\[0-9a-f\]\{40\}' <<<"\$COMMIT"$/.test(line));
        const takes = script.findIndex((line) => /^git checkout .* "\$COMMIT"$/.test(line));
        const named = rules.every(({ if: when }) => when.startsWith(`${onMain}"web" && $COMMIT`));
        const fits = environment?.name === (reviewsIn(script).length > 0 ? "review" : "preview/$STACK");
        return !(named && fits && check >= 0 && takes > check);
      })
      .map(([name]) => name),
  "writes to the forge only from jobs that run main and know no other secret": ({ jobs }) =>
    jobs
      .filter(([, job]) => /berth .* (comment|drift|reviewed)\b/.test(linesOf(job)))
      .filter(([, job]) => !linesOf(job).includes("--print"))
      .filter(([, job]) => job.environment?.name !== "forge" || takesCommit(job))
      .map(([name]) => name),
  "keeps what was found from everybody who may not read the code": ({ jobs }) =>
    jobs.filter(([, { artifacts }]) => artifacts && artifacts.access !== "developer").map(([name]) => name),
  "has no secret in the file": ({ variables, jobs }) => [
    ...Object.keys(variables).filter((name) => /TOKEN|PASSPHRASE|SECRET|KEY/.test(name)),
    ...jobs.filter(([, job]) => job["variables"] !== undefined).map(([name]) => name),
  ],
  "deploys nothing but what was reviewed, when somebody says so, one update at a time": (pipeline) =>
    pipeline.jobs.flatMap(([name, job]) => {
      const { script = [], rules, needs, environment } = job;
      const up = script.findIndex((line) => /berth (?!review ).*\bup\b/.test(line));
      if (up < 0) return [];
      const compared = script.findIndex((line) => /comment --print .*--expect "\$changes"$/.test(line));
      const found = script.findIndex((line) => /^changes=.*reviewed-\$STACK/.test(line));
      const review = pipeline.jobs.find(([one]) => one === "reviewed")?.[1];
      const reviews =
        review && /reviewed --commit "\$CI_COMMIT_SHA".*>"reviewed-\$STACK"$/m.test(linesOf(review));
      return [
        ...(found >= 0 && compared > found && up > compared ? [] : [`${name}: is not compared before`]),
        ...(reviews && needs.includes("reviewed") ? [] : [`${name}: nobody asks what was reviewed`]),
        ...(rules.every(({ when }) => when === "manual") ? [] : [`${name}: nobody says when`]),
        ...(job.resource_group === "deploy-$STACK" ? [] : [`${name}: side by side`]),
        ...(pipeline.default.interruptible === false ? [] : [`${name}: may be cancelled`]),
        ...(environment?.name === "deploy/$STACK" && !takesCommit(job) ? [] : [`${name}: something else`]),
      ];
    }),
  "makes a short-lived stack with a number, an end, a cap and a count, one update of it at a time": ({
    jobs,
  }) =>
    jobs.flatMap(([name, { script = [], resource_group }]) =>
      reviewsIn(script).flatMap((line) => [
        ...["--number", "--hours", "--cap", "--most"].filter((option) => !line.includes(`${option} `)),
        ...(resource_group === "review-$MERGE_REQUEST" ? [] : [`${name}: side by side`]),
      ]),
    ),
  "destroys by a sweep alone, which runs main": ({ jobs }) =>
    jobs.flatMap(([name, job]) => {
      const { script = [], rules, environment } = job;
      const byHand = script.filter((line) =>
        /pulumi (destroy|down|dn|stack (rm|remove)|cancel)\b|berth review down/.test(line),
      );
      const sweeps = script.some((line) => line.includes("berth review sweep"));
      const ofMain =
        rules.every(({ if: when }) => when.startsWith(onMain)) &&
        !takesCommit(job) &&
        environment?.name === "review-sweep";
      return [...byHand, ...(sweeps && !ofMain ? [name] : [])];
    }),
  "tells of a merge request's own report nothing but what is about that one": ({ jobs }) =>
    jobs
      .filter(([, { needs }]) => needs.includes("review"))
      .filter(([, job]) => !linesOf(job).includes('--number "$MERGE_REQUEST"'))
      .map(([name]) => name),
};
