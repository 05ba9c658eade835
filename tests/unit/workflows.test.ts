import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { parse } from "yaml";
import { z } from "zod";

const folder = join(import.meta.dirname, "../../.github/workflows");

const workflow = z.looseObject({
  on: z.record(z.string(), z.unknown()),
  permissions: z.record(z.string(), z.string()),
  jobs: z.record(
    z.string(),
    z.looseObject({
      environment: z.string().optional(),
      permissions: z.record(z.string(), z.string()).optional(),
      "timeout-minutes": z.int(),
      steps: z.array(
        z.looseObject({ uses: z.string().optional(), with: z.record(z.string(), z.unknown()).optional() }),
      ),
    }),
  ),
});

describe.each(readdirSync(folder))("the workflow %s", (file) => {
  const text = readFileSync(join(folder, file), "utf8");
  const { on, permissions, jobs } = workflow.parse(parse(text));
  const each = Object.entries(jobs);

  test("runs with no rights of the branch that a pull request goes to", () => {
    expect(Object.keys(on)).not.toContain("pull_request_target");
    expect(Object.keys(on)).not.toContain("workflow_run");
    expect(permissions).toEqual({ contents: "read" });
  });

  test("takes each action at a commit, and leaves no login behind for what runs afterwards", () => {
    const steps = each.flatMap(([, { steps }]) => steps).filter(({ uses }) => uses !== undefined);
    expect(steps.length + each.length).toBeGreaterThan(0);
    for (const { uses, with: options } of steps) {
      expect(uses).toMatch(/^[\w./-]+@[0-9a-f]{40}$/);
      if (uses?.startsWith("actions/checkout@")) expect(options?.["persist-credentials"]).toBe(false);
    }
  });

  test("gives a secret to no job that nobody has approved", () => {
    for (const [name, job] of each)
      if (JSON.stringify(job).includes("secrets.")) expect(job.environment, name).toBeDefined();
  });

  test("writes only from jobs that run nothing of a pull request", () => {
    for (const [name, { permissions, steps }] of each) {
      if (!Object.values(permissions ?? {}).includes("write")) continue;
      const taken = steps.filter(({ uses }) => uses?.startsWith("actions/checkout@"));
      for (const { with: options } of taken)
        expect(options?.["ref"], name).toBe(`\${{ github.event.pull_request.base.sha }}`);
    }
  });

  test("puts nothing that a pull request says into a command line", () => {
    for (const [, { steps }] of each)
      for (const { run } of steps as { run?: string }[]) expect(run ?? "").not.toContain("${{");
  });
});
