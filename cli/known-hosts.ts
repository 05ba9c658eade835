import { readFile, realpath, rename, writeFile } from "node:fs/promises";
import { isIP, isIPv6 } from "node:net";
import { withoutComment } from "../config/public-key.ts";
import { hostAlias } from "../deployer/ssh/config.ts";
import { asJson } from "./as-json.ts";
import { print, say } from "./say.ts";
import type { StackHost, StackView } from "./stack.ts";

/** Print the stack's lines of known_hosts, or keep them in a file. */
export async function knownHosts(
  stack: StackView,
  { write, json = false }: { write?: string; json?: boolean },
): Promise<void> {
  if (json) print(asJson("known-hosts", stack.name, knownKeys(stack)));
  const lines = knownHostsLines(stack);
  if (write === undefined) return json ? undefined : print(lines);
  // A link stays one.
  const file = await realpath(write).catch(() => write);
  const before = await readFile(file, "utf8").catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return "";
    throw error;
  });
  const fresh = `${file}.${process.pid}.new`;
  await writeFile(fresh, withSection(before, stack.name, lines), { mode: 0o600 });
  await rename(fresh, file);
  say(`${write} has ${Object.keys(stack.hosts).length} of stack ${stack.name}`);
}

/** A key, and every name that a host is looked up by. */
export interface KnownKey {
  host: string;
  /** Whose: the installed system's, or that of the ssh that unlocks its disk. */
  what: "host" | "unlock";
  names: string[];
  /** "ssh-ed25519 AAAA…", without a comment. */
  key: string;
}

/** The hosts' keys: by the alias that Berth's own connections use, and by every name people use. */
export function knownKeys({ name, hosts }: StackView): KnownKey[] {
  return Object.entries(hosts).flatMap(([host, seen]): KnownKey[] => {
    const names = [hostAlias({ stack: name, host }), ...namesOf(seen)];
    const own: KnownKey = {
      host,
      what: "host",
      names: [...new Set(names)],
      key: withoutComment(seen.hostKey),
    };
    if (!seen.unlock) return [own];
    const { port, hostKey } = seen.unlock;
    const unlockNames = [...new Set(namesOf({ ...seen, port }))];
    return [own, { host, what: "unlock", names: unlockNames, key: withoutComment(hostKey) }];
  });
}

/** One line a host, and one for the ssh that unlocks its disk. */
export const knownHostsLines = (stack: StackView): string =>
  knownKeys(stack)
    .map(({ names, key }) => `${names.join(",")} ${key}\n`)
    .join("");

/** As ssh looks them up: an address as it is typed, with its port where that is not 22. */
function namesOf({ address, ipv6Address, port, url }: StackHost): string[] {
  const domain = new URL(url).hostname;
  const names = [address, ipv6Address, isIP(domain) || domain.startsWith("[") ? "" : domain];
  return names
    .filter((name) => name !== "")
    .map((name) => (isIPv6(name) ? name.toLowerCase() : name))
    .map((name) => (port === 22 ? name : `[${name}]:${port}`));
}

/** The file with the stack's section in place of the one it had, at the end when it had none. */
export function withSection(file: string, stack: string, lines: string): string {
  const begin = `# berth: hosts of stack ${stack}\n`;
  const end = `# berth: end of stack ${stack}\n`;
  const from = file.indexOf(begin);
  const to = file.indexOf(end, from);
  const section = `${begin}${lines}${end}`;
  if (from >= 0 && to > from) return file.slice(0, from) + section + file.slice(to + end.length);
  return `${file}${file === "" || file.endsWith("\n") ? "" : "\n"}${section}`;
}
