import { messageOf } from "../../../deployer/failure.ts";
import { byName } from "../../../deployer/runs/summary.ts";
import type { KnownDeployment } from "../../deployments.ts";
import { type Release, releasesIn } from "../../releases.ts";
import type { StackView } from "../../stack.ts";
import { type HostStatus, judge } from "../judge.ts";
import type { HostLook } from "../look.ts";

/** What the stack's state tells. */
export interface StackState {
  /** Undefined before its first update has ended. */
  view: StackView | undefined;
  known: Readonly<Record<string, KnownDeployment>>;
}

/** A host, as it was seen last. */
export interface SeenHost {
  host: string;
  address: string;
  looking: boolean;
  /** Undefined where nobody has looked yet; `at` in ISO 8601. */
  seen: { at: string; status: HostStatus; releases: Release[] } | undefined;
}

export interface HostWatchOptions {
  state: StackState;
  /** Ask for the stack's state anew. May throw. */
  read: () => Promise<StackState>;
  look: (view: StackView, host: string, known: KnownDeployment | undefined) => Promise<HostLook>;
  /** Milliseconds between the end of a look at a host and the next one. */
  every: number;
  /** When an update's record grew last, in milliseconds since the epoch. */
  grewAt: () => number | undefined;
  onChange: () => void;
}

/** Milliseconds after which the state is read anew though no update is known. */
const stateAge = 60_000;
/** Milliseconds that the engine may take to save what a record tells already. */
const savedAfter = 30_000;
const tick = 1_000;

/** Whether the stack's state may be another by now. Milliseconds since the epoch. Pure. */
export const isStale = (readAt: number, grewAt: number | undefined, now: number): boolean =>
  now - readAt >= stateAge || (grewAt !== undefined && readAt < grewAt + savedAfter);

/** Looks at the hosts, each by itself and one look at a time, for as long as somebody wants to see them. */
export class HostWatch {
  /** Why the state could not be read the last time. */
  trouble: string | undefined;
  readonly #options: HostWatchOptions;
  #state: StackState;
  #readAt = Date.now();
  #reading: Promise<void> | undefined;
  readonly #looks = new Map<string, Promise<void>>();
  readonly #seen = new Map<string, NonNullable<SeenHost["seen"]>>();
  /** When a host is due for a look, in milliseconds since the epoch; at once where it is absent. */
  readonly #due = new Map<string, number>();
  #holders = 0;
  #until = 0;
  #timer: NodeJS.Timeout | undefined;
  #stopped = false;

  constructor(options: HostWatchOptions) {
    this.#options = options;
    this.#state = options.state;
  }

  /** By name. */
  get hosts(): SeenHost[] {
    const { view } = this.#state;
    return this.#names().map((host) => ({
      host,
      address: view?.hosts[host]?.address ?? "",
      looking: this.#looks.has(host),
      seen: this.#seen.get(host),
    }));
  }

  /** Look until the returned function is called. */
  hold(): () => void {
    this.#holders++;
    this.#begin();
    let held = true;
    return () => {
      if (held) this.#holders--;
      held = false;
    };
  }

  /** Look for so many milliseconds. */
  want(milliseconds: number): void {
    this.#until = Math.max(this.#until, Date.now() + milliseconds);
    this.#begin();
  }

  /** Look at a host as soon as may be: something has happened there. */
  nudge(host: string): void {
    this.#due.delete(host);
  }

  /** Begin no look any more. Resolves when none is under way. */
  async stop(): Promise<void> {
    this.#stopped = true;
    clearInterval(this.#timer);
    await Promise.all([...this.#looks.values(), this.#reading]);
  }

  #names(): string[] {
    return Object.keys(this.#state.view?.hosts ?? {}).toSorted(byName);
  }

  #begin(): void {
    if (this.#timer !== undefined || this.#stopped) return;
    this.#timer = setInterval(() => this.#tick(), tick);
    this.#tick();
  }

  #tick(): void {
    const now = Date.now();
    if (this.#holders === 0 && now >= this.#until) {
      clearInterval(this.#timer);
      this.#timer = undefined;
      return;
    }
    if (isStale(this.#readAt, this.#options.grewAt(), now) && now - this.#readAt >= this.#options.every)
      this.#read();
    for (const host of this.#names())
      if (!this.#looks.has(host) && now >= (this.#due.get(host) ?? 0)) this.#look(host);
  }

  #read(): void {
    this.#reading ??= this.#readOnce().finally(() => {
      this.#reading = undefined;
    });
  }

  async #readOnce(): Promise<void> {
    const before = JSON.stringify(this.#state);
    const troubleBefore = this.trouble;
    const { view: old, known: oldKnown } = this.#state;
    try {
      this.#state = await this.#options.read();
      this.trouble = undefined;
    } catch (error) {
      this.trouble = messageOf(error);
    }
    this.#readAt = Date.now();
    const { view, known } = this.#state;
    const names = new Set(this.#names());
    for (const host of this.#seen.keys()) if (!names.has(host)) this.#seen.delete(host);
    // What a host is held against is another now.
    for (const host of names)
      if (
        JSON.stringify([known[host], view?.hosts[host]]) !==
        JSON.stringify([oldKnown[host], old?.hosts[host]])
      )
        this.#due.delete(host);
    if (JSON.stringify(this.#state) !== before || this.trouble !== troubleBefore) this.#options.onChange();
  }

  #look(host: string): void {
    const { view, known } = this.#state;
    if (!view) return;
    // A nudge from now on asks for another one.
    this.#due.set(host, Number.POSITIVE_INFINITY);
    const look = this.#options
      .look(view, host, known[host])
      .catch(
        (error: unknown): HostLook => ({
          host,
          address: view.hosts[host]?.address ?? "",
          known: known[host],
          told: { error: messageOf(error) },
          checks: [],
          certificates: [],
        }),
      )
      .then((found) => {
        this.#looks.delete(host);
        if (this.#due.get(host) === Number.POSITIVE_INFINITY)
          this.#due.set(host, Date.now() + this.#options.every);
        if (this.#names().includes(host)) this.#seen.set(host, seenIn(found, view.name, new Date()));
        this.#options.onChange();
      });
    this.#looks.set(host, look);
    this.#options.onChange();
  }
}

/** What people see of a look. Pure. */
export function seenIn(look: HostLook, stack: string, now: Date): NonNullable<SeenHost["seen"]> {
  const releases = "error" in look.told ? [] : releasesIn({ ...look.told.seen, ...look.told });
  return { at: now.toISOString(), status: judge(look, stack, now), releases };
}
