import { type FSWatcher, watch } from "node:fs";
import { lstat, readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { readRecord } from "../../../deployer/runs/record.ts";
import { isKept } from "./running.ts";
import type { SeenRun } from "./runs.ts";

/** Records that are shown. */
const most = 10;
/** Milliseconds between two looks where no change was told; a network's file system tells none. */
const pause = 1_000;
/** Milliseconds in which lines that come together count as one change. */
const together = 50;

/** A record's or a report's name: when its update began, and what tells it from others of that second. */
const recordName = /^(\d{4}-\d\d-\d\dT\d{6}Z-[\w-]{1,40})\.(jsonl|html)$/;

interface KnownRun {
  /** Differs when the record has grown. */
  size: string;
  run: SeenRun;
}

/** Follows the newest records of a stack's updates as they grow. */
export class RunWatch {
  /** Newest first. */
  runs: readonly SeenRun[] = [];
  /** When one of them grew last; milliseconds since the epoch. */
  grewAt: number | undefined;
  readonly #folder: string;
  readonly #onChange: (ended: readonly string[]) => void;
  /** By name. */
  #known = new Map<string, KnownRun>();
  #timer: NodeJS.Timeout | undefined;
  #watcher: FSWatcher | undefined;
  #soon: NodeJS.Timeout | undefined;
  #looking: Promise<void> | undefined;

  /**
   * @param folder where the stack's records are; it may come later
   * @param onChange told the hosts whose work has ended since
   */
  constructor(folder: string, onChange: (ended: readonly string[]) => void) {
    this.#folder = folder;
    this.#onChange = onChange;
  }

  /** Look now, and from now on. */
  async start(): Promise<void> {
    this.#timer ??= setInterval(() => void this.look(), pause);
    await this.look();
  }

  stop(): void {
    clearInterval(this.#timer);
    clearTimeout(this.#soon);
    this.#watcher?.close();
    this.#timer = this.#soon = this.#watcher = undefined;
  }

  /** One look at a time; who asks meanwhile gets what that finds. */
  look(): Promise<void> {
    this.#looking ??= this.#lookOnce().finally(() => {
      this.#looking = undefined;
    });
    return this.#looking;
  }

  async #lookOnce(): Promise<void> {
    const files = (await readdir(this.#folder).catch(() => [])).filter((file) => recordName.test(file));
    this.#listen();
    const names = files
      .filter((file) => file.endsWith(".jsonl"))
      .map((file) => file.slice(0, -".jsonl".length))
      .toSorted()
      .reverse()
      .slice(0, most);
    const found = new Map<string, KnownRun>();
    const ended: string[] = [];
    for (const [index, name] of names.entries()) {
      const before = this.#known.get(name);
      const file = join(this.#folder, `${name}.jsonl`);
      const size = await stat(file).then(
        ({ size, mtimeMs }) => `${size} ${mtimeMs}`,
        () => undefined,
      );
      if (size === undefined) continue;
      const events = before?.size === size ? before.run.events : await readRecord(file);
      if (before && before.size !== size) {
        this.grewAt = Date.now();
        for (const event of events.slice(before.run.events.length))
          if (event.event === "end") ended.push(event.host);
      }
      const first = events[0]?.at;
      // The engine lets no two updates of a stack go on at once.
      const running = index === 0 && first !== undefined && (await isKept(name, first));
      found.set(name, { size, run: { name, events, running, report: files.includes(`${name}.html`) } });
    }
    this.#known = found;
    const runs = [...found.values()].map(({ run }) => run);
    const changed =
      runs.length !== this.runs.length ||
      runs.some((run, index) => {
        const before = this.runs[index];
        return (
          run.name !== before?.name ||
          run.events !== before.events ||
          run.running !== before.running ||
          run.report !== before.report
        );
      });
    this.runs = runs;
    if (changed) this.#onChange(ended);
  }

  /** Hear of changes as they come, where the system tells them. */
  #listen(): void {
    if (this.#watcher || this.#timer === undefined) return;
    try {
      const watcher = watch(this.#folder, { persistent: false }, () => {
        this.#soon ??= setTimeout(() => {
          this.#soon = undefined;
          void this.look();
        }, together);
      });
      const forget = () => {
        watcher.close();
        if (this.#watcher === watcher) this.#watcher = undefined;
      };
      watcher.on("error", forget);
      this.#watcher = watcher;
    } catch {
      // The folder is not there yet.
    }
  }
}

/** The file of a report by its record's name; undefined where there is none, or what is there leads out of the folder. */
export async function reportFile(folder: string, name: string): Promise<string | undefined> {
  if (!recordName.test(`${name}.html`)) return undefined;
  const file = join(folder, `${name}.html`);
  const found = await lstat(file).catch(() => undefined);
  return found?.isFile() ? file : undefined;
}
