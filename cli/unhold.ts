import { describeHold, parseHold } from "../deployer/release/hold.ts";
import { remote } from "../deployer/remote/scripts.ts";
import { SshSession } from "../deployer/ssh/session.ts";
import { readDeployments } from "./deployments.ts";
import { tellState } from "./rollback.ts";
import { say } from "./say.ts";
import { type StackView, targetOf } from "./stack.ts";

/** Let the release that a host was rolled back from by hand come again. */
export async function unhold(stack: StackView, name: string): Promise<void> {
  const session = await SshSession.create(targetOf(stack, name));
  try {
    const { was } = await remote(session, "unhold", {}, { deadline: 20_000 });
    const held = parseHold(was);
    if (!held) return say(`${name}: nothing was held there`);
    say(`${name}: ${held.toplevel}, ${describeHold(held)}, is held no longer; the next update may bring it`);
    const urn = (await readDeployments(stack.name))[name]?.urn;
    await tellState(stack, urn === undefined ? [] : [urn]);
  } finally {
    await session.close();
  }
}
