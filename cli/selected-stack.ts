import { Failure } from "../deployer/failure.ts";
import { run } from "../deployer/process.ts";
import { type Project, stacksOf } from "./project.ts";

/** The stack that pulumi has selected; where it has none, or is not there, that of the only stack file. */
export async function selectedStack(project: Project): Promise<string> {
  const selected = await askPulumi(project.folder);
  if (selected !== undefined) return selected;
  const stacks = stacksOf(project);
  if (stacks.length === 1 && stacks[0] !== undefined) return stacks[0];
  throw new Failure({
    tried: "find the stack",
    cameBack:
      stacks.length === 0
        ? `${project.stacksIn} has no Pulumi.<stack>.yaml, and pulumi has no stack selected`
        : `pulumi has none selected, and there are files of several: ${stacks.join(", ")}`,
    next: stacks.length === 0 ? "berth init writes a first one" : `name one, for example -s ${stacks[0]}`,
  });
}

async function askPulumi(cwd: string): Promise<string | undefined> {
  try {
    const { exitCode, stdout } = await run("pulumi", ["stack", "--show-name", "--non-interactive"], {
      cwd,
      deadline: 30_000,
      env: { PULUMI_SKIP_UPDATE_CHECK: "true" },
    });
    return exitCode === 0 && stdout.trim() !== "" ? stdout.trim() : undefined;
  } catch {
    // Without pulumi, or a backend that answers, the files are what there is.
    return undefined;
  }
}
