import { type ChildProcess, spawn } from "node:child_process";
import { onExit } from "signal-exit";
import { ResidentShell } from "./shell.ts";
import type { Way } from "./way.ts";

export interface MasterArgs {
  /** The ssh_config, and the host's name in it. */
  configFile: string;
  alias: string;
  /** What runs on the host as its shell that stays. @default none does */
  shell?: string | undefined;
  /** Opened by `open`. @default ssh goes to the host by itself, at once */
  way?: Way | undefined;
}

/** Seconds that it waits for its way: its patience counts from its start. To "none", it prefers what the configuration says. */
const aDay = 86_400;

/** The ssh that owns a shared connection, from its start to its end. */
export class Master {
  /** Where one was asked for. */
  readonly shell: ResidentShell | undefined;
  /** Resolves when it has ended and all was heard that it said. */
  readonly ended: Promise<void>;
  readonly #child: ChildProcess;
  readonly #way: Way | undefined;
  #said = "";
  /** Whether the host has taken no connection. */
  #refused = false;

  constructor({ configFile, alias, shell, way }: MasterArgs) {
    this.#way = way;
    const route = way ? ["-o", `ProxyCommand=${way.proxyCommand}`, "-o", `ConnectTimeout=${aDay}`] : [];
    this.#child = spawn(
      "ssh",
      ["-F", configFile, "-M", ...route, ...(shell === undefined ? ["-N", alias] : [alias, shell])],
      { stdio: shell === undefined ? ["ignore", "ignore", "pipe"] : ["pipe", "pipe", "pipe"] },
    );
    this.shell = shell === undefined ? undefined : new ResidentShell(this.#child);
    this.#child.stderr?.on("data", (chunk: Buffer) => {
      this.#said = (this.#said + chunk.toString("utf8")).slice(-4_000);
    });
    // By itself, it would stay for as long as the host does.
    const forget = onExit(() => this.kill("SIGTERM"));
    this.#child.once("exit", forget).once("error", forget);
    // What it has started for its way holds its output open until that is closed.
    this.#child.once("exit", () => way?.close());
    this.ended = new Promise((resolve) => {
      this.#child.once("close", resolve).once("error", (error) => {
        this.#said ||= error.message;
        way?.close();
        resolve();
      });
    });
  }

  /** Whether it has not ended. */
  get runs(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null;
  }

  /** The end of what it said. */
  get said(): string {
    // So ssh calls whoever it did not go to by itself.
    return this.#said.replaceAll("UNKNOWN port 65535", this.#way?.label ?? "UNKNOWN");
  }

  /** Whether it has ended because it could not be given its way. */
  get astray(): boolean {
    return !this.runs && this.#way?.met === false && !this.#refused;
  }

  /** Have it go to the host, where it has not gone by itself. */
  open(): void {
    this.#way?.open().catch((error: Error) => {
      this.#refused = true;
      this.#said ||= error.message;
      this.kill("SIGTERM");
    });
  }

  kill(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }
}
