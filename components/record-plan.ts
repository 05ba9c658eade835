import * as pulumi from "@pulumi/pulumi";
import type { StackPlan } from "../config/plan.ts";
import { RunRecord, recordVariable } from "../deployer/runs/record.ts";

/** Write what an update wants of every host to its record, where one is kept. A preview wants nothing. */
export function recordPlan(stack: string, { hosts, rollout }: StackPlan): void {
  const file = process.env[recordVariable];
  if (file === undefined || pulumi.runtime.isDryRun()) return;
  const wanted = Object.fromEntries(hosts.map(({ name, manifest }) => [name, manifest.toplevel.out]));
  new RunRecord(file, (line) => void pulumi.log.warn(line)).add({ event: "plan", stack, ...rollout, wanted });
}
