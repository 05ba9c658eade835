import * as pulumi from "@pulumi/pulumi";

/** How the SDK refuses to register what depends on a resource that failed. */
const refusal = /(?:^|: )resource (\S+) \[\S+\] failed to register$/;

/**
 * Under `--continue-on-error` the program goes on after a resource has failed, and the SDK takes what depends on it for a mistake in the
 * program, with a stack trace. Has it said in one line instead, once for each resource that failed. It stays an error: what was not
 * registered must not be taken for what is no longer wanted.
 */
export function explainFailedDependencies(): void {
  const event = "unhandledRejection";
  const listeners = process.listeners(event);
  const told = new Set<string>();
  process.removeAllListeners(event);
  process.on(event, (reason, promise) => {
    const failed = reason instanceof Error ? refusal.exec(reason.message)?.[1] : undefined;
    if (failed !== undefined && told.has(failed)) return;
    if (failed !== undefined) told.add(failed);
    const error = failed === undefined ? reason : notBegun(failed);
    for (const listener of listeners) listener(error, promise);
  });
}

function notBegun(failed: string): Error {
  const error = new pulumi.RunError(
    `${failed} failed, so that what depends on it was not begun: see its own error`,
  );
  // Printed as it is where the program itself has ended already.
  error.stack = "";
  return error;
}
