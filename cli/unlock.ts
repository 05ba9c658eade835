import { text } from "node:stream/consumers";
import { Failure } from "../deployer/failure.ts";
import { SshSession } from "../deployer/ssh/session.ts";
import { unlockDisk } from "../deployer/unlock/unlock.ts";
import { pulumi } from "./pulumi.ts";
import { say } from "./say.ts";
import { hostOf, type StackView, targetOf } from "./stack.ts";

export interface UnlockOptions {
  /** Take the passphrase from stdin instead of the stack's secrets. */
  stdin?: boolean;
}

/** Milliseconds until a host has asked for its passphrase, and until it answers as itself. */
const patience = 300_000;

/** Unlock a host's encrypted disk after a restart, and wait until the installed system answers. */
export async function unlock(stack: StackView, name: string, { stdin }: UnlockOptions = {}): Promise<void> {
  const target = targetOf(stack, name);
  const { unlock: locked } = hostOf(stack, name);
  if (!locked)
    throw new Failure({
      host: `${name} (${target.address})`,
      tried: "unlock its disk",
      cameBack: "its disk is not encrypted, as far as the stack knows",
      next: `berth ssh ${name}; or berth rescue ${name}, when it does not come up`,
    });
  const passphrase = stdin ? await text(process.stdin) : await passphraseOf(stack, locked.passphrase);
  const until = Date.now() + patience;
  const tell = (line: string) => say(`${name}: ${line}`);
  const done = await unlockDisk(target, { ...locked, passphrase }, { until, say: tell });
  if (done === "running") return tell("it runs; there is nothing to unlock");
  tell("the disk is unlocked; waiting for the installed system");
  const session = await SshSession.create(target);
  try {
    await session.waitUntilReachable(Math.max(1_000, until - Date.now()), { patient: true });
  } finally {
    await session.close();
  }
  tell(`${target.address} answers as itself again`);
}

/** A secret's content, as the stack's configuration has it. */
const passphraseOf = (stack: StackView, secret: string): Promise<string> =>
  pulumi(["config", "get", "--path", `berth:secrets.${secret}`], stack.name);
