import { remote } from "../../deployer/remote/scripts.ts";
import type { SshSession } from "../../deployer/ssh/session.ts";
import { Engine, type StackOutputs } from "../../lab/journey/pulumi.ts";
import { type Lab, up as labUp, reset } from "../../lab/lab.ts";
import { checkout } from "../../lab/setup/places.mjs";
import { sessionWith } from "./stack.ts";

/** A lab of its own with the one host of its stack, ordered, installed and deployed to. */
export interface OneHost {
  lab: Lab;
  engine: Engine;
  outputs: StackOutputs;
  session: SshSession;
  /** The system that it runs. */
  good: string;
  /** A new look at it, over a connection of its own. */
  look: () => Promise<Awaited<ReturnType<typeof remote<"observe">>>>;
  /** Run a line of shell on it; its output. */
  on: (line: string) => Promise<string>;
  down: () => Promise<void>;
}

export async function oneHost(folder: string, prepare?: (lab: Lab) => Promise<void>): Promise<OneHost> {
  await reset({ folder });
  const printed: string[] = [];
  const say = (line: string) => void printed.push(line);
  const lab = await labUp({ folder, say });
  await prepare?.(lab);
  const engine = new Engine(checkout, lab.env, say);
  const run = await engine.run(["up", "--yes", "--skip-preview"]);
  if (run.exitCode !== 0) throw new Error(`the first update failed:\n${printed.slice(-60).join("\n")}`);
  const outputs = await engine.outputs();
  // The deployer's own programs, as in an update.
  Object.assign(process.env, lab.env);
  const session = await sessionWith(outputs, "web1");
  return {
    lab,
    engine,
    outputs,
    session,
    good: outputs.hosts.web1?.release ?? "",
    look: () => remote(session, "observe", {}, { deadline: 30_000, fresh: true }),
    on: async (line) => (await session.sh(line, { deadline: 30_000, fresh: true })).stdout.trim(),
    down: async () => {
      await session.close();
      await reset({ folder });
    },
  };
}
