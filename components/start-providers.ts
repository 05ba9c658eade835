import command from "@pulumi/command/package.json" with { type: "json" };
import { invoke } from "@pulumi/pulumi/runtime/invoke.js";
import type { StackConfig } from "../config/stack.ts";

/**
 * Has the engine start the providers that the stack needs whatever its plan is. The engine starts a provider when it is first asked for
 * something, one after the other, and does nothing else meanwhile. Whoever needs one is told why it does not start.
 */
export function startProviders({ hosts }: StackConfig): void {
  const asked = [invoke("berth:index:start", {})];
  // Of installations; it has no cheaper function than to run nothing.
  if (Object.keys(hosts).length > 0)
    asked.push(invoke("command:local:run", { command: ":" }, { version: command.version }));
  for (const one of asked) one.catch(() => undefined);
}
