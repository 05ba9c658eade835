import { invoke } from "@pulumi/pulumi/runtime/invoke.js";

/**
 * Has the engine start Berth's provider, which every stack needs whatever its plan is. The engine starts a provider when it is first asked
 * for something, one after the other, and does nothing else meanwhile. Whoever needs it is told why it does not start.
 */
export function startProvider(): void {
  invoke("berth:index:start", {}).catch(() => undefined);
}
