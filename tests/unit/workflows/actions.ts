// biome-ignore-all lint/suspicious/noTemplateCurlyInString: these are the workflows' own expressions.
import { parse } from "yaml";
import { z } from "zod";

const step = z.looseObject({
  id: z.string().optional(),
  uses: z.string().optional(),
  run: z.string().optional(),
  with: z.record(z.string(), z.unknown()).default({}),
  env: z.record(z.string(), z.unknown()).default({}),
});
const concurrency = z.strictObject({ group: z.string(), "cancel-in-progress": z.unknown() });
const job = z.looseObject({
  if: z.string().default(""),
  environment: z.string().optional(),
  permissions: z.record(z.string(), z.string()).default({}),
  concurrency: concurrency.optional(),
  "timeout-minutes": z.int(),
  steps: z.array(step),
});
const workflow = z.looseObject({
  on: z.record(z.string(), z.unknown()),
  permissions: z.record(z.string(), z.string()),
  concurrency: concurrency.optional(),
  env: z.record(z.string(), z.unknown()).default({}),
  jobs: z.record(z.string(), job),
});
export type Workflow = z.infer<typeof workflow>;
type Job = z.infer<typeof job>;

export const readWorkflow = (text: string): Workflow => workflow.parse(parse(text));

/** What is wrong with a workflow by one rule; nothing where it holds. */
export type Rule = (workflow: Workflow) => string[];

const onMain = "github.ref == 'refs/heads/main'";
/** To tell of what has failed. */
const evenAfterFailure = `\${{ !cancelled() && ${onMain} }}`;
const byHand = "github.event_name == 'workflow_dispatch'";
const secretsIn = (value: unknown): boolean => JSON.stringify(value ?? null).includes("secrets.");
const jobsOf = ({ jobs }: Workflow): [string, Job][] => Object.entries(jobs);
const isOfPulls = ({ on }: Workflow): boolean => "pull_request" in on;

/** The commits that a job checks out, by the action or by git. */
function checkedOut({ steps }: Job): string[] {
  return steps.flatMap(({ uses, with: options, run = "", env }) => {
    if (uses?.startsWith("actions/checkout@")) return [String(options["ref"] ?? "what the forge chooses")];
    return [...run.matchAll(/git fetch .* "\$(\w+)"$/gm)].map(([, name = ""]) => String(env[name] ?? name));
  });
}
const approved = "${{ github.event.pull_request.head.sha }}";
const ofMain = ["${{ github.sha }}", "GITHUB_SHA", "${{ github.event.pull_request.base.sha }}"];
const runsMainAlone = (job: Job): boolean => {
  const commits = checkedOut(job);
  return commits.length > 0 && commits.every((commit) => ofMain.includes(commit));
};

/** What holds of GitHub's and Forgejo's workflows alike. */
export const common: Readonly<Record<string, Rule>> = {
  "runs with no rights of the branch that a pull request goes to": ({ on, permissions }) => [
    ...["pull_request_target", "workflow_run", "issue_comment"].filter((event) => event in on),
    ...(JSON.stringify(permissions) === '{"contents":"read"}' ? [] : [JSON.stringify(permissions)]),
  ],
  "takes each action at a commit, and leaves no login behind for what runs afterwards": (workflow) =>
    jobsOf(workflow).flatMap(([name, { steps }]) =>
      steps.flatMap(({ uses, with: options }) => {
        if (uses === undefined) return [];
        const pinned = /^[\w./-]+@[0-9a-f]{40}$/.test(uses);
        const keeps = uses.startsWith("actions/checkout@") && options["persist-credentials"] !== false;
        return pinned && !keeps ? [] : [`${name}: ${uses}`];
      }),
    ),
  "puts nothing that a pull request says into a command line": (workflow) =>
    jobsOf(workflow).flatMap(([name, { steps }]) =>
      steps.filter(({ run }) => run?.includes("${{")).map(({ run }) => `${name}: ${run}`),
    ),
  "gives a secret to single steps, never to a whole job or workflow": (workflow) => [
    ...(secretsIn(workflow.env) ? ["the workflow's env"] : []),
    ...jobsOf(workflow).flatMap(([name, { steps, ...rest }]) => [
      ...(secretsIn(rest) ? [name] : []),
      ...steps.filter(({ env: _, ...others }) => secretsIn(others)).map(() => `${name}: outside env`),
    ]),
  ],
  "evaluates a pull request without any secret": (workflow) => {
    const own = jobsOf(workflow).filter(([name]) => name === "evaluate");
    if (isOfPulls(workflow) && secretsIn(workflow) && own.length === 0) return ["nothing evaluates it"];
    return own.filter(([, job]) => secretsIn(job) || job.environment !== undefined).map(([name]) => name);
  },
  "deploys nothing but what was reviewed, one update at a time, and cancels none": (workflow) =>
    jobsOf(workflow).flatMap(([name, job]) => {
      const runs = job.steps.map(({ run = "" }) => run);
      const up = runs.findIndex((run) => /berth (?!review ).*\bup\b/.test(run));
      if (up < 0) return [];
      const compared = runs.findIndex((run) => /comment --print [\s\S]*--expect "\$CHANGES"/.test(run));
      const from = job.steps[compared]?.env["CHANGES"];
      const found = runs.findIndex((run) => /berth .* reviewed --commit "\$GITHUB_SHA"/.test(run));
      const guard = job.concurrency ?? workflow.concurrency;
      return [
        ...(found >= 0 && compared > found && up > compared ? [] : [`${name}: is not compared before`]),
        ...(from === "${{ steps.reviewed.outputs.changes }}"
          ? []
          : [`${name}: is compared with ${String(from)}`]),
        ...(guard && guard["cancel-in-progress"] === false ? [] : [`${name}: may be cancelled`]),
        ...(runsMainAlone(job) && job.if === onMain ? [] : [`${name}: deploys something else than main`]),
      ];
    }),
};

