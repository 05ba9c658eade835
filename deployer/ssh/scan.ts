import { lastLines, run } from "../process.ts";

/** What a machine shows of itself when nobody verifies it. */
export interface Scanned {
  /** Its ed25519 host key, "ssh-ed25519 AAAA…"; undefined when it showed none. */
  key: string | undefined;
  /** What ssh-keyscan said instead, for people. */
  said: string;
}

/**
 * Ask a machine for its ed25519 host key. Whoever answers at the address may have given it: the key is for a person to compare, or for
 * the one moment in which nobody else can answer.
 * @param seconds for the whole question
 */
export async function scanHostKey(address: string, port: number, seconds: number): Promise<Scanned> {
  const { stdout, stderr } = await run(
    "ssh-keyscan",
    ["-T", String(seconds), "-t", "ed25519", "-p", String(port), "--", address],
    { deadline: (seconds + 2) * 1_000 },
  );
  const found = /^\S+ (ssh-ed25519 [A-Za-z0-9+/]+=*)\s*$/m.exec(stdout)?.[1];
  const said = lastLines(stderr.replace(/^#.*$/gm, ""), 1);
  return { key: found, said: said || "nothing answered there" };
}
