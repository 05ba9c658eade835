import { spawn } from "node:child_process";
import { readFile } from "node:fs/promises";
import { type Command, InvalidArgumentError, Option } from "commander";
import { Failure } from "../../deployer/failure.ts";
import { NotStarted } from "../../deployer/process.ts";
import type { SshTarget } from "../../deployer/ssh/config.ts";
import { quote } from "../../deployer/ssh/quote.ts";
import { SshSession } from "../../deployer/ssh/session.ts";
import { count } from "../count.ts";
import { pulumi, type StackView, targetOf } from "../stack.ts";
import type { Verbs } from "../verbs.ts";
import { appsAtFlyIn, containersIn } from "./place.ts";
import { sinceOf } from "./since.ts";

export interface LogsOptions {
  /** Go on with what is written, until Ctrl-C. */
  follow?: boolean;
  /** The last so many lines. @default 100; all of them where `since` is said */
  lines?: number;
  /** Seconds since 1970. */
  since?: number;
  /** A unit of the system, in place of an app. */
  unit?: string;
}

export function addLogs(program: Command, { stack, end }: Verbs): void {
  program
    .command("logs <host> [app]")
    .description(
      "what an app has written: its instances, or its containers; the host's whole journal when no app is named. A container may be named in place of a host",
    )
    .option("-f, --follow", "go on with what is written, until Ctrl-C")
    .option("-n, --lines <lines>", "the last so many lines; 100, or all of them with --since", count)
    .option("--since <time>", 'from then on: 30min, 2h, 3d, today, yesterday, "2026-11-22 10:00"', since)
    .addOption(new Option("--unit <unit>", "a unit of the system instead, such as nginx"))
    .action(async (host: string, app: string | undefined, options: LogsOptions) =>
      end(await logs(await stack(), host, app, options)),
    );
}

function since(text: string): number {
  const seconds = sinceOf(text, new Date());
  if (seconds !== undefined) return seconds;
  throw new InvalidArgumentError('A time is 30min, 2h, 3d, today, yesterday or "2026-11-22 10:00".');
}

/** What the script on the host is told. Pure. */
export function wordsFor(app: string | undefined, { follow, lines, since, unit }: LogsOptions): string[] {
  const last = lines ?? (since === undefined ? 100 : undefined);
  return [app ?? "", unit ?? "", String(last ?? ""), String(since ?? ""), follow ? "follow" : ""];
}

/** The exit code of the script where it knows no such app or unit. */
const absent = 3;
const words = /^[A-Za-z0-9:_.@\\-]{1,200}$/;

/**
 * Print the log of an app, of a unit, or of the host.
 * @returns 0 when it was printed, or followed until somebody ended that
 */
export async function logs(
  stack: StackView,
  host: string,
  named: string | undefined,
  options: LogsOptions,
): Promise<number> {
  const { target, app } = await placeOf(stack, host, named);
  for (const [what, name] of [["app", app] as const, ["unit", options.unit] as const])
    if (name !== undefined && !words.test(name))
      throw new Failure({
        tried: `show the log of the ${what} ${JSON.stringify(name)}`,
        cameBack: "names have letters, digits and : _ . @ -",
        next: `berth logs ${host} without one shows the host's whole journal`,
      });
  if (app !== undefined && options.unit !== undefined)
    throw new Failure({
      tried: `show the log of ${app}`,
      cameBack: "--unit names a unit in place of an app",
      next: "leave one of the two out",
    });
  const script = await readFile(new URL("../../deployer/remote/logs.sh", import.meta.url), "utf8");
  const session = await SshSession.create(target);
  try {
    const command = `exec sh -c ${quote(script)} logs ${wordsFor(app, options).map(quote).join(" ")}`;
    const ended = await stream(["-F", session.configFile, session.alias, command], options.follow ?? false);
    if (ended.stopped || ended.exitCode === 0) return 0;
    throw new Failure({
      host: session.label,
      tried: "read its log",
      cameBack:
        ended.exitCode === 255
          ? "the connection did not stand, or broke; ssh's own words are above"
          : ended.exitCode === absent
            ? "there is no such thing; what there is stands above"
            : `it ended with ${ended.exitCode}; its own words are above`,
      next:
        ended.exitCode === 255
          ? Object.hasOwn(stack.hosts, host)
            ? `berth status ${host} tells how the host is`
            : "check that the machine is up and lets this one in"
          : Object.hasOwn(stack.hosts, host)
            ? `name another; berth logs ${host} shows the host's whole journal`
            : "look at the machine itself; pulumi up brings back what is gone",
    });
  } finally {
    await session.close();
  }
}

/** A host and what is named there; a container by its own name, on whichever machine it runs. */
async function placeOf(
  stack: StackView,
  host: string,
  app: string | undefined,
): Promise<{ target: SshTarget; app: string | undefined }> {
  if (Object.hasOwn(stack.hosts, host)) return { target: targetOf(stack, host), app };
  const state = await pulumi(["stack", "export"], stack.name);
  const containers = containersIn(stack.name, state);
  const container = Object.hasOwn(containers, host) ? containers[host] : undefined;
  if (container && app === undefined)
    return {
      target: { ...container.target, ...(stack.loginKey === undefined ? {} : { loginKey: stack.loginKey }) },
      app: container.app,
    };
  const tried = `show the log of ${host}`;
  if (container)
    throw new Failure({
      tried,
      cameBack: `${host} is a container, and there is no ${app} in it`,
      next: `berth logs ${host}`,
    });
  if (appsAtFlyIn(state).includes(host))
    throw new Failure({
      tried,
      cameBack: "it is an app at Fly, whose API for logs is not a public one",
      next: `fly logs --app ${host}`,
    });
  throw new Failure({
    tried,
    cameBack: `stack ${stack.name} has no such host and no such container`,
    next: `name one of these: ${[...Object.keys(stack.hosts), ...Object.keys(containers)].join(", ") || "none yet; pulumi up makes them"}`,
  });
}

/** Milliseconds that the other end has to stop once its input is closed. */
const patience = 3_000;

/** Run ssh with its output in this terminal. Whoever follows ends that with Ctrl-C, which is no failure. */
function stream(args: readonly string[], follow: boolean): Promise<{ exitCode: number; stopped: boolean }> {
  // In a group of its own: the terminal's Ctrl-C would end ssh before the host has heard of it.
  const child = spawn("ssh", args, { stdio: ["pipe", "inherit", "inherit"], detached: true });
  let stopped = false;
  let late: NodeJS.Timeout | undefined;
  const stop = () => {
    stopped = true;
    // The script takes the end of its input for the end of its work.
    child.stdin.end();
    late ??= setTimeout(() => child.kill("SIGKILL"), follow ? patience : 0);
  };
  child.stdin.on("error", () => undefined);
  if (!follow) child.stdin.end();
  const signals: NodeJS.Signals[] = ["SIGINT", "SIGTERM", "SIGHUP"];
  for (const signal of signals) process.on(signal, stop);
  return new Promise<{ exitCode: number; stopped: boolean }>((resolve, reject) => {
    child.once("error", (error) =>
      reject(new NotStarted({ tried: "start ssh", cameBack: error.message, next: "install an ssh client" })),
    );
    child.once("close", (code) => resolve({ exitCode: code ?? 255, stopped }));
  }).finally(() => {
    clearTimeout(late);
    for (const signal of signals) process.off(signal, stop);
  });
}
