import { Failure } from "../deployer/failure.ts";
import { run } from "../deployer/process.ts";

/** Milliseconds: a backend far away, secrets of a cloud's. */
const deadline = 60_000;

/** Run the pulumi command on a stack and return what it printed. Its output may hold secrets and is in no error. */
export async function pulumi(args: readonly string[], stack: string | undefined): Promise<string> {
  const all = [...args, "--non-interactive", ...(stack === undefined ? [] : ["-s", stack])];
  const { exitCode, stdout, stderr } = await run("pulumi", all, {
    deadline,
    env: { PULUMI_SKIP_UPDATE_CHECK: "true" },
  });
  if (exitCode === 0) return stdout;
  throw new Failure({
    tried: `read ${stack === undefined ? "the selected stack" : `stack ${stack}`}`,
    ...explain(stderr),
  });
}

/** What pulumi's error means for who uses `berth`. Pure. */
export function explain(said: string): { cameBack: string; next: string } {
  const line = /^\s*error: (.*)$/m.exec(said)?.[1] ?? said.trim().split("\n").at(-1) ?? "";
  const cameBack = line === "" ? "pulumi failed without a word" : line;
  const advice: [RegExp, string][] = [
    [/no stack selected/i, "name one with -s, or choose one with pulumi stack select"],
    [/no stack named/i, "pulumi stack ls shows those there are"],
    [/PULUMI_ACCESS_TOKEN|not logged in|must be logged in|pulumi login/i, "pulumi login"],
    [
      /passphrase/i,
      "set PULUMI_CONFIG_PASSPHRASE or PULUMI_CONFIG_PASSPHRASE_FILE to the stack's passphrase",
    ],
    [
      /no Pulumi\.yaml|Pulumi project file|fully qualified name/i,
      "run berth in the project's folder, where Pulumi.yaml is",
    ],
  ];
  const [, next] = advice.find(([pattern]) => pattern.test(said)) ?? [];
  return { cameBack, next: next ?? "mend that; pulumi stack output shows the same" };
}
