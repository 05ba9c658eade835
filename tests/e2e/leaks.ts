import { readdirSync, readFileSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";
import { execa } from "execa";
import type { SshSession } from "../../deployer/ssh/session.ts";

/** Looks for secrets where none may be: in processes, files, outputs and states, as they are and in the usual disguises. */

/** What shows that a text holds a secret. */
interface Form {
  /** Whose secret and in which form; told in findings. Never the secret itself. */
  name: string;
  text: string;
}

export interface Finding {
  where: string;
  /** E.g. "db-url as base64". */
  what: string;
}

/** What was looked at: "files of the lab" and how many. */
export interface Searched {
  where: string;
  count: number;
}

/** Shorter texts could be anywhere by chance. */
const shortest = 12;

/** Base64 of a text wherever it begins within something longer: three alignments, without what it shares with its neighbours. */
function base64Forms(text: string): string[] {
  return [0, 1, 2].map((before) => {
    const bytes = Buffer.concat([Buffer.alloc(before), Buffer.from(text)]);
    return bytes
      .toString("base64")
      .replace(/=+$/, "")
      .slice(Math.ceil((before * 8) / 6), Math.floor((bytes.length * 8) / 6));
  });
}

/** Lines that are a secret by themselves: of a private key each but the armour and the first, which all keys have in common. */
function tellingLines(secret: string): string[] {
  const lines = secret.split("\n");
  const armoured = secret.startsWith("-----BEGIN");
  return lines.slice(armoured ? 2 : 0).filter((line) => line.length >= shortest && !line.startsWith("-----"));
}

const inJson = (text: string): string => JSON.stringify(text).slice(1, -1);

/** Every form in which a secret is looked for; throws where it is too short for that. */
export function formsOf(name: string, secret: string): Form[] {
  const lines = tellingLines(secret);
  if (lines.length === 0) throw new Error(`${name} is too short to be looked for`);
  const forms = lines.flatMap((text): Form[] => {
    const hex = Buffer.from(text).toString("hex");
    const base64 = base64Forms(text);
    return [
      { name: `${name} as it is`, text },
      ...base64.map((form) => ({ name: `${name} as base64`, text: form })),
      ...base64.map((form) => ({
        name: `${name} as base64url`,
        text: form.replaceAll("+", "-").replaceAll("/", "_"),
      })),
      { name: `${name} as hex`, text: hex },
      { name: `${name} as hex`, text: hex.toUpperCase() },
      { name: `${name} in a URL`, text: encodeURIComponent(text) },
      { name: `${name} in JSON`, text: inJson(text) },
      { name: `${name} in JSON within JSON`, text: inJson(inJson(text)) },
    ];
  });
  const seen = new Set<string>();
  return forms.filter(({ text }) => !seen.has(text) && seen.add(text));
}

/** A search for the same secrets in many places, which keeps what it found and what it looked at. */
export class LeakSearch {
  readonly findings: Finding[] = [];
  readonly searched: Searched[] = [];
  readonly #forms: Form[];

  /** @param secrets by the names that findings tell */
  constructor(secrets: Record<string, string>) {
    this.#forms = Object.entries(secrets).flatMap(([name, secret]) => formsOf(name, secret));
  }

  /** Names of the forms that a text holds. */
  in(text: string): string[] {
    return [...new Set(this.#forms.filter((form) => text.includes(form.text)).map(({ name }) => name))];
  }

  text(where: string, text: string): void {
    this.searched.push({ where: `${where}, characters`, count: text.length });
    this.#found(where, text);
  }

  /**
   * All files below some paths of this machine.
   * @param where what they are, as it is told
   * @param expected files that have it by right
   */
  async files(
    where: string,
    roots: readonly string[],
    expected: (file: string) => boolean = () => false,
  ): Promise<void> {
    const all = await execa("find", [...roots, "-type", "f", "-printf", "."], { reject: false });
    this.searched.push({ where: `${where}, files`, count: all.stdout.length });
    if (roots.length === 0) return;
    const { stdout } = await execa("grep", [...grep, "--", ...roots], {
      input: this.#patterns,
      reject: false,
    });
    for (const file of stdout.split("\n").filter((one) => one !== "" && !expected(one))) {
      // What is gone again by now was there all the same.
      const text = await readFile(file, "utf8").catch(() => "");
      if (!this.#found(file, text)) this.findings.push({ where: file, what: "something of the secrets" });
    }
  }

  /**
   * Every file of a host and its journal. Where services get their credentials, in memory, is left out.
   * @param expected files that have it by right
   */
  async host(session: SshSession, expected: readonly string[] = []): Promise<void> {
    const script = `
      roots=''
      for path in /* /run/*; do
        case $path in /proc | /sys | /dev | /run | /run/credentials) continue ;; esac
        roots="$roots $path"
      done
      find $roots -xdev -type f -printf . 2>/dev/null | wc -c
      grep ${grep.join(" ")} -- $roots || true`;
    const ended = await session.sh(script, { deadline: 300_000, input: this.#patterns });
    const [count = "", ...files] = ended.stdout.trim().split("\n");
    this.searched.push({ where: `files of ${session.label}, files`, count: Number(count) });
    for (const file of files.filter((one) => !expected.includes(one)))
      this.findings.push({ where: `${session.label}: ${file}`, what: "something of the secrets" });
    const journal = await session.sh("journalctl --no-pager --output=export", { deadline: 120_000 });
    this.text(`journal of ${session.label}`, journal.stdout);
  }

  /**
   * Look at the command line and the environment of every process of this machine, those of the lab's servers among them, until stopped.
   * A process that lives shorter than the pause between two looks may be missed.
   * @param expected command lines whose environment has it by right
   */
  watchProcesses(expected: (commandLine: string) => boolean): () => Promise<void> {
    const sightings = new Map<string, number>();
    const counts = { processes: 0, looks: 0, expected: 0 };
    const look = (): void => {
      const pids = new Set(readdirSync("/proc").filter((name) => /^\d+$/.test(name)));
      for (const pid of sightings.keys()) if (!pids.has(pid)) sightings.delete(pid);
      // One that is new may yet become another program; the old ones are looked at now and then.
      const all = counts.looks++ % 50 === 0;
      for (const pid of pids) {
        const seen = sightings.get(pid) ?? 0;
        if (seen >= 4 && !all) continue;
        if (!this.#lookAt(pid, expected, counts)) continue;
        if (seen === 0) counts.processes++;
        sightings.set(pid, seen + 1);
      }
    };
    let stopped = false;
    const watching = (async () => {
      while (!stopped) {
        look();
        await sleep(20);
      }
    })();
    return async () => {
      stopped = true;
      await watching;
      this.searched.push({ where: "processes, command lines and environments", count: counts.processes });
      this.searched.push({ where: "processes, looks at all of them", count: counts.looks });
      this.searched.push({
        where: "the program's own environment, by Pulumi's design",
        count: counts.expected,
      });
    };
  }

  /** Returns whether it could be looked at: a thread of the kernel's has nothing to look at, a process that becomes another program not yet. */
  #lookAt(pid: string, expected: (commandLine: string) => boolean, counts: { expected: number }): boolean {
    const read = (what: string): string => {
      try {
        return readFileSync(`/proc/${pid}/${what}`, "utf8").replaceAll("\0", " ");
      } catch {
        // It is gone, or nobody's to look at.
        return "";
      }
    };
    const commandLine = read("cmdline");
    if (commandLine === "") return false;
    const where = `process ${commandLine.slice(0, 80)}`;
    this.#found(where, commandLine);
    const environment = read("environ");
    if (read("cmdline") !== commandLine) return false;
    if (!expected(commandLine)) this.#found(`environment of ${where}`, environment);
    else if (this.in(environment).length > 0) counts.expected++;
    return true;
  }

  #found(where: string, text: string): boolean {
    const found = this.in(text);
    for (const what of found) {
      const known = this.findings.some((one) => one.where === where && one.what === what);
      if (!known) this.findings.push({ where, what });
    }
    return found.length > 0;
  }

  /** One a line, for grep's stdin: an argument or a file would be the next finding. */
  get #patterns(): string {
    return this.#forms.map(({ text }) => `${text}\n`).join("");
  }

  /** What was searched, for people. */
  report(): string[] {
    return [
      `looked for ${this.#forms.length} forms of secrets`,
      ...this.searched.map(({ where, count }) => `${count} ${where}`),
      `found ${this.findings.length}`,
      ...this.findings.map(({ where, what }) => `  ${what}: ${where}`),
    ];
  }
}

const grep = [
  "--recursive",
  "--files-with-matches",
  "--text",
  "--fixed-strings",
  "--no-messages",
  "--devices=skip",
  "--file=-",
];
