import { Failure } from "../failure.ts";
import { leaseTtl } from "./leases.ts";
import { primaryRegion, releaseCommandConfig } from "./machine.ts";
import type { FlyRelease } from "./release.ts";
import type { FlyMachine } from "./shapes.ts";
import type { Work } from "./work.ts";

const lookEvery = 1000;

/** Run the release command on a machine of its own, which is destroyed afterwards; nothing else has changed by then. */
export async function runReleaseCommand(work: Work, release: FlyRelease): Promise<void> {
  const { releaseCommand } = release.app;
  const config = releaseCommandConfig({ ...release, secretsRevision: "" });
  if (!releaseCommand || !config) return;
  const { api, leases, say } = work;
  say(`the release command runs: ${releaseCommand.command.join(" ")}`);
  const machine = await api.createMachine({
    config,
    region: primaryRegion(release.app),
    skipServiceRegistration: true,
    leaseTtl,
    ...(work.minSecretsVersion !== undefined && { minSecretsVersion: work.minSecretsVersion }),
  });
  if (machine.nonce) leases.adopt(machine.id, machine.nonce);
  try {
    const ended = await waitForEnd(work, machine.id, releaseCommand.timeout * 1000);
    if (ended === 0) return;
    throw new Failure({
      host: `${release.name} at Fly`,
      tried: `run the release command (${releaseCommand.command.join(" ")}) on a machine of its own`,
      cameBack:
        ended === undefined
          ? `it had not ended after ${releaseCommand.timeout} s`
          : `it ended with exit code ${ended}`,
      stands: "No other machine was changed; what the command itself has changed is not undone.",
      next: `read what it said: fly logs --app ${release.name} --machine ${machine.id}; correct it and run this again`,
    });
  } finally {
    await api
      .destroy(machine.id, machine.nonce)
      .then(() => leases.forget(machine.id))
      .catch(() =>
        say(
          `the machine ${machine.id} of the release command is still there; the next release takes it away`,
        ),
      );
  }
}

/** Its exit code; undefined where it has not ended in time. A machine that ended without a word counts as failed. */
async function waitForEnd({ api, signal }: Work, id: string, within: number): Promise<number | undefined> {
  const { clock } = api;
  const until = clock.now() + within;
  while (clock.now() < until) {
    signal?.throwIfAborted();
    const machine = await api.machine(id);
    if (!machine || ["stopped", "failed", "destroyed"].includes(machine.state)) return exitCodeOf(machine);
    await clock.sleep(lookEvery, signal);
  }
  return undefined;
}

function exitCodeOf(machine: FlyMachine | undefined): number {
  for (const { type, request } of machine?.events ?? []) {
    const exit = request?.MonitorEvent?.exit_event ?? request?.exit_event;
    if (type === "exit" && exit) return exit.exit_code ?? -1;
  }
  return -1;
}
