import { AsyncResource } from "node:async_hooks";
import * as pulumi from "@pulumi/pulumi";
import { type AdviceFacts, adviseOn } from "../config/advice.ts";
import { messageOf } from "../deployer/failure.ts";

/** One name for ever: it stays in the stack's state beside every resource it is on. */
const hookName = "berth-advice";

/**
 * Says what to do when Hetzner refuses an order or a change during an update, beside the provider's own error. Before any resource is made.
 * It decides nothing: the operation fails as it would without, and destroy works without the program.
 *
 * Language hosts older than Pulumi 3.218 pass no such hook on; then there is the provider's error alone.
 */
export async function adviseOnRefusals(facts: AdviceFacts): Promise<void> {
  const advise: pulumi.ErrorHookFunction = async ({ name, errors }) => {
    const advice = adviseOn({ resource: name, error: errors.join("\n") }, facts);
    if (advice !== undefined) await pulumi.log.error(`${name}: ${advice}`);
    return false;
  };
  // The engine calls from outside: an inline program's log is found by its asynchronous context alone.
  const hook = new pulumi.ErrorHook(hookName, AsyncResource.bind(advise));
  if (!(await isRegistered(hook))) return;
  pulumi.runtime.registerStackTransformation(({ type, props, opts }) =>
    type.startsWith("hcloud:")
      ? { props, opts: pulumi.mergeOptions(opts, { hooks: { onError: [hook] } }) }
      : undefined,
  );
}

/** A hook registers itself as it is made and keeps the outcome in a field that its type does not show. */
async function isRegistered(hook: pulumi.ErrorHook): Promise<boolean> {
  try {
    await (hook as unknown as { __registered: Promise<void> }).__registered;
    return true;
  } catch (error) {
    pulumi.log.debug(`no advice on refusals: ${messageOf(error)}`);
    return false;
  }
}
