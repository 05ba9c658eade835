/**
 * Leaves stack traces as Node writes them. The language host has each of their frames looked up in source maps, and the SDK takes a trace for
 * each promise that it makes: a tenth of a run that finds nothing to do. Node runs Berth's sources as they are, so their lines are right.
 */
export function plainStackTraces(): void {
  const errors: { prepareStackTrace?: unknown } = Error;
  errors.prepareStackTrace = undefined;
}
