import { spawn } from "node:child_process";
import { setTimeout as sleep } from "node:timers/promises";

/** Milliseconds after which a browser is taken to be open: some desktops wait until it is closed again. */
const opened = 15_000;

/**
 * Have the desktop open a file or an address.
 * @returns why it did not; undefined where it did, as far as that can be told
 */
export async function openOnDesktop(target: string): Promise<string | undefined> {
  const program = process.platform === "darwin" ? "open" : "xdg-open";
  const child = spawn(program, [target], { stdio: "ignore", detached: true });
  child.unref();
  const over = new AbortController();
  const trouble = new Promise<string | undefined>((resolve) => {
    child.once("error", ({ message }) => resolve(message));
    child.once("exit", (code) => resolve(code ? `${program} ended with ${code}` : undefined));
  });
  const patience = sleep(opened, undefined, { signal: over.signal }).catch(() => undefined);
  try {
    return await Promise.race([trouble, patience]);
  } finally {
    over.abort();
  }
}
