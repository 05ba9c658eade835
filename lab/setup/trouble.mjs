/** What a person can do something about: shown as its message alone, without a stack. */
export class Trouble extends Error {
  /** @override */
  name = "Trouble";
}

/** Somebody pressed Ctrl-C. */
export class Interrupted extends Trouble {}

/**
 * The message of whatever was thrown.
 * @param {unknown} error
 */
export const messageOf = (error) => (error instanceof Error ? error.message : String(error));

/**
 * Run a command's main function and turn what it throws into a line and an exit code.
 * @param {string} command as typed, for the line
 * @param {() => Promise<number>} main resolves to the exit code
 */
export async function runMain(command, main) {
  try {
    process.exitCode = await main();
  } catch (error) {
    process.stderr.write(`${command}: ${isMistakeInCode(error) ? error.stack : messageOf(error)}\n`);
    process.exitCode = error instanceof Interrupted ? 130 : 1;
  }
}

/**
 * Whether an error is thrown by the language and not on purpose, so that a stack is of use.
 * @param {unknown} error
 * @returns {error is Error}
 */
const isMistakeInCode = (error) =>
  [TypeError, ReferenceError, RangeError, SyntaxError].some((kind) => error instanceof kind);
