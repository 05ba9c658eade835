import { type Manifest, manifest } from "../../config/manifest.ts";
import { Failure } from "../failure.ts";
import { jsonOrUndefined } from "../json.ts";
import { lastLines, run } from "../process.ts";

/**
 * The flake's output `berth.hosts`, by one `nix eval`. Writes the derivations to the store, builds nothing.
 * Throws a Failure that names the flake when it does not evaluate or has another shape.
 */
export async function evaluateManifest(
  flake: string,
  options: { cwd: string; deadline?: number },
): Promise<Manifest> {
  const ended = await run(
    "nix",
    ["eval", "--json", "--no-update-lock-file", "--no-warn-dirty", `${flake}#berth.hosts`],
    {
      cwd: options.cwd,
      deadline: options.deadline ?? 600_000,
    },
  );
  const tried = `evaluate ${flake}#berth.hosts`;
  if (ended.exitCode !== 0) {
    throw new Failure({
      tried,
      cameBack: `the evaluation failed\n${lastLines(ended.stderr, 15)}`,
      next: `mend the flake; nix eval '${flake}#berth.hosts' shows the same`,
    });
  }
  const parsed = manifest.safeParse(jsonOrUndefined(ended.stdout));
  if (!parsed.success) {
    const issues = parsed.error.issues
      .map((issue) => `  berth.hosts.${issue.path.join(".")}: ${issue.message}`)
      .join("\n");
    throw new Failure({
      tried,
      cameBack: `a manifest of another shape\n${issues}`,
      next: "use the flake's nixosModules.berth",
    });
  }
  return parsed.data;
}
