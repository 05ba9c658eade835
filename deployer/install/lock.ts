import { type ChildProcess, spawn } from "node:child_process";
import { readFile } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";
import { z } from "zod";
import { Failure } from "../failure.ts";
import { jsonOrUndefined } from "../json.ts";
import { ownerOf } from "../owner.ts";
import { type Document, renderDocument } from "../remote/scripts.ts";
import { howToBeLetIn, publicLineOf } from "../ssh/let-in.ts";
import { quote } from "../ssh/quote.ts";
import { become, isLoginDenied, type SshSession } from "../ssh/session.ts";

/** Seconds without a sign of life after which a host is let go of; a deployer that dies takes its connection with it at once. */
const silence = 45;
const beatEvery = 5_000;
const answerWithin = 30_000;

/** What `install-lock.sh` says. */
const answers = z.discriminatedUnion("ok", [
  z.object({ ok: z.literal(true) }),
  z.object({ ok: z.literal(false), owner: z.string(), silent: z.number() }),
]);

const script = (name: string) => readFile(new URL(`../remote/${name}.sh`, import.meta.url), "utf8");

/** A Failure that another look at the host would not change. */
export class Settled extends Failure {}

/** The text of the script that holds a host for an installation, with its library. */
export const installLockScript = async (): Promise<string> =>
  (await Promise.all(["lib", "held", "install-lock"].map(script))).join("\n");

/** What is held, and by which script. */
export interface Holding {
  /** Text of the script, its library included. */
  script: () => Promise<string>;
  /** What the script's document says beside `owner` and `seconds`. */
  document: Document;
  /** What a line of its answer says; undefined where it is none. */
  answer: (line: string) => LockAnswer | undefined;
  /** "this installation". */
  doing: string;
  /** "another installation is at work on it". */
  other: string;
  /** Run as whoever logs in. */
  asSelf?: boolean;
}
export type LockAnswer = { ok: true } | { ok: false; owner: string; silent: number };

const installation: Holding = {
  script: installLockScript,
  document: {},
  answer: (line) => answers.safeParse(jsonOrUndefined(line)).data,
  doing: "hold the host for this installation",
  other: "another installation is at work on it",
};

/** A host held for this installation, or a part of it for something else, by a connection that lives as long as we do. */
export class InstallLock {
  /** Resolves when the host is no longer held: it went down, or the connection broke. */
  readonly lost: Promise<void>;
  readonly #child: ChildProcess;
  readonly #beat: NodeJS.Timeout;

  private constructor(child: ChildProcess) {
    this.#child = child;
    this.#beat = setInterval(() => child.stdin?.write("\n"), beatEvery);
    this.lost = new Promise((resolve) => child.once("close", () => resolve()));
    void this.lost.then(() => clearInterval(this.#beat));
  }

  /**
   * Throws a Failure that names who holds the host already. One who shows no sign of life is waited for: its connection was cut, and the
   * host lets go of it by itself.
   * @param say told while it is waited for
   */
  static async take(
    session: SshSession,
    stack: string,
    say: (line: string) => void,
    holding = installation,
  ): Promise<InstallLock> {
    const end = Date.now() + (silence + 30) * 1_000;
    for (;;) {
      const attempt = await InstallLock.#try(session, stack, holding);
      if (attempt instanceof InstallLock) return attempt;
      const { owner, silent } = attempt;
      if (silent <= (beatEvery / 1_000) * 2 || Date.now() >= end) {
        throw new Settled({
          host: session.label,
          tried: holding.doing,
          cameBack: `${holding.other}: ${owner}`,
          stands: "Nothing was changed by this one",
          next: "wait until that one has ended, then run pulumi up again",
        });
      }
      say(`waiting until the host lets go of one that is silent for ${silent} s: ${owner}`);
      await sleep(5_000);
    }
  }

  static async #try(
    session: SshSession,
    stack: string,
    { script: text, document, answer: read, doing, asSelf }: Holding,
  ): Promise<InstallLock | { owner: string; silent: number }> {
    const command = `exec ${asSelf ? "" : become(session.target.user)}sh -c ${quote(await text())}`;
    const child = spawn("ssh", ["-F", session.configFile, "-o", "ControlPath=none", session.alias, command], {
      stdio: ["pipe", "pipe", "pipe"],
    });
    // A host that goes away closes the pipe under our hands.
    child.stdin.on("error", () => undefined);
    const owner = ownerOf(stack, `process ${process.pid}`, `since ${new Date().toISOString()}`);
    child.stdin.write(renderDocument({ ...document, owner, seconds: silence }));
    const lock = new InstallLock(child);
    const said = await answerOf(child, answerWithin);
    const answer = read(said.line);
    if (answer?.ok === true) return lock;
    lock.release();
    if (answer) return answer;
    const { target } = session;
    throw new Failure({
      host: session.label,
      tried: doing,
      cameBack: said.stderr.trim().split("\n").at(-1) || "no answer in time",
      stands: "Nothing was changed by this one",
      next: isLoginDenied(said.stderr)
        ? howToBeLetIn(target, target.loginKey === undefined ? undefined : publicLineOf(target.loginKey))
        : "look at the connection to the host, then run pulumi up again",
    });
  }

  /** Let go of the host. */
  release(): void {
    clearInterval(this.#beat);
    this.#child.stdin?.end();
    this.#child.kill("SIGTERM");
  }
}

/** The first line that is said, or what there was at the end. */
function answerOf(child: ChildProcess, deadline: number): Promise<{ line: string; stderr: string }> {
  return new Promise((resolve) => {
    let stdout = "";
    let stderr = "";
    const end = () => {
      clearTimeout(late);
      resolve({ line: stdout.split("\n")[0] ?? "", stderr });
    };
    const late = setTimeout(end, deadline);
    child.stderr?.setEncoding("utf8").on("data", (chunk: string) => {
      stderr = (stderr + chunk).slice(-2_000);
    });
    child.stdout?.setEncoding("utf8").on("data", (chunk: string) => {
      stdout += chunk;
      if (stdout.includes("\n")) end();
    });
    child.once("error", end).once("close", end);
  });
}
