/**
 * A word as a POSIX shell reads it back unchanged; plain words stay plain.
 * @param {string} word
 */
export function quote(word) {
  return /^[A-Za-z0-9_@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
}

/**
 * Export lines for `eval` in a POSIX shell.
 * @param {Readonly<Record<string, string>>} variables
 */
export function exportLines(variables) {
  return Object.entries(variables)
    .map(([name, value]) => `export ${name}=${quote(value)}\n`)
    .join("");
}

/**
 * A command as one would type it.
 * @param {readonly string[]} words
 */
export const commandLine = (words) => words.map(quote).join(" ");
