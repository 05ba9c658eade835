import { Failure } from "../failure.ts";
import { lastLines, run } from "../process.ts";

export interface Derivation {
  drvPath: string;
  out: string;
}

/**
 * Build a derivation on the deployer and make sure that its output is the path the manifest promised.
 * Throws a Failure with the end of the builder's log.
 */
export async function build(
  what: string,
  derivation: Derivation,
  options: { deadline: number; signal?: AbortSignal; onLine?: (line: string) => void },
): Promise<void> {
  const ended = await run(
    "nix",
    ["build", "--no-link", "--print-out-paths", "--print-build-logs", `${derivation.drvPath}^out`],
    options,
  );
  const tried = `build ${what} (${derivation.drvPath})`;
  if (ended.exitCode !== 0) {
    throw new Failure({
      tried,
      cameBack: `the build failed\n${lastLines(ended.stderr, 30)}`,
      stands: "Nothing was changed on any host",
      next: `mend it; nix log ${derivation.drvPath} has the whole log`,
    });
  }
  const built = ended.stdout.trim().split("\n");
  if (!built.includes(derivation.out)) {
    throw new Failure({
      tried,
      cameBack: `got ${built.join(", ")}, not ${derivation.out}`,
      next: "the flake changed between evaluation and build; run pulumi up again",
    });
  }
}
