import { z } from "zod";
import { messageOf } from "../deployer/failure.ts";
import type { Derivation } from "../deployer/nix/build.ts";
import {
  type BuilderMachine,
  builderMachine,
  builderTarget,
  buildOnBuilder,
} from "../deployer/nix/builder.ts";
import { BuildQueue } from "../deployer/nix/queue.ts";
import { SshSession } from "../deployer/ssh/session.ts";

/** Where a host's system is built, as its deployment is told. */
export const buildsThere = z.object({
  on: z.enum(["deployer", "target", "builder"]),
  builder: builderMachine.optional(),
});

/** A system to be built, for whom and where. */
export interface WantedBuild extends Derivation {
  host: string;
  /** The machine that builds it; this one when absent. */
  builder: BuilderMachine | undefined;
}

/**
 * Build systems where an update would, and bring them into the local store. One that fails is told, and the others go on.
 * @param loginKey of the stack, which its builders let in; the ssh agent's when absent
 */
export async function buildThere(
  stack: string,
  wanted: readonly WantedBuild[],
  loginKey: string | undefined,
  tell: (line: string) => void,
): Promise<void> {
  const queue = new BuildQueue();
  const sessions = new Map<string, Promise<SshSession>>();
  // What hosts share is built once, and told to each.
  let last = "";
  const onProgress = (line: string) => {
    if (line !== last) tell(line);
    last = line;
  };
  const options = { deadline: 3_600_000, onProgress };
  const buildOne = async ({ host, builder, drvPath, out }: WantedBuild) => {
    if (builder === undefined) return await queue.build(host, { drvPath, out }, options);
    const session = sessions.get(builder.name) ?? SshSession.create(builderTarget(stack, builder, loginKey));
    sessions.set(builder.name, session);
    await buildOnBuilder(await session, (...there) => queue.build(...there), [
      host,
      { drvPath, out },
      options,
    ]);
  };
  try {
    await Promise.all(wanted.map((one) => buildOne(one).catch((error: unknown) => tell(messageOf(error)))));
  } finally {
    for (const session of sessions.values()) await (await session.catch(() => undefined))?.close();
  }
}
