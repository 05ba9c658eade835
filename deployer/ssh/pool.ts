import type { SshTarget } from "./config.ts";
import { SshSession } from "./session.ts";

/** One session a host, for as long as a process lives: its connection is opened once and shared by all that is said to the host. */
export class SessionPool {
  readonly #sessions = new Map<string, Promise<SshSession>>();

  /** The host's session. A target that differs in anything, its keys included, is another session. */
  of(target: SshTarget): Promise<SshSession> {
    const key = JSON.stringify([
      target.stack,
      target.host,
      target.address,
      target.port,
      target.user,
      target.hostKeys,
      target.loginKey,
      target.jump,
    ]);
    let session = this.#sessions.get(key);
    if (!session) {
      session = SshSession.create(target);
      this.#sessions.set(key, session);
    }
    return session;
  }

  /** End every connection and remove the keys. */
  async close(): Promise<void> {
    const sessions = await Promise.allSettled(this.#sessions.values());
    this.#sessions.clear();
    await Promise.all(
      sessions.map((opened) => (opened.status === "fulfilled" ? opened.value.close() : undefined)),
    );
  }
}
