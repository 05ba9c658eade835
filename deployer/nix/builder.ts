import { z } from "zod";
import { Failure, messageOf } from "../failure.ts";
import { lastLines, run } from "../process.ts";
import type { SshTarget } from "../ssh/config.ts";
import type { SshSession } from "../ssh/session.ts";
import type { BuildOptions, BuildPlace, build, Derivation } from "./build.ts";

/** A machine that builds for hosts and is none of the stack's. */
export const builderMachine = z.strictObject({
  name: z.string(),
  address: z.string(),
  port: z.int(),
  user: z.string(),
  /** The ed25519 host key it must have. */
  hostKey: z.string(),
});
export type BuilderMachine = z.infer<typeof builderMachine>;

/** How a builder is reached, in the name of a stack. */
export const builderTarget = (
  stack: string,
  { name, address, port, user, hostKey }: BuilderMachine,
  loginKey: string | undefined,
): SshTarget => ({
  stack,
  host: `builder-${name}`,
  address,
  port,
  user,
  hostKeys: [hostKey],
  ...(loginKey === undefined ? {} : { loginKey }),
});

/** Build on a builder, by `buildThere`, and bring what was built into the local store. */
export async function buildOnBuilder(
  session: SshSession,
  buildThere: typeof build,
  [what, derivation, options]: [string, Derivation, BuildOptions],
): Promise<void> {
  const bounds = { deadline: options.deadline, ...(options.signal ? { signal: options.signal } : {}) };
  await session.ready(30_000, options.signal ? { signal: options.signal } : {}).catch((error: unknown) => {
    const cameBack = error instanceof Failure ? error.cameBack : messageOf(error);
    throw new Failure({
      tried: `build ${what} on ${session.label}`,
      cameBack,
      stands: "Nothing was changed on any host",
      next: /host key verification failed/.test(cameBack)
        ? "compare the key that berth trust shows of it with what it says of itself at its console: that one belongs under hostKey in berth:builds.builders"
        : "see that it is up and lets the stack's login key in, or build elsewhere: berth:builds.on",
    });
  });
  options.onProgress?.(`sending what it is built from to ${session.label}`);
  await sendSources(session, what, derivation, bounds);
  await buildThere(what, derivation, options, placeOn(session));
  options.onProgress?.(`fetching what ${session.label} has built`);
  await bringBack(session, what, derivation, bounds);
}

/** The store of a machine that builds, over the session's own strict connection. */
const placeOn = (session: SshSession): BuildPlace => {
  const store = `ssh-ng://${session.alias}`;
  return {
    args: ["--eval-store", "auto", "--store", store],
    env: { NIX_SSHOPTS: session.sshOptions },
    store: ["--store", store],
  };
};

/**
 * Send what is built from to the builder. Nix would do so by itself, and refuse what was built here, which nobody has signed: what a flake
 * imports from a derivation, for one.
 */
async function sendSources(
  session: SshSession,
  what: string,
  { drvPath }: Derivation,
  options: { deadline: number; signal?: AbortSignal },
): Promise<void> {
  const ended = await run(
    "nix",
    ["copy", "--derivation", "--no-check-sigs", "--to", `ssh-ng://${session.alias}`, drvPath],
    { ...options, env: { NIX_SSHOPTS: session.sshOptions } },
  );
  if (ended.exitCode === 0) return;
  const lacksNix = /nix-(daemon|store): (command )?not found|command not found: nix-/.test(ended.stderr);
  throw new Failure({
    tried: `send what ${what} is built from (${drvPath}) to ${session.label}`,
    cameBack: lastLines(ended.stderr, 8),
    stands: "Nothing was changed on any host",
    next: lacksNix
      ? `install Nix on ${session.label} so that a login without a terminal has it on its PATH, or build elsewhere: berth:builds.on`
      : "see that Nix there has this user among its trusted-users, and room on its disk",
  });
}

/** Bring what a builder has built into the local store, from where it goes to hosts. */
async function bringBack(
  session: SshSession,
  what: string,
  { out }: Derivation,
  options: { deadline: number; signal?: AbortSignal },
): Promise<void> {
  const ended = await run("nix", ["copy", "--no-check-sigs", "--from", `ssh-ng://${session.alias}`, out], {
    ...options,
    env: { NIX_SSHOPTS: session.sshOptions },
  });
  if (ended.exitCode === 0) return;
  throw new Failure({
    tried: `fetch ${what} (${out}) from ${session.label}`,
    cameBack: lastLines(ended.stderr, 8),
    stands: "Nothing was changed on any host",
    next: "where Nix here has a daemon, see that its trusted-users has you: what a builder has built is not signed",
  });
}
