import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { execa, type Options } from "execa";
import type { Lab } from "../../../lab/lab.ts";
import { ConsoleLog } from "../../../lab/machines/console-log.ts";
import { attemptTcp } from "../machines/remote.ts";

/** Time for whatever a host does at once: boots, copies, installations; milliseconds. */
const LIMIT = 200_000;

/** What a lab's environment says, as `lab env` prints it. */
type Environment = Record<string, string>;

/** A key pair's files. */
interface KeyPair {
  file: string;
  privateKey: string;
  publicKey: string;
}

async function makeKey(file: string): Promise<KeyPair> {
  await execa("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-C", "", "-f", file]);
  return {
    file,
    privateKey: await readFile(file, "utf8"),
    publicKey: (await readFile(`${file}.pub`, "utf8")).trim(),
  };
}

/** Asks until there is an answer; `what` is what it waits for. */
export async function until<T>(what: string, limit: number, ask: () => Promise<T | undefined>): Promise<T> {
  const deadline = Date.now() + limit;
  for (;;) {
    const answer = await ask();
    if (answer !== undefined) return answer;
    if (Date.now() > deadline) throw new Error(`waited ${limit / 1000} s for ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

/** A server of the lab's cloud with the keys a stack would make for it. */
export class Host {
  readonly address: string;
  readonly login: KeyPair;
  readonly lasting: KeyPair;
  /** Folder for `--extra-files`: the lasting host key, the login key and Berth's marker. */
  readonly extraFiles: string;
  readonly #folder: string;
  readonly #lab: Lab;
  readonly #id: number;
  #hostKey: KeyPair;

  private constructor(
    folder: string,
    lab: Lab,
    server: { id: number; address: string },
    keys: { login: KeyPair; lasting: KeyPair; bootstrap: KeyPair },
  ) {
    this.#folder = folder;
    this.#lab = lab;
    this.#id = server.id;
    this.address = server.address;
    this.login = keys.login;
    this.lasting = keys.lasting;
    this.#hostKey = keys.bootstrap;
    this.extraFiles = join(folder, "extra");
  }

  /** Orders a Debian whose host key is known before it boots; resolves when it answers ssh. */
  static async order(name: string, folder: string, lab: Lab): Promise<Host> {
    const keys = {
      login: await makeKey(join(folder, "login")),
      lasting: await makeKey(join(folder, "lasting")),
      bootstrap: await makeKey(join(folder, "bootstrap")),
    };
    const indented = keys.bootstrap.privateKey.trim().replaceAll("\n", "\n    ");
    const userData = `#cloud-config
ssh_keys:
  ed25519_private: |
    ${indented}
  ed25519_public: ${keys.bootstrap.publicKey}
ssh_authorized_keys:
  - ${keys.login.publicKey}
`;
    const order = { name, server_type: "cx23", image: "debian-13", location: "fsn1", user_data: userData };
    const answer = (await api(lab.env, "POST", "/servers", order)) as {
      server: { id: number; public_net: { ipv4: { ip: string } } };
    };
    const server = { id: answer.server.id, address: answer.server.public_net.ipv4.ip };
    const host = new Host(folder, lab, server, keys);
    await host.#layOutExtraFiles();
    await writeFile(join(folder, "ssh"), sshShim, { mode: 0o755 });
    await host.answers("cloud-init status --wait");
    return host;
  }

  async #layOutExtraFiles(): Promise<void> {
    const inExtra = (...names: string[]) => join(this.extraFiles, ...names);
    await mkdir(inExtra("etc/ssh"), { recursive: true });
    await mkdir(inExtra("etc/berth"), { recursive: true });
    await mkdir(inExtra("root/.ssh"), { recursive: true, mode: 0o700 });
    await writeFile(inExtra("etc/ssh/ssh_host_ed25519_key"), this.lasting.privateKey, { mode: 0o600 });
    await writeFile(inExtra("etc/ssh/ssh_host_ed25519_key.pub"), `${this.lasting.publicKey}\n`);
    await writeFile(inExtra("root/.ssh/authorized_keys"), `${this.login.publicKey}\n`, { mode: 0o600 });
    await writeFile(inExtra("etc/berth/install.json"), '{"host":"test"}\n');
  }

  /** From here on only the lasting host key is believed. */
  expectLastingKey(): void {
    this.#hostKey = this.lasting;
  }

  /** The lab's environment with an `ssh` first on PATH that believes one host key. */
  async environment(): Promise<Environment> {
    const known = join(this.#folder, "known_hosts");
    await writeFile(known, `${this.address} ${this.#hostKey.publicKey}\n`);
    return {
      ...this.#lab.env,
      PATH: `${this.#folder}:${this.#lab.env.PATH}`,
      KNOWN_HOSTS: known,
      LOGIN_KEY: this.login.file,
      HOME: this.#folder,
    };
  }

  async local(file: string, args: readonly string[], limit = LIMIT, input = "") {
    const options = {
      env: await this.environment(),
      reject: false,
      timeout: limit,
      all: true,
      input,
    } satisfies Options;
    return await execa(file, args, options);
  }

  /** Runs a command on the host; its exit code is an answer, not an error. */
  async run(command: string): Promise<{ code: number | undefined; stdout: string; all: string }> {
    const target = ["-o", "ConnectTimeout=10", `root@${this.address}`, command];
    const { exitCode, stdout, all } = await this.local("ssh", target);
    return { code: exitCode, stdout, all };
  }

  /** Resolves when a command succeeds over ssh. */
  async answers(command = "true"): Promise<void> {
    let last = "port 22 is not open";
    await until(`ssh to ${this.address} (${command})`, LIMIT, async () => {
      // Cheaper to ask than a whole login.
      if ((await attemptTcp(this.address, 22, 2_000)) !== "open") return undefined;
      const { code, all } = await this.run(command);
      last = all;
      return code === 0 ? true : undefined;
    }).catch(async (error: Error) => {
      const log = new ConsoleLog(join(this.#lab.places.machines, String(this.#id), "console.log"));
      throw new Error(`${error.message}: ${last}\nIts console:\n  ${(await log.tail(15)).join("\n  ")}`);
    });
  }

  async copy(path: string): Promise<void> {
    const args = ["copy", "--no-check-sigs", "--to", `ssh://root@${this.address}`, path];
    const copied = await this.local("nix", args);
    if (copied.exitCode !== 0) throw new Error(copied.all);
  }

  async remove(): Promise<void> {
    await api(this.#lab.env, "DELETE", `/servers/${this.#id}`);
  }
}

const sshShim = `#!/bin/sh
exec /usr/bin/ssh -i "$LOGIN_KEY" -o StrictHostKeyChecking=yes -o UserKnownHostsFile="$KNOWN_HOSTS" "$@"
`;

/** A call of the cloud's API; throws when it is not answered with success. */
export async function api(env: Environment, method: string, path: string, body?: object): Promise<unknown> {
  const response = await fetch(`${env.HCLOUD_ENDPOINT}${path}`, {
    method,
    headers: { authorization: `Bearer ${env.HCLOUD_TOKEN}`, "content-type": "application/json" },
    ...(body ? { body: JSON.stringify(body) } : {}),
  });
  if (!response.ok)
    throw new Error(`${method} ${path} answered ${response.status}: ${await response.text()}`);
  return await response.json();
}
