import { type ChildProcess, spawn } from "node:child_process";
import { readFile } from "node:fs/promises";
import { hostname, userInfo } from "node:os";
import { Failure } from "../failure.ts";
import { jsonOrUndefined } from "../json.ts";
import { renderDocument } from "../remote/scripts.ts";
import { become, quote, type SshSession } from "../ssh/session.ts";

/** Seconds without a sign of life after which a host is let go of; a deployer that dies takes its connection with it at once. */
const silence = 45;
const beatEvery = 5_000;

const script = (name: string) => readFile(new URL(`../remote/${name}.sh`, import.meta.url), "utf8");

/** A host held for this installation, by a connection that lives as long as we do. */
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

  /** Throws a Failure that names who holds the host already. */
  static async take(session: SshSession, stack: string, deadline = 20_000): Promise<InstallLock> {
    const text = `${await script("lib")}\n${await script("install-lock")}`;
    const command = `exec ${become(session.target.user)}sh -c ${quote(text)}`;
    const child = spawn("ssh", ["-F", session.configFile, "-o", "ControlPath=none", session.alias, command], {
      stdio: ["pipe", "pipe", "pipe"],
    });
    // A host that goes away closes the pipe under our hands.
    child.stdin.on("error", () => undefined);
    const owner = `${userInfo().username}@${hostname()} (stack ${stack}, process ${process.pid}, since ${new Date().toISOString()})`;
    child.stdin.write(renderDocument({ owner, seconds: silence }));
    const lock = new InstallLock(child);
    const said = await answerOf(child, deadline);
    const answer = jsonOrUndefined(said.line) as { ok?: boolean; because?: string } | undefined;
    if (answer?.ok === true) return lock;
    lock.release();
    throw new Failure({
      host: session.label,
      tried: "hold the host for this installation",
      cameBack: answer?.because ?? (said.stderr.trim().split("\n").at(-1) || "no answer in time"),
      stands: "Nothing was changed by this one",
      next:
        answer?.because === undefined
          ? "look at the connection to the host, then run pulumi up again"
          : "wait until that one has ended, then run pulumi up again",
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
