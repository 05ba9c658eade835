/** `pulumi up` with the program in this process: URN patterns of what is left out are its arguments. Tells what the engine tells. */
import { CommandError } from "@pulumi/pulumi/automation/errors.js";
import { LocalWorkspace } from "@pulumi/pulumi/automation/localWorkspace.js";
import { STACK } from "../../lab/environment.ts";
import { checkout } from "../../lab/setup/places.mjs";

const stack = await LocalWorkspace.selectStack(
  { stackName: STACK, projectName: "berth", program: () => import("../../index.ts") },
  { workDir: checkout },
);
const tell = (text: string) => void process.stdout.write(text);
let exitCode = 0;
try {
  const exclude = process.argv.slice(2);
  await stack.up({ exclude, excludeDependents: true, color: "never", onOutput: tell, onError: tell });
} catch (error) {
  if (!(error instanceof CommandError)) throw error;
  exitCode = 1;
}
// At once: what the engine no longer takes after the end of an update, the SDK lets fall with nobody to catch it.
process.exit(exitCode);
