import { readFileSync } from "node:fs";
import { join } from "node:path";
import { checkout } from "../../../lab/setup/places.mjs";
import { stepsOf } from "./blocks.ts";

const steps = stepsOf(readFileSync(join(checkout, "docs/tutorial.md"), "utf8"));

/** What is typed in the lab: every command is run by a test. */
export const inTheLab = steps.filter(({ section }) => section === "In the lab");
/** What is typed for Hetzner: looked at, and not run. */
export const atHetzner = steps.filter(({ section }) => section === "At Hetzner");
const elsewhere = steps.filter((step) => !inTheLab.includes(step) && !atHetzner.includes(step));
if (elsewhere.length > 0)
  throw new Error(`the tutorial has commands that nobody looks at, in line ${elsewhere[0]?.line}`);

/** Verbs of pulumi that the page uses, each with its options; the real command is asked for each. */
export const pulumiOptions: Readonly<Record<string, readonly string[]>> = {
  login: ["--local"],
  "stack init": [],
  "stack output": ["--json"],
  "stack rm": [],
  "config set": ["--secret", "--path"],
  preview: [],
  up: [],
  destroy: [],
};
