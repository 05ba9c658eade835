import { execa } from "execa";

/** A step went wrong and has said why itself, or `message` says it; the exit code is passed through. */
export class StepFailed extends Error {
  readonly exitCode: number;

  constructor(exitCode: number, message = "") {
    super(message);
    this.exitCode = exitCode;
  }
}

/** How one command is run; what is not captured goes to the terminal. */
export interface Command {
  /** For its stdin; without it, stdin is ours. */
  input?: string | Uint8Array;
  env?: Record<string, string>;
  capture?: boolean;
  quiet?: boolean;
}

/** Runs a local command; resolves with its exit code and, when captured, its stdout. */
export async function local(
  file: string,
  args: readonly string[],
  how: Command = {},
): Promise<[number, string]> {
  const result = await execa(file, args, {
    reject: false,
    stdin: how.input === undefined ? "inherit" : "pipe",
    ...(how.input === undefined ? {} : { input: how.input }),
    stdout: how.quiet ? "ignore" : how.capture ? "pipe" : "inherit",
    stderr: how.quiet ? "ignore" : "inherit",
    env: how.env ?? {},
  });
  if (result.code === "ENOENT") throw new StepFailed(127, `${file}: command not found`);
  return [result.exitCode ?? 128, typeof result.stdout === "string" ? result.stdout : ""];
}

/** Runs a local command that must succeed; resolves with its stdout when captured. */
export async function must(file: string, args: readonly string[], how: Command = {}): Promise<string> {
  const [exitCode, stdout] = await local(file, args, how);
  if (exitCode !== 0) throw new StepFailed(exitCode);
  return stdout;
}

/** The machine that is installed, over the `ssh` on PATH. */
export class Target {
  connection: string;
  readonly sshArguments: string[];
  readonly #tty: string;

  /** @param key path of the private key file, which may be made later */
  constructor(connection: string, key: string, more: readonly string[]) {
    this.connection = connection;
    this.sshArguments = [
      ...["-o", "IdentitiesOnly=yes", "-i", key],
      // The real one checks no host key; whoever wants them checked puts an `ssh` of their own first on PATH.
      ...["-o", "UserKnownHostsFile=/dev/null", "-o", "StrictHostKeyChecking=no"],
      ...more,
    ];
    this.#tty = process.stdin.isTTY ? "-t" : "-T";
  }

  get host(): string {
    return this.connection.replace(/^.*@/, "");
  }

  /** From here on as root, as the installer has it. */
  becomeRoot(): void {
    this.connection = `root@${this.host}`;
  }

  /** Another port, where one was given. */
  usePort(port: string): void {
    const at = this.sshArguments.indexOf("-p");
    if (at >= 0) this.sshArguments[at + 1] = port;
  }

  /** The user ssh would log in as. */
  async user(): Promise<string> {
    const settings = await must("ssh", [...this.sshArguments, "-G", this.connection], { capture: true });
    return /^user (.*)$/m.exec(settings)?.[1] ?? "";
  }

  try(command: readonly string[], how?: Command): Promise<[number, string]> {
    return local("ssh", [this.#tty, ...this.sshArguments, this.connection, ...command], how);
  }

  async run(command: readonly string[], how?: Command): Promise<string> {
    const [exitCode, stdout] = await this.try(command, how);
    if (exitCode !== 0) throw new StepFailed(exitCode);
    return stdout;
  }

  /** Whether the machine answers ssh within 10 s. */
  async answers(): Promise<boolean> {
    const [exitCode] = await local("timeout", [
      "10",
      "ssh",
      ...this.sshArguments,
      this.connection,
      "--",
      "exit",
      "0",
    ]);
    return exitCode === 0;
  }

  /** Copies a closure; `store` and the settings are Nix's query of the store address. */
  async copyClosure(path: string, settings: string, options: readonly string[], store = ""): Promise<void> {
    await must("nix", ["copy", ...options, "--to", `ssh://${this.connection}?${store}${settings}`, path], {
      env: { NIX_SSHOPTS: this.sshArguments.join(" ") },
    });
  }
}
