import { z } from "zod";
import { SessionPool } from "../../deployer/ssh/pool.ts";
import type { SshSession } from "../../deployer/ssh/session.ts";

/** The machine on the way to a host. */
export const jumpHost = z.strictObject({
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
  hostKey: z.string(),
  loginKey: z.string().optional(),
  jump: jumpHost.optional(),
});

const sessions = new SessionPool();

/** End every host's connection. */
export const closeSessions = (): Promise<void> => sessions.close();

/** The host's one connection, shared by all resources of an update. */
export const sessionOf = (wanted: z.infer<typeof wayToHost>): Promise<SshSession> =>
  sessions.of({
    stack: wanted.stack,
    host: wanted.host,
    address: wanted.address,
    port: wanted.port,
    user: "root",
    hostKeys: [wanted.hostKey],
    ...(wanted.loginKey === undefined ? {} : { loginKey: wanted.loginKey }),
    ...(wanted.jump === undefined ? {} : { jump: wanted.jump }),
  });
