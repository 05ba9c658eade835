import { stripVTControlCharacters } from "node:util";
import { z } from "zod";
import { jsonOrUndefined } from "../json.ts";

/** Of Nix's `--log-format internal-json` (its logging.hh), what is read here: kinds of activities and of results. */
const activity = { fileTransfer: 101, builds: 104, build: 105, substitute: 108 };
const result = { buildLogLine: 101, progress: 105 };
/** Messages up to this level are errors. */
const errorLevel = 0;
const logLines = 30;

const field = z.union([z.string(), z.number()]);
const event = z.discriminatedUnion("action", [
  z.object({
    action: z.literal("start"),
    id: z.number(),
    type: z.number(),
    fields: z.array(field).default([]),
  }),
  z.object({ action: z.literal("stop"), id: z.number() }),
  z.object({ action: z.literal("result"), id: z.number(), type: z.number(), fields: z.array(field) }),
  z.object({ action: z.literal("msg"), level: z.number(), msg: z.string() }),
]);

interface Activity {
  type: number;
  /** What is built or fetched: a store path; "" where there is none. */
  path: string;
}

/** What Nix tells while it builds, read line by line: where it stands, and what a person needs when it fails. */
export class NixProgress {
  readonly #running = new Map<number, Activity>();
  readonly #fetched = new Map<number, number>();
  readonly #logs = new Map<string, string[]>();
  readonly #errors: string[] = [];
  readonly #onText: (line: string) => void;
  readonly #onBuilt: (begun: ReadonlySet<string>) => void;
  readonly #begun = new Set<string>();
  #done = 0;
  #failed = 0;
  #total = 0;

  /**
   * @param onText each line for a person: a builder's, with its name, or a message of Nix's
   * @param onBuilt each time that a build has ended well: all derivations whose build was begun. Which of them it was Nix does not say
   *   in time: it ends the activities of what it was asked for all together
   */
  constructor(
    onText: (line: string) => void = () => {},
    onBuilt: (begun: ReadonlySet<string>) => void = () => {},
  ) {
    this.#onText = onText;
    this.#onBuilt = onBuilt;
  }

  /** One line of Nix's stderr. What is no JSON of Nix's is text for a person. */
  take(line: string): void {
    const told = line.startsWith("@nix ") ? event.safeParse(jsonOrUndefined(line.slice(5))) : undefined;
    if (told === undefined) this.#error(line);
    else if (told.success) this.#take(told.data);
  }

  #take(told: z.infer<typeof event>): void {
    if (told.action === "msg") {
      const text = stripVTControlCharacters(told.msg).trimEnd();
      if (told.level <= errorLevel) this.#error(text);
      else this.#onText(text);
    } else if (told.action === "start") {
      const path = String(told.fields[0] ?? "");
      this.#running.set(told.id, { type: told.type, path });
      if (told.type === activity.build) this.#begun.add(path);
    } else if (told.action === "stop") {
      this.#running.delete(told.id);
    } else {
      const of = this.#running.get(told.id);
      if (of) this.#result(told, of);
    }
  }

  #result(
    { id, type, fields }: { id: number; type: number; fields: (string | number)[] },
    of: Activity,
  ): void {
    if (type === result.buildLogLine && of.type === activity.build) {
      const line = stripVTControlCharacters(String(fields[0] ?? "")).trimEnd();
      const log = this.#logs.get(of.path) ?? [];
      log.push(line);
      if (log.length > logLines) log.shift();
      this.#logs.set(of.path, log);
      this.#onText(`${nameOf(of.path)}> ${line}`);
      return;
    }
    if (type !== result.progress) return;
    const [done = 0, expected = 0, , failed = 0] = fields.map(Number);
    if (of.type === activity.fileTransfer) this.#fetched.set(id, done);
    if (of.type !== activity.builds) return;
    const more = done > this.#done;
    this.#done = done;
    this.#failed = failed;
    // Nix takes off what turns out to be there already, what it no longer tries, and what has failed: that was tried, though.
    this.#total = Math.max(expected, done) + failed;
    if (more) this.#onBuilt(this.#begun);
  }

  #error(text: string): void {
    this.#errors.push(...text.split("\n"));
    if (this.#errors.length > 200) this.#errors.splice(0, this.#errors.length - 200);
    for (const line of text.split("\n")) this.#onText(line);
  }

  /** Where it stands, in one short line, e.g. "building site-1.2 (3 of 7), 12.4 MB fetched"; "" when nothing is under way. */
  get summary(): string {
    const building = this.#pathsOf(activity.build);
    const fetching = this.#pathsOf(activity.substitute);
    const bytes = [...this.#fetched.values()].reduce((sum, one) => sum + one, 0);
    const fetched = bytes > 0 ? [`${(bytes / 1e6).toFixed(1)} MB fetched`] : [];
    const [first] = building;
    if (first !== undefined) {
      const others = building.length > 1 ? ` and ${building.length - 1} more` : "";
      const turn = Math.min(this.#done + this.#failed + 1, Math.max(this.#total, 1));
      return [`building ${nameOf(first)}${others} (${turn} of ${Math.max(this.#total, 1)})`, ...fetched].join(
        ", ",
      );
    }
    if (fetching[0] !== undefined) return [`fetching ${nameOf(fetching[0])}`, ...fetched].join(", ");
    return fetched.join("");
  }

  #pathsOf(type: number): string[] {
    return [...this.#running.values()].filter((one) => one.type === type).map(({ path }) => path);
  }

  /**
   * What went wrong with the derivations that `concerns` names: the end of each one's log, and what Nix says of it. All of Nix's errors
   * where it names none of them.
   */
  trouble(concerns: (drvPath: string) => boolean = () => true): string {
    const errors = this.#errors.filter((line) => namedIn(line).some(concerns));
    const logs = this.broken(concerns).flatMap((drv) =>
      (this.#logs.get(drv) ?? []).map((line) => `${nameOf(drv)}> ${line}`),
    );
    const lines = errors.length > 0 ? [...logs, ...errors] : this.#errors;
    return lines
      .filter((line) => line.trim() !== "")
      .slice(-logLines)
      .join("\n");
  }

  /** The derivations that errors name and that have written something: theirs are the logs to read. */
  broken(concerns: (drvPath: string) => boolean = () => true): string[] {
    const named = new Set(this.#errors.flatMap(namedIn));
    return [...named].filter((drv) => concerns(drv) && this.#logs.has(drv));
  }
}

/** The derivations that a line names. */
const namedIn = (line: string): string[] => line.match(/\/nix\/store\/[0-9a-z]{32}-[^\s'"]+\.drv/g) ?? [];

/** "site-1.2" of a store path of that name or its derivation. */
export const nameOf = (path: string): string =>
  path.replace(/^\/nix\/store\/[0-9a-z]{32}-/, "").replace(/\.drv$/, "");

/** Passes on the newest of lines that come too fast, one in `interval` milliseconds at most, and none twice in a row. */
export function throttled(
  tell: (line: string) => void,
  { interval = 1_000, now = Date.now }: { interval?: number; now?: () => number } = {},
): (line: string) => void {
  let last = "";
  let told = Number.NEGATIVE_INFINITY;
  return (line) => {
    if (line === "" || line === last || now() - told < interval) return;
    last = line;
    told = now();
    tell(line);
  };
}
