import { InstallLock } from "../install/lock.ts";
import { type DockerHost, dockerScript, parseAnswer } from "./script.ts";

/** Hold a service on a host for this deployer. Throws a Failure that names who holds it already. */
export const holdService = (
  { session, root }: DockerHost,
  { stack, service }: { stack: string; service: string },
  owner: string,
  say: (line: string) => void,
): Promise<InstallLock> =>
  InstallLock.take(session, stack, say, {
    script: () => dockerScript("lock"),
    document: { service },
    doing: `hold the service ${service} for this release`,
    other: "another deployer is at work on it",
    asSelf: !root,
    answer(line) {
      const held = parseAnswer(line).get("held")?.[0];
      if (held === undefined) return undefined;
      const [, silent, who = ""] = /^(\d+) (.*)$/.exec(held) ?? [];
      return silent === undefined ? { ok: true } : { ok: false, silent: Number(silent), owner: who || owner };
    },
  });
