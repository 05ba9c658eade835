import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { privateFolder, removePrivateFolder } from "../private-folder.ts";
import { lastLines, run } from "../process.ts";
import { hostAlias, knownHosts, type SshTarget, sshConfig } from "./config.ts";

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

/** Begins the line in which ssh tells the key that it was shown. */
const shownMark = "berth-shown";

/** A machine whose key is asked for, and the way to it. */
export type ScanTarget = Omit<SshTarget, "hostKeys">;

/**
 * The same, through the machine on the way where there is one: that one's key is checked as always, and the login key opens it.
 * @param seconds for the whole question
 */
export async function scanTarget(target: ScanTarget, seconds: number): Promise<Scanned> {
  if (!target.jump) return scanHostKey(target.address, target.port, seconds);
  const folder = await privateFolder();
  try {
    const files = {
      knownHosts: join(folder, "known_hosts"),
      identity: target.loginKey === undefined ? undefined : join(folder, "identity"),
      controlPath: "none",
    };
    const unknown = { ...target, hostKeys: [] };
    const config = join(folder, "config");
    await writeFile(files.knownHosts, knownHosts(unknown), { mode: 0o600 });
    await writeFile(config, sshConfig(unknown, files), { mode: 0o600 });
    if (files.identity) await writeFile(files.identity, `${target.loginKey?.trimEnd()}\n`, { mode: 0o600 });
    // ssh-keyscan knows no way but the direct one. No key is accepted: ssh tells which one it was shown, and refuses it. These are not
    // passed on to the ssh that opens the way.
    const options = [
      "StrictHostKeyChecking=yes",
      `KnownHostsCommand=/bin/sh -c "echo ${shownMark} %t %K >&2"`,
      `ConnectTimeout=${seconds}`,
    ];
    const words = options.flatMap((option) => ["-o", option]);
    const { stderr } = await run("ssh", ["-F", config, ...words, hostAlias(target), "exit"], {
      deadline: (seconds + 5) * 1_000,
    });
    const found = new RegExp(`^${shownMark} (ssh-ed25519 [A-Za-z0-9+/]+=*)\\s*$`, "m").exec(stderr)?.[1];
    const said = lastLines(stderr.replaceAll(new RegExp(`^${shownMark} .*$`, "gm"), ""), 2);
    return { key: found, said: said || "nothing answered there" };
  } finally {
    await removePrivateFolder(folder);
  }
}
