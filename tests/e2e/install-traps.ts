import { mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { execa } from "execa";
import type { InstallationArgs } from "../../components/installation.ts";
import type { HostManifest } from "../../config/manifest.ts";
import type { Lab } from "../../lab/lab.ts";
import type { LabServer } from "./installing.ts";
import type { Variant } from "./traps/index.ts";

const program = new URL("./traps", import.meta.url).pathname;

/** The arguments of an installation of a lab server. */
export function argumentsOf(server: LabServer, manifest: HostManifest, lab: Lab): InstallationArgs {
  return {
    host: server.name,
    address: server.ipv4,
    addresses: { ipv4: server.ipv4, ipv6: server.ipv6 },
    machineId: server.id,
    bootstrapPublicKey: server.bootstrap.publicKey,
    publicKey: server.lasting.publicKey,
    privateKey: server.lasting.privateKey,
    ageKey: "AGE-SECRET-KEY-TEST",
    loginKey: server.login.privateKey,
    authorizedKeys: [server.login.publicKey],
    api: { token: lab.env.HCLOUD_TOKEN ?? "", endpoint: lab.env.HCLOUD_ENDPOINT ?? "" },
    manifest,
    deadline: 240,
    protect: false,
  };
}

/** A stack of the real engine whose one resource is an installation. */
export class TrapStack {
  readonly #folder: string;
  readonly #env: Record<string, string>;
  readonly #stack: string;
  readonly #log: string;

  constructor(lab: Lab, server: LabServer, stack: string) {
    this.#folder = join(server.folder, stack);
    this.#stack = stack;
    this.#env = {
      ...lab.env,
      PULUMI_OPTION_CONFIG_FILE: join(this.#folder, `Pulumi.${stack}.yaml`),
      BERTH_TRAP: join(this.#folder, "variant.json"),
    };
    this.#log = join(program, `.berth/logs/install-${stack}-${server.name}.log`);
  }

  async pulumi(...args: string[]): Promise<{ exitCode: number | undefined; output: string }> {
    const { exitCode, all } = await execa(
      "pulumi",
      [...args, "-s", this.#stack, "--non-interactive", "--color", "never"],
      {
        ...{ cwd: program, env: this.#env, reject: false, all: true, timeout: 300_000 },
      },
    );
    return { exitCode, output: all };
  }

  async init(): Promise<void> {
    await mkdir(this.#folder, { recursive: true });
    const { exitCode, output } = await this.pulumi("stack", "init", "--no-select");
    if (exitCode !== 0) throw new Error(output);
  }

  /** `pulumi up` of a variant, with how often the deployer looked at a host in it. */
  async up(variant: Variant, ...args: string[]) {
    await writeFile(join(this.#folder, "variant.json"), JSON.stringify(variant), { mode: 0o600 });
    const before = await this.runs();
    const ended = await this.pulumi("up", "--yes", "--skip-preview", ...args);
    return { ...ended, runs: (await this.runs()) - before };
  }

  /** How often the deployer was run. */
  async runs(): Promise<number> {
    const log = await readFile(this.#log, "utf8").catch(() => "");
    return log.split("building the system, looking at the host").length - 1;
  }

  /** Remove what the engine and the deployer have left beside the program. */
  async clean(): Promise<void> {
    await rm(join(program, `Pulumi.${this.#stack}.yaml`), { force: true });
    await rm(this.#log, { force: true });
  }

  /** The command's URN. */
  async urn(): Promise<string> {
    const { output } = await this.pulumi("stack", "export");
    return /"urn": "([^"]*::[^"]*-install)"/.exec(output)?.[1] ?? "";
  }
}
