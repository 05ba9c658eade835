import { expect, test } from "vitest";
import { project } from "./project.ts";

test("the language host runs a program as the options of its runtime say", async ({ skip }) => {
  await using stack = await project({
    name: "options",
    program: `export const told = { typescript: process.env.PULUMI_NODEJS_TYPESCRIPT === "true", args: process.execArgv };`,
    options: { nodeargs: "--stack-trace-limit=11 --no-deprecation" },
  });
  skip(stack.because !== undefined, stack.because);
  await stack.succeeded("up", "--yes", "--skip-preview");
  expect(JSON.parse(await stack.succeeded("stack", "output", "--json"))).toEqual({
    told: { typescript: false, args: ["--stack-trace-limit=11", "--no-deprecation"] },
  });
});
