const words = (line: string): string[] => line.trim().split(/\s+/);

/**
 * A public key without its comment: what makes it the same key.
 * @param line one OpenSSH line, "ssh-ed25519 AAAA… ada@example.org"
 * @returns "ssh-ed25519 AAAA…"
 */
export const withoutComment = (line: string): string => words(line).slice(0, 2).join(" ");

/**
 * The bytes of a public key.
 * @param line one OpenSSH line; of a line without data there are none
 */
export const keyBytes = (line: string): Buffer => Buffer.from(words(line)[1] ?? "", "base64");
