import type { Clock } from "../../deployer/clock.ts";
import type { Guest, GuestAnswer, GuestDriver, GuestRequest, ImageFacts } from "./driver.ts";

/** How an image behaves. */
export interface MemoryImage {
  /** What it answers on any port. */
  answer: (request: GuestRequest, env: Record<string, string>) => GuestAnswer;
  /** Milliseconds until it listens. @default 300 */
  listensAfter?: number;
  /** Milliseconds until its process ends, and how. @default it goes on */
  ends?: (guest: Guest) => { after: number; exitCode: number } | undefined;
}

/** How the image of a reference behaves; undefined where there is none. */
export type LookUp = (image: string) => Promise<{ facts: ImageFacts; image: MemoryImage } | undefined>;

interface Running {
  guest: Guest;
  image: MemoryImage;
  since: number;
  /** Set when it was stopped. */
  stopped: boolean;
}

/** Milliseconds that an answer takes. */
const thinking = 20;

/** Machines without any process: each behaves as its image says. */
export class MemoryDriver implements GuestDriver {
  readonly #images = new Map<string, MemoryImage>();
  readonly #running = new Map<string, Running>();
  readonly #clock: Clock;
  readonly #lookUp: LookUp | undefined;

  /** @param lookUp asked for images that were not put here */
  constructor(clock: Clock, lookUp?: LookUp) {
    this.#clock = clock;
    this.#lookUp = lookUp;
  }

  /** Put an image where references with its digest find it. */
  add(digest: string, image: MemoryImage): void {
    this.#images.set(digest, image);
  }

  /** Take an image away; what runs it runs on. */
  forget(digest: string): void {
    this.#images.delete(digest);
  }

  async resolve(image: string): Promise<ImageFacts | undefined> {
    return (await this.#find(image))?.facts;
  }

  async #find(image: string): Promise<{ facts: ImageFacts; image: MemoryImage } | undefined> {
    const {
      registry = "",
      repository = "",
      digest = "",
    } = /^(?<registry>[^/]+)\/(?<repository>[^@:]+)(?::[^@]+)?@(?<digest>sha256:[0-9a-f]{64})$/.exec(image)
      ?.groups ?? {};
    const known = this.#images.get(digest);
    return known ? { facts: { registry, repository, digest }, image: known } : await this.#lookUp?.(image);
  }

  async start(id: string, guest: Guest): Promise<void> {
    const found = await this.#find(guest.image);
    if (!found) throw new Error(`there is no image ${guest.image}`);
    this.#running.set(id, { guest, image: found.image, since: this.#clock.now(), stopped: false });
  }

  async stop(id: string): Promise<void> {
    const running = this.#running.get(id);
    if (running) running.stopped = true;
  }

  async remove(id: string): Promise<void> {
    await this.stop(id);
    this.#running.delete(id);
  }

  async state(id: string): Promise<{ running: true } | { running: false; exitCode: number }> {
    const running = this.#running.get(id);
    if (!running || running.stopped) return { running: false, exitCode: 0 };
    const end = running.image.ends?.(running.guest);
    return end && this.#clock.now() - running.since >= end.after
      ? { running: false, exitCode: end.exitCode }
      : { running: true };
  }

  async connects(id: string): Promise<boolean> {
    const running = this.#running.get(id);
    if (!running || !(await this.state(id)).running) return false;
    return this.#clock.now() - running.since >= (running.image.listensAfter ?? 300);
  }

  async ask(id: string, request: GuestRequest): Promise<GuestAnswer> {
    const running = this.#running.get(id);
    if (!running || !(await this.connects(id))) throw new Error("connection refused");
    await this.#clock.sleep(thinking);
    if (this.#running.get(id) !== running || !(await this.state(id)).running)
      throw new Error("connection reset");
    return running.image.answer(request, running.guest.env);
  }
}
