import { type AuthorizedKey, readKey } from "../../deployer/people/keys.ts";
import type { Answer } from "../../deployer/remote/scripts.ts";
import { fingerprint } from "../../deployer/ssh/fingerprint.ts";

/** Whom the stack means to let in. */
export interface Meant {
  /** The stack's own login key. */
  loginKey: string;
  /** Lines of authorized_keys by person: `access.people`. */
  people: Readonly<Record<string, readonly string[]>>;
  /** Lines that the installation wrote on this host. */
  installed: readonly string[];
}

/** One key that may log in, or that may not and should. */
export interface PersonItem {
  host: string;
  /** The account on the host. */
  user: string;
  /** Name in `access.people`, or the key's comment. */
  who: string;
  /** "SHA256:…"; empty where nothing of the host could be read. */
  fingerprint: string;
  from:
    | "the stack itself"
    | "access.people"
    | "the system in the flake"
    | "a reinstall"
    | "the installation, and no longer in access.people"
    | "not the stack"
    | "not reached";
  /** Whether the host lets it in. */
  there: boolean;
}

/** What differs between the stack and the host. Keys of the flake are meant, too. */
const strange: readonly PersonItem["from"][] = [
  "the installation, and no longer in access.people",
  "not the stack",
  "not reached",
];
export const differs = ({ from, there }: PersonItem): boolean => !there || strange.includes(from);

/** Every key that a host lets in, with where it is from, and those that are missing. Pure. */
export function comparePeople(host: string, seen: Answer<"people">, meant: Meant): PersonItem[] {
  const persons = Object.entries(meant.people).flatMap(([who, lines]) =>
    lines.flatMap((line) => {
      const read = readKey(line);
      return read ? [{ who, key: read.key }] : [];
    }),
  );
  const own = readKey(meant.loginKey)?.key;
  const installed = new Set(meant.installed.flatMap((line) => readKey(line)?.key ?? []));
  const there = seen.keys.flatMap(({ user, file, line }): PersonItem[] => {
    const read = readKey(line);
    if (!read) return [];
    const person = persons.find(({ key }) => key === read.key);
    return [
      {
        host,
        user,
        who: person?.who ?? read.comment,
        fingerprint: fingerprint(read.key),
        from: originOf(read, file, { own, named: person !== undefined, installed }),
        there: true,
      },
    ];
  });
  const roots = new Set(
    seen.keys.filter(({ user }) => user === "root").flatMap(({ line }) => readKey(line)?.key ?? []),
  );
  const missing = persons
    .filter(({ key }) => !roots.has(key))
    .map(({ who, key }): PersonItem => {
      const print = fingerprint(key);
      return { host, user: "root", who, fingerprint: print, from: "access.people", there: false };
    });
  return [...there, ...missing];
}

function originOf(
  { key, comment }: AuthorizedKey,
  file: string,
  known: { own: string | undefined; named: boolean; installed: ReadonlySet<string> },
): PersonItem["from"] {
  if (key === known.own) return /^berth-reinstall-/.test(comment) ? "a reinstall" : "the stack itself";
  if (known.named) return "access.people";
  // NixOS writes what a configuration names there, and nowhere else.
  if (file.startsWith("/etc/ssh/authorized_keys.d/")) return "the system in the flake";
  return known.installed.has(key) ? "the installation, and no longer in access.people" : "not the stack";
}

/** Other ways in than keys, for people. Pure. */
export function otherWays(seen: Answer<"people">): string[] {
  const { passwords, command, authorities } = seen;
  return [
    ...(passwords === "yes" ? ["passwords are accepted"] : []),
    ...(["", "none"].includes(command) ? [] : [`keys come from a command, too: ${command}`]),
    ...(["", "none"].includes(authorities) ? [] : [`certificates signed by ${authorities} are accepted`]),
  ];
}