const reviews = ({ steps }: Job): string[] =>
  steps.flatMap(({ run = "" }) => run.split("\n").filter((line) => line.includes("berth review up")));

/** What holds of short-lived stacks at both. */
export const ofReviews: Readonly<Record<string, Rule>> = {
  "makes a short-lived stack with a number, an end, a cap and a count, one update of it at a time": (
    workflow,
  ) =>
    jobsOf(workflow).flatMap(([name, job]) => {
      const guard = job.concurrency ?? workflow.concurrency;
      const own = /\$\{\{ (github\.event\.pull_request|inputs)\.number \}\}$/.test(guard?.group ?? "");
      return reviews(job).flatMap((line) => [
        ...["--number", "--hours", "--cap", "--most"].filter((option) => !line.includes(`${option} `)),
        ...(own && guard?.["cancel-in-progress"] === false ? [] : [`${name}: may meet or be cancelled`]),
      ]);
    }),
  "destroys by a sweep alone, which runs main": (workflow) =>
    jobsOf(workflow).flatMap(([name, job]) => {
      const lines = job.steps.flatMap(({ run = "" }) => run.split("\n"));
      const byHand = lines.filter((line) =>
        /pulumi (destroy|down|dn|stack (rm|remove)|cancel)\b|berth review down/.test(line),
      );
      const sweeps = lines.some((line) => line.includes("berth review sweep"));
      return [...byHand, ...(sweeps && !(runsMainAlone(job) && job.if === onMain) ? [name] : [])];
    }),
  "tells of a pull request's own report nothing but what is about that one": (workflow) =>
    jobsOf(workflow).flatMap(([name, { steps }]) => {
      const told = steps.filter(({ run }) => run?.includes("berth review comment"));
      const swept = Object.values(workflow.jobs).some(({ steps: all }) =>
        all.some(({ run }) => run?.includes("berth review sweep")),
      );
      return swept ? [] : told.filter(({ run = "" }) => !run.includes('--number "$NUMBER"')).map(() => name);
    }),
};

/** GitHub has environments: their reviewers and branches guard the secrets. */
export const atGithub: Readonly<Record<string, Rule>> = {
  "gives a secret only to jobs of an environment that fits what they run": (workflow) =>
    jobsOf(workflow).flatMap(([name, job]) => {
      if (!secretsIn(job)) return [];
      const environment = job.environment ?? "none";
      const said = `${name}: in environment ${environment}, checks out ${checkedOut(job).join(", ")}`;
      if (!isOfPulls(workflow))
        return /^((deploy|drift)-\$\{\{ matrix\.stack \}\}|review-sweep)$/.test(environment) &&
          runsMainAlone(job) &&
          job.if === onMain
          ? []
          : [said];
      const own = job.if === "github.event.pull_request.head.repo.full_name == github.repository";
      const commits = checkedOut(job);
      return ["preview-${{ matrix.stack }}", "review"].includes(environment) &&
        (environment === "review") === reviews(job).length > 0 &&
        own &&
        commits.length > 0 &&
        commits.every((commit) => commit === approved)
        ? []
        : [said];
    }),
  "writes only from jobs that run nothing of a pull request and know no secret": (workflow) =>
    jobsOf(workflow)
      .filter(([, { permissions }]) => Object.values(permissions).includes("write"))
      .filter(([, job]) => !runsMainAlone(job) || secretsIn(job))
      .map(([name]) => name),
};

/** Forgejo has none: what is not run from `main` is given nothing. */
export const atForgejo: Readonly<Record<string, Rule>> = {
  "gives a secret only to jobs that are run from main, and never to a pull request's own run": (workflow) =>
    jobsOf(workflow)
      .filter(([, job]) => secretsIn(job))
      .filter(([, job]) =>
        isOfPulls(workflow)
          ? job.if !== `${byHand} && ${onMain}`
          : ![onMain, evenAfterFailure].includes(job.if),
      )
      .map(([name, job]) => `${name}: if ${job.if}`),
  "runs of a pull request only the one commit that was named": (workflow) =>
    jobsOf(workflow)
      .filter(([, job]) => secretsIn(job) && !runsMainAlone(job))
      .filter(([, job]) => {
        const commits = checkedOut(job);
        const checked = job.steps.some(
          ({ run = "", env }) =>
            env["COMMIT"] === "${{ inputs.commit }}" &&
            /^grep .*'\[0-9a-f\]\{40\}' <<<"\$COMMIT"$[\s\S]*^git checkout .* "\$COMMIT"$/m.test(run),
        );
        return commits.join() !== "${{ inputs.commit }}" || !checked;
      })
      .map(([name]) => name),
  "gives the forge's token of its own only to jobs that run main": (workflow) =>
    jobsOf(workflow)
      .filter(([, job]) => JSON.stringify(job).includes("secrets.BERTH_FORGE_TOKEN") && !runsMainAlone(job))
      .map(([name]) => name),
};
