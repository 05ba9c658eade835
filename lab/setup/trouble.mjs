/** What a person can do something about: shown as its message alone, without a stack. */
export class Trouble extends Error {
  /** @override */
  name = "Trouble";
}

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
    const expected = error instanceof Trouble;
    process.stderr.write(
      `${command}: ${expected ? error.message : error instanceof Error ? error.stack : error}\n`,
    );
    process.exitCode = 1;
  }
}
