/** What was asked for, on stdout. */
export function print(text: string): void {
  process.stdout.write(text.endsWith("\n") || text === "" ? text : `${text}\n`);
}

/** What happens meanwhile and what went wrong, on stderr: a pipe gets the answer alone. */
export function say(line: string): void {
  process.stderr.write(`berth: ${line}\n`);
}
