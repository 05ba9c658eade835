import { randomBytes } from "node:crypto";
import { diffInputs, replacing } from "../../../provider/framework/diff.ts";
import type { CallContext, Properties, ResourceHandler } from "../../../provider/framework/types.ts";
import { INPUTS, inputFailures, sameValue } from "./inputs.ts";
import { type Output, run } from "./run.ts";

/**
 * `command:local:Command` as version 1.2.1 of the real provider has it: any changed input is an update that runs
 * `update`, or `create` where there is none; changed `triggers` replace; an unset `delete` does nothing.
 */
export const localCommand: ResourceHandler = {
  async check(written) {
    const inputs = Object.fromEntries(Object.entries(written).filter(([, value]) => value !== null));
    return { inputs, failures: inputFailures(inputs, "local.CommandInputs") };
  },

  async diff(olds, news) {
    const detailed = replacing(diffInputs(olds.inputs, news), ["triggers"]);
    return { changes: Object.keys(detailed).length > 0, detailed };
  },

  async preview(inputs, old) {
    const known = old && !hidesOutput(old, inputs);
    return { ...inputs, stdout: known ? old.stdout : undefined, stderr: known ? old.stderr : undefined };
  },

  async create(inputs, call) {
    const id = call.name + randomBytes(4).toString("hex");
    const output = await runIfSet(inputs.create, inputs, {}, call);
    return { id, outputs: { ...inputs, ...output } };
  },

  async update(_id, olds, news, call) {
    const output = await runIfSet(news.update ?? news.create, news, outputOf(olds.outputs), call);
    return { ...news, ...output };
  },

  async delete(_id, state, call) {
    await runIfSet(state.outputs.delete, state.outputs, outputOf(state.outputs), call);
  },
};

/** The function `command:local:run`: runs on every preview and every update. */
export async function localRun(args: Properties, call: CallContext): Promise<Properties> {
  const [fault] = inputFailures(args, "local.RunInputs");
  if (fault) throw new Error(`${fault.reason} (${fault.property})`);
  return { ...args, ...(await run(String(args.command), args, {}, call)) };
}

/** Unset leaves the output as it was; an empty text does run. */
async function runIfSet(
  command: Properties[string],
  inputs: Properties,
  previous: Output | Record<string, never>,
  call: CallContext,
): Promise<Output> {
  if (typeof command === "string") return await run(command, inputs, previous, call);
  return { stdout: previous.stdout ?? "", stderr: previous.stderr ?? "" };
}

function outputOf(outputs: Properties): Output {
  return { stdout: String(outputs.stdout ?? ""), stderr: String(outputs.stderr ?? "") };
}

/**
 * Whether an update's output is unknown in a preview: an input that was set has another value, or an input is unknown.
 * An input that is new does not count; the real provider shows the old output then.
 */
function hidesOutput(old: Properties, news: Properties): boolean {
  return Object.keys(INPUTS["local.CommandInputs"]).some((name) => {
    if (Object.hasOwn(news, name) && news[name] === undefined) return true;
    return Object.hasOwn(old, name) && !sameValue(old[name], news[name]);
  });
}
