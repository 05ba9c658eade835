import { z } from "zod";
import type { SshTarget } from "../../deployer/ssh/config.ts";
import { SessionPool } from "../../deployer/ssh/pool.ts";
import type { SshSession } from "../../deployer/ssh/session.ts";
import { atEnd } from "./at-end.ts";

const jumpHost = z.strictObject({
  address: z.string(),
  port: z.int(),
  user: z.string(),
  hostKey: z.string(),
});

/** The inputs by which a resource's host is reached, and by which it is known. */
export const wayToHost = z.strictObject({
  stack: z.string(),
  host: z.string(),
  address: z.string(),
  port: z.int(),
  /** Who logs in; root when absent. */
  user: z.string().optional(),
  hostKey: z.string(),
  loginKey: z.string().optional(),
  jump: jumpHost.optional(),
});

const sessions = new SessionPool();

/** End every host's connection. */
export const closeSessions = (): Promise<void> => sessions.close();
atEnd(closeSessions);

type WayToHost = z.infer<typeof wayToHost>;

/** Where a host is that is installed, whomever it must be. */
export const targetOf = (wanted: Omit<WayToHost, "hostKey">): Omit<SshTarget, "hostKeys"> => ({
  stack: wanted.stack,
  host: wanted.host,
  address: wanted.address,
  port: wanted.port,
  user: wanted.user ?? "root",
  ...(wanted.loginKey === undefined ? {} : { loginKey: wanted.loginKey }),
  ...(wanted.jump === undefined ? {} : { jump: wanted.jump }),
});

/** A machine's one connection, shared by all resources of an update. */
export const openSession = (target: SshTarget): Promise<SshSession> => sessions.of(target);

/** The host's one connection. */
export const sessionOf = (wanted: WayToHost): Promise<SshSession> =>
  openSession({ ...targetOf(wanted), hostKeys: [wanted.hostKey] });
