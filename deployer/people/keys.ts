/** One line of authorized_keys, taken apart. */
export interface AuthorizedKey {
  /** "ssh-ed25519 AAAA…". */
  key: string;
  comment: string;
  /** What stands before the key, e.g. `from="198.51.100.0/24"`. */
  options: string;
}

const line =
  /^(?:(?<options>.*?)\s+)?(?<type>ssh-ed25519|ssh-rsa|ssh-dss|ecdsa-sha2-nistp\d+|sk-[a-z0-9@.-]+)\s+(?<data>[A-Za-z0-9+/]+=*)(?:\s+(?<comment>.*))?$/;

/** A line of authorized_keys; undefined for a comment, an empty line and whatever is no key. Pure. */
export function readKey(text: string): AuthorizedKey | undefined {
  const groups = text.trim().startsWith("#") ? undefined : line.exec(text.trim())?.groups;
  if (!groups) return undefined;
  const { options = "", type, data, comment = "" } = groups;
  return { key: `${type} ${data}`, comment: comment.trim(), options };
}

/** Whom a stack lets in. */
export interface Wanted {
  stack: string;
  /** The stack's own login key; empty where it has none. */
  loginKey: string;
  /** Lines of authorized_keys by person. */
  people: Readonly<Record<string, readonly string[]>>;
  /** Lines that the installation wrote, as the stack's state has them. */
  installed: readonly string[];
}

/** What becomes of a list of keys. */
export type KeyPlan =
  | { text: string; added: string[]; removed: string[] }
  | {
      /** Why nothing is written. */
      refused: string;
    };

const end = "# berth: end of people";
const begin = "# berth: people of stack ";

/**
 * Root's keys with those of the stack's people, and without those of people who are none any more. Only what Berth has written goes: by the
 * installation, or by an earlier sync, whose lines stand between two comments. Everything else stays as it is, byte by byte, the stack's own
 * key above all. Pure.
 * @param text of /root/.ssh/authorized_keys
 */
export function planKeys(text: string, { stack, loginKey, people, installed }: Wanted): KeyPlan {
  const own = readKey(loginKey)?.key;
  const lines = text.split("\n").filter((one) => one.trim() !== "");
  if (own === undefined || !lines.some((one) => readKey(one)?.key === own))
    return { refused: "the stack's own login key is not in it, so that nobody could put it right again" };
  const wanted = new Map(
    Object.values(people)
      .flat()
      .flatMap((one) => {
        const key = readKey(one)?.key;
        return key === undefined || key === own ? [] : [[key, one.trim()] as const];
      }),
  );
  const written = new Set([...installed.flatMap((one) => readKey(one)?.key ?? []), ...wanted.keys()]);
  const gone: string[] = [];
  const from = lines.findIndex((one) => one.startsWith(begin));
  const to = lines.indexOf(end, from);
  const stays = lines.filter((one, index) => {
    // Half a section is none: somebody has been there by hand.
    const inside = from >= 0 && from < index && index < to;
    const mark = one.startsWith(begin) || one === end;
    const read = readKey(one);
    if (mark) return false;
    if (!read || read.key === own) return true;
    // Somebody has narrowed it by hand: that is no line of Berth's any more.
    const ours = inside || (read.options === "" && written.has(read.key));
    if (ours) gone.push(read.key);
    return !ours;
  });
  const kept = new Set(stays.flatMap((one) => readKey(one)?.key ?? []));
  const section = [...wanted].filter(([key]) => !kept.has(key));
  const added = section.filter(([key]) => !gone.includes(key)).map(([, one]) => one);
  const removed = [...new Set(gone)].filter((key) => !wanted.has(key));
  const block =
    section.length === 0
      ? []
      : [`${begin}${stack}, written by berth people --sync`, ...section.map(([, one]) => one), end];
  return { text: `${[...stays, ...block].join("\n")}\n`, added, removed };
}
