import { messageOf } from "../failure.ts";
import { remote } from "../remote/scripts.ts";
import type { SshSession } from "../ssh/session.ts";
import { tooSlow, type Verdict } from "./verdict.ts";

/** A check that the host itself answers. */
export type HostCheck = { unit: string } | { command: string; body?: string };

/** Milliseconds beyond a command's own time for the answer to come back. */
const wayBack = 10_000;

/** Ask the host once, over the session's connection. Never throws: whatever goes wrong is the verdict. */
export async function askHost(check: HostCheck, session: SshSession, timeout: number): Promise<Verdict> {
  const started = Date.now();
  const asked = "unit" in check ? `the unit ${check.unit}` : `the command ${JSON.stringify(check.command)}`;
  const seconds = Math.max(1, Math.ceil(timeout / 1000));
  const [document, rest] =
    "unit" in check ? [{ text: check.unit, seconds }, ""] : [{ text: "", seconds }, check.command];
  try {
    const found = await remote(session, "check", document, { deadline: timeout + wayBack, rest });
    if (found.timedOut) return tooSlow(asked, seconds * 1000);
    if (!found.well) return { healthy: false, because: `${asked} ${found.because}` };
    const body = "unit" in check ? undefined : check.body;
    if (body !== undefined && !found.output.includes(body)) {
      const wrote = found.output.trim() === "" ? "nothing" : JSON.stringify(found.output.slice(0, 200));
      return { healthy: false, because: `${asked} wrote ${wrote}, without the text ${JSON.stringify(body)}` };
    }
    return { healthy: true, took: Date.now() - started };
  } catch (error) {
    return { healthy: false, because: `${asked} could not be asked: ${messageOf(error)}` };
  }
}
