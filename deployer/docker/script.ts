import { readFile } from "node:fs/promises";
import { Failure } from "../failure.ts";
import { lastLines } from "../process.ts";
import { type Document, renderDocument } from "../remote/scripts.ts";
import type { RemoteOptions, SshSession } from "../ssh/session.ts";

/** The scripts in `deployer/remote` that speak with Docker, and what each has beside its own text. */
const parts = {
  look: [],
  lock: ["held"],
  create: [],
  health: [],
  pull: [],
  switch: ["docker-proxy"],
  stop: [],
  keep: [],
  remove: ["docker-proxy"],
  "compose-look": ["docker-compose-lib"],
  "compose-stage": ["docker-compose-lib"],
  "compose-up": ["docker-compose-lib"],
  "compose-drop": ["docker-compose-lib"],
  "compose-down": ["docker-compose-lib"],
} as const satisfies Record<string, readonly string[]>;
export type DockerScript = keyof typeof parts;
export const dockerScripts = Object.keys(parts) as DockerScript[];

/** A host, and whether scripts run there as root or as whoever logs in. */
export interface DockerHost {
  session: SshSession;
  /** Root, or somebody who becomes root without a password. */
  root: boolean;
}

/** What a script answers: its lines of key=value, in order, by key. */
export type Answer = ReadonlyMap<string, readonly string[]>;

const textOf = (name: string) => readFile(new URL(`../remote/${name}.sh`, import.meta.url), "utf8");

/** The text of a script with its library. */
export const dockerScript = async (name: DockerScript): Promise<string> =>
  (await Promise.all(["docker-lib", ...parts[name], `docker-${name}`].map(textOf))).join("\n");

/** What a host runs when it boots, so that published ports lead where they led. */
export const restoreScript = async (): Promise<string> =>
  (await Promise.all(["docker-proxy", "docker-restore"].map(textOf))).join("\n");

/** Lines of key=value by key; any other line is left out. */
export function parseAnswer(text: string): Answer {
  const answer = new Map<string, string[]>();
  for (const line of text.split("\n")) {
    const [, key, value] = /^([a-z]+)=(.*)$/.exec(line) ?? [];
    if (key !== undefined && value !== undefined) answer.set(key, [...(answer.get(key) ?? []), value]);
  }
  return answer;
}

/** The first value of a key. */
export const first = (answer: Answer, key: string): string | undefined => answer.get(key)?.[0];

/** Run one of the scripts. Throws a Failure when it does not end well; what it refuses is in its answer. */
export async function onDocker(
  { session, root }: DockerHost,
  name: DockerScript,
  document: Document,
  options: Pick<RemoteOptions, "deadline" | "signal" | "confidential"> & { rest?: string },
): Promise<Answer> {
  const { rest, ...remote } = options;
  const ended = await session.sh(await dockerScript(name), {
    ...remote,
    ...(root ? {} : { asSelf: true }),
    input: renderDocument(document, rest),
  });
  if (ended.exitCode === 0) return parseAnswer(ended.stdout);
  throw new Failure({
    host: session.label,
    tried: `docker-${name} on the host`,
    cameBack:
      lastLines(ended.stderr, 4) ||
      (ended.exitCode === 255 ? "the connection broke" : `it ended with ${ended.exitCode}`),
    next: "look at the host and its connection, then run pulumi up again",
  });
}

/** How scripts run on a host: as root where whoever logs in is, or may become it. */
export async function dockerHostOf(session: SshSession, signal?: AbortSignal): Promise<DockerHost> {
  if (session.target.user === "root") return { session, root: true };
  const asked = await session.sh("exit 0", { deadline: 30_000, ...(signal && { signal }) });
  if (asked.exitCode === 0) return { session, root: true };
  if (asked.exitCode !== 255) return { session, root: false };
  throw new Failure({
    host: session.label,
    tried: `ssh as ${session.target.user}`,
    cameBack: lastLines(asked.stderr, 2) || "the connection broke",
    next: "look at the host's firewall, its host key and the login key",
  });
}
