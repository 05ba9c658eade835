import { Failure, messageOf } from "../../deployer/failure.ts";
import { describeHold } from "../../deployer/release/hold.ts";
import type { Hooks, Released } from "../../deployer/release/release.ts";
import { NotKept } from "../../deployer/release/roll-back.ts";
import { Turns } from "../../deployer/rollout/turns.ts";
import type { Outcome } from "../../deployer/runs/events.ts";
import { recordLearnt, toldFailure } from "../../deployer/runs/learnt.ts";
import { RunRecord, recordFile, recordVariable } from "../../deployer/runs/record.ts";
import { Unreachable } from "../../deployer/ssh/session.ts";
import { NotInTime } from "../framework/calls.ts";
import type { CallContext } from "../framework/types.ts";

/** Those of every host that this process deploys to. */
const turns = new Turns();
let record: RunRecord | undefined;

/** One for all hosts of the update: the one that `berth up` names, or one of this process. */
function recordOf(stack: string, call: CallContext): RunRecord {
  record ??= new RunRecord(
    process.env[recordVariable] ?? recordFile(stack, new Date(), process.pid),
    (line) => call.log("warning", line),
  );
  return record;
}

export interface WantedRelease {
  stack: string;
  host: string;
  toplevel: string;
  maxUnavailable?: number | undefined;
}

/** Have one of the stack's releases done: recorded, and on trial with as many others at most as may be. */
export async function inTurn(
  { stack, host, toplevel, maxUnavailable = Number.POSITIVE_INFINITY }: WantedRelease,
  call: CallContext,
  work: (hooks: Hooks) => Promise<Released>,
): Promise<Released> {
  const events = recordOf(stack, call);
  const status = (step: string) => {
    call.status(step);
    events.add({ event: "step", host, step });
  };
  const onTrial = (over: () => void) => {
    events.add({ event: "trial", host });
    let told = false;
    return () => {
      if (!told) events.add({ event: "verdict", host });
      told = true;
      over();
    };
  };
  const turn = async () =>
    onTrial(
      await turns.take(host, maxUnavailable, {
        signal: call.signal,
        onWait: (holders) => status(`waiting for its turn: ${holders.join(", ") || "others"} on trial`),
      }),
    );
  const turnAtOnce = () => {
    const over = turns.takeAtOnce(host, maxUnavailable);
    return over && onTrial(over);
  };

  events.add({ event: "begin", host, wanted: toplevel });
  try {
    const released = await work({
      status,
      turn,
      turnAtOnce,
      warn: (line) => call.log("warning", line),
      learnt: recordLearnt(events, host, toplevel),
      signal: call.signal,
    });
    const kept = released.previous === released.toplevel ? "verified" : "switched";
    const outcome = released.held ? "held" : kept;
    events.add({
      event: "end",
      host,
      outcome,
      before: released.previous,
      after: released.toplevel,
      ...(released.held ? { because: describeHold(released.held) } : {}),
    });
    return released;
  } catch (error) {
    const old = error instanceof NotKept ? error.old : undefined;
    events.add({
      event: "end",
      host,
      outcome: outcomeOf(error, call.signal),
      ...(old === undefined ? {} : { before: old }),
      ...(error instanceof NotKept && error.back ? { after: error.old } : {}),
      because: reasonOf(error),
      failure: toldFailure(error),
    });
    throw error;
  }
}

function outcomeOf(error: unknown, signal: AbortSignal): Outcome {
  if (error instanceof NotKept) return error.back ? "rolled back" : "lost";
  // Whatever its programs and connections make of being cut off.
  if (signal.aborted && !(signal.reason instanceof NotInTime)) return "interrupted";
  return error instanceof Unreachable ? "not reached" : "failed";
}

/** What Nix says while it works, before it says what failed. */
const progress =
  /^(copying|building|fetching|downloading|querying|unpacking|evaluating|these |this |warning:|\/nix\/store\/)/;
/** What Nix says of an end that it has not caused: the reason came before that. */
const aftermath = /unexpected end-of-file|broken pipe/i;

/** One line of it: where it begins with the progress of Nix, the last of its errors. */
export function reasonOf(error: unknown): string {
  const whole = error instanceof Failure ? error.cameBack : messageOf(error);
  const lines = whole.trim().split("\n");
  const [first = ""] = lines;
  if (!progress.test(first)) return first;
  const errors = lines.map((line) => line.trim()).filter((line) => /^error: *\S/.test(line));
  return errors.findLast((line) => !aftermath.test(line)) ?? errors.at(-1) ?? first;
}
