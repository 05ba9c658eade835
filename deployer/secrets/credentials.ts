import { createHash, randomBytes } from "node:crypto";
import { Failure } from "../failure.ts";
import { remote, type ScriptName } from "../remote/scripts.ts";
import type { SshSession } from "../ssh/session.ts";

/** Credentials of a host with their content: service, name, text. */
export type Credentials = Readonly<Record<string, Readonly<Record<string, string>>>>;
/** Names alone, by service. */
export type CredentialNames = Readonly<Record<string, readonly string[]>>;

interface Options {
  signal?: AbortSignal | undefined;
}

/** A delivery takes about 0.2 s a credential; milliseconds. */
const deadline = 120_000;
/** Services that restart may take as long as their units allow, by default 90 s to stop and 90 s to start. */
const renewDeadline = 240_000;

/** The names of credentials, in their order. */
export const namesOf = (credentials: Credentials): Record<string, string[]> =>
  Object.fromEntries(Object.entries(credentials).map(([service, of]) => [service, Object.keys(of)]));

const lines = (names: CredentialNames): string[] =>
  Object.entries(names).flatMap(([service, of]) => of.map((name) => `${service} ${name}`));

/**
 * Put credentials in place on a host, each encrypted to it by systemd-creds; values travel on stdin. Restarts nothing and removes nothing.
 * @returns what was written as "site.DATABASE_URL"; what was there with the same content is not
 */
export async function deliverCredentials(
  session: SshSession,
  credentials: Credentials,
  options: Options = {},
): Promise<string[]> {
  const values = Object.values(credentials).flatMap(Object.values);
  const rest = values.map((value) => `${Buffer.from(value).toString("base64")}\n`).join("");
  const document = { credential: lines(namesOf(credentials)) };
  const answer = await remote(session, "credentials-deliver", document, { deadline, rest, ...options });
  if (answer.ok) return answer.written;
  throw refused(session, "deliver its credentials", answer.because, {
    stands: "Nothing was restarted or removed; what was delivered before is still there",
  });
}

/** Those of the expected credentials that are in place with that very content, told without any content leaving the host. */
export async function readCredentials(
  session: SshSession,
  expected: Credentials,
  options: Options = {},
): Promise<Record<string, string[]>> {
  const salt = randomBytes(16).toString("hex");
  const seen = await remote(session, "credentials-read", { salt }, { deadline: 30_000, ...options });
  const inPlace = new Set(
    seen.credentials.map(({ service, name, digest }) => `${service} ${name} ${digest}`),
  );
  return Object.fromEntries(
    Object.entries(expected).map(([service, of]) => [
      service,
      Object.entries(of)
        .filter(([name, value]) => inPlace.has(`${service} ${name} ${saltedDigest(salt, value)}`))
        .map(([name]) => name),
    ]),
  );
}

export const saltedDigest = (salt: string, value: string): string =>
  createHash("sha256").update(salt).update(value).digest("hex");

/**
 * Restart the services that run with other credentials than the stored ones; units that a switch has just restarted run with them already.
 * Throws when one of them does not come back.
 * @returns units
 */
export async function renewServices(
  session: SshSession,
  names: CredentialNames,
  options: Options = {},
): Promise<string[]> {
  const answer = await ask(session, "credentials-renew", names, { ...options, deadline: renewDeadline });
  if (answer.ok) return answer.restarted;
  throw refused(session, "restart what uses changed secrets", answer.because, {
    stands: "The credentials stay as they were delivered",
  });
}

/**
 * Remove every credential but these from a host. Only after a release is kept: the system that it may return to needs its own.
 * @returns what was removed as "site.DATABASE_URL"
 */
export async function pruneCredentials(
  session: SshSession,
  keep: CredentialNames,
  options: Options = {},
): Promise<string[]> {
  const answer = await ask(session, "credentials-prune", keep, { ...options, deadline: 30_000 });
  if (answer.ok) return answer.removed;
  throw refused(session, "remove credentials", answer.because, { stands: "All else is done" });
}

const ask = <Name extends Extract<ScriptName, "credentials-renew" | "credentials-prune">>(
  session: SshSession,
  name: Name,
  names: CredentialNames,
  options: Options & { deadline: number },
) =>
  // Not the connection from before a switch, which may have been cut without a word.
  remote(session, name, { credential: lines(names) }, { ...options, fresh: true });

const refused = (session: SshSession, tried: string, cameBack: string, { stands }: { stands: string }) =>
  new Failure({
    host: session.label,
    tried,
    cameBack,
    stands,
    next: "mend that, then run pulumi up again",
  });
