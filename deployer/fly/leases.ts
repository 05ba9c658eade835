import { Failure } from "../failure.ts";
import type { FlyApi } from "./api.ts";
import { FlyFailure } from "./http.ts";

/** Seconds a lease holds without being refreshed: what a deployer that died holds others up for. */
export const leaseTtl = 13;
/** Milliseconds between two refreshes. */
const refreshEvery = 4000;
/** Milliseconds for which another deployer is waited for. */
const patience = 40_000;

/** The machines that this deployer holds. They are refreshed until they are given back. */
export class Leases {
  readonly #api: FlyApi;
  readonly #say: (line: string) => void;
  readonly #nonces = new Map<string, string>();
  readonly #lost = new Set<string>();
  readonly #ended = new AbortController();
  readonly #refreshing: Promise<void>;

  /** @param api one that goes on when an update is cancelled: what was changed has to be taken back under its leases */
  constructor(api: FlyApi, say: (line: string) => void) {
    this.#api = api;
    this.#say = say;
    this.#refreshing = this.#refresh();
  }

  /** Hold a machine; one that another deployer holds is waited for. */
  async take(id: string, signal?: AbortSignal): Promise<void> {
    const { clock, app } = this.#api;
    const until = clock.now() + patience;
    for (let attempt = 0; ; attempt++) {
      signal?.throwIfAborted();
      try {
        this.adopt(id, await this.#api.lease(id, leaseTtl));
        return;
      } catch (error) {
        if (!(error instanceof FlyFailure) || error.status !== 409) throw error;
        if (clock.now() > until)
          throw new Failure({
            host: app,
            tried: `hold the machine ${id}`,
            cameBack: `another deployer has held it for ${patience / 1000} s`,
            next: "run this again when that one has ended",
          });
        if (attempt === 0) this.#say(`${app}: another deployer holds the machine ${id}; waiting for it`);
        await clock.sleep(2000, signal);
      }
    }
  }

  /** Hold a machine that was made with a lease. */
  adopt(id: string, nonce: string): void {
    this.#nonces.set(id, nonce);
    this.#lost.delete(id);
  }

  /** What a change of a machine needs. Throws where somebody else holds it by now. */
  nonce(id: string): string {
    const nonce = this.#nonces.get(id);
    if (nonce === undefined || this.#lost.has(id)) throw this.#lostLease(id);
    return nonce;
  }

  /** Throws where any of the machines is somebody else's by now: two releases at once end in neither. */
  check(): void {
    for (const id of this.#lost) throw this.#lostLease(id);
  }

  /** Hold a machine, whether it was lost or never held. */
  async ensure(id: string): Promise<string> {
    if (!this.#nonces.has(id) || this.#lost.has(id)) await this.take(id);
    return this.nonce(id);
  }

  /** A machine that is no more needs no lease. */
  forget(id: string): void {
    this.#nonces.delete(id);
    this.#lost.delete(id);
  }

  /** Give everything back. What cannot be is said: it ends by itself. */
  async giveBack(): Promise<void> {
    this.#ended.abort();
    await this.#refreshing;
    for (const [id, nonce] of this.#nonces) {
      if (this.#lost.has(id)) continue;
      await this.#api.releaseLease(id, nonce).catch(() => {
        this.#say(`${this.#api.app}: the machine ${id} could not be given back; it is free in ${leaseTtl} s`);
      });
    }
    this.#nonces.clear();
  }

  async #refresh(): Promise<void> {
    const { signal } = this.#ended;
    while (!signal.aborted) {
      await this.#api.clock.sleep(refreshEvery, signal).catch(() => undefined);
      if (signal.aborted) return;
      await Promise.all([...this.#nonces].map(([id, nonce]) => this.#refreshOne(id, nonce)));
    }
  }

  /** A lease that ran out is taken again, if nobody was quicker: the version of the machine tells whether it was changed since. */
  async #refreshOne(id: string, nonce: string): Promise<void> {
    if (this.#lost.has(id)) return;
    try {
      await this.#api.lease(id, leaseTtl, nonce);
    } catch (error) {
      if (this.#nonces.get(id) !== nonce || !(error instanceof FlyFailure)) return;
      // Anything else is a passing fault, and the next refresh tries again.
      if (error.status !== 404 && error.status !== 409 && error.status !== 412) return;
      const again = await this.#api.lease(id, leaseTtl).catch(() => undefined);
      if (again === undefined) this.#lost.add(id);
      else this.#nonces.set(id, again);
      this.#say(
        `${this.#api.app}: the hold on the machine ${id} was lost${again === undefined ? ", and somebody else has it" : "; it was taken again"}`,
      );
    }
  }

  #lostLease(id: string): Failure {
    return new Failure({
      host: this.#api.app,
      tried: `go on with the machine ${id}`,
      cameBack: "the hold on it was lost, and somebody else has it",
      next: "see who else deploys this app, and run this again when that one has ended",
    });
  }
}
