import { openRoot, type Root } from "./setup/root-client.mjs";

/** Ask the root helper for one thing: the helper of an outer process, else one started and ended here. */
export async function askRoot(
  reason: string,
  verb: Parameters<Root["ask"]>[0],
  args: readonly string[],
  say: (line: string) => void,
): Promise<void> {
  const root = await openRoot([reason], say);
  try {
    await root.ask(verb, args, say);
  } finally {
    await root.close();
  }
}
