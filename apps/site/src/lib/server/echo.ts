import type { Environment } from "./release.ts";

export const echoFallback = "Nothing to echo: APP_ECHO_ME is not set.";

/** What `/echo` shows, as plain text; the template escapes it. */
export function echoOf(env: Environment): string {
  return env.APP_ECHO_ME || echoFallback;
}
