import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { parse } from "yaml";
import { atForgejo, atGithub, common, ofReviews, type Rule, readWorkflow, type Workflow } from "./actions.ts";
import { pipelineRules, readPipeline } from "./gitlab.ts";
import { gone, taken } from "./guards.ts";

const root = join(import.meta.dirname, "../../..");
const read = (file: string): string => readFileSync(join(root, file), "utf8");

/** A text in which something is replaced that is there. */
function without(text: string, guard: string | RegExp, instead: string): string {
  const changed = text.replace(guard, () => instead);
  if (changed === text) throw new Error(`nothing to take away: ${guard}`);
  return changed;
}

const forges: [folder: string, rules: Readonly<Record<string, Rule>>][] = [
  [".github/workflows", { ...common, ...ofReviews, ...atGithub }],
  [".forgejo/workflows", { ...common, ...ofReviews, ...atForgejo }],
];
const ruleCalled = (folder: string, name: string): Rule => {
  const rule = forges.find(([one]) => one === folder)?.[1][name];
  if (!rule) throw new Error(`there is no rule "${name}"`);
  return rule;
};

describe.each(forges)("in %s", (folder, rules) => {
  describe.each(readdirSync(join(root, folder)))("the workflow %s", (file) => {
    const workflow: Workflow = readWorkflow(read(join(folder, file)));
    test.each(Object.entries(rules))("%s", (_, rule) => {
      expect(rule(workflow)).toEqual([]);
    });
  });
});

test.each(taken)("in %s/%s the rule '%s' notices that %s is gone", (folder, file, name, guard, instead) => {
  const rule = ruleCalled(folder, name);
  const workflow = readWorkflow(without(read(join(folder, file)), guard, instead));
  expect(rule(workflow)).not.toEqual([]);
});

test.each(forges)("in %s each rule was seen to notice something", (folder, rules) => {
  const seen = new Set(taken.filter(([one]) => one === folder).map(([, , rule]) => rule));
  // Forgejo's workflows use no action.
  if (folder === ".forgejo/workflows")
    seen.add("takes each action at a commit, and leaves no login behind for what runs afterwards");
  expect(Object.keys(rules).filter((rule) => !seen.has(rule))).toEqual([]);
});

test("at Forgejo GitHub's workflows are not looked at, since it has some of its own", () => {
  expect(readdirSync(join(root, ".forgejo/workflows")).sort()).toEqual([
    "deploy.yml",
    "drift.yml",
    "preview.yml",
    "review.yml",
    "sweep.yml",
  ]);
});

test("every workflow names the same stacks", () => {
  const stacks = ["preview", "deploy", "drift"].map((name) => {
    const { env } = parse(read(`.github/workflows/${name}.yml`)) as { env: { STACKS: string } };
    return env.STACKS;
  });
  expect(new Set(stacks).size).toBe(1);
});

describe("GitLab's pipeline", () => {
  const text = read(".gitlab-ci.yml");
  test.each(Object.entries(pipelineRules))("%s", (_, rule) => {
    const pipeline = readPipeline(text);
    expect(pipeline.jobs.map(([name]) => name)).toEqual([
      "evaluate",
      "preview",
      "comment",
      "reviewed",
      "deploy",
      "look",
      "report",
      "review",
      "review-comment",
      "sweep",
      "review-tell",
    ]);
    expect(rule(pipeline)).toEqual([]);
  });

  test.each(gone)("the rule '%s' notices that %s is gone", (name, guard, instead) => {
    expect(pipelineRules[name]?.(readPipeline(without(text, guard, instead)))).not.toEqual([]);
  });
  test("each rule was seen to notice something", () => {
    expect(Object.keys(pipelineRules).filter((rule) => !gone.some(([one]) => one === rule))).toEqual([]);
  });
});
