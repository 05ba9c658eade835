import { execFile } from "node:child_process";
import { mkdir, mkdtemp, readFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { execa, type ResultPromise } from "execa";
import { type HostManifest, manifest } from "../../config/manifest.ts";
import type { InstallDocument } from "../../deployer/install/document.ts";
import { SshSession } from "../../deployer/ssh/session.ts";
import type { Lab } from "../../lab/lab.ts";
import { checkout } from "../../lab/setup/places.mjs";
import { api, until } from "../lab/system/host.ts";

const run = promisify(execFile);

interface KeyPair {
  file: string;
  privateKey: string;
  publicKey: string;
}

export async function makeKey(file: string): Promise<KeyPair> {
  await run("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-C", "", "-f", file]);
  return {
    file,
    privateKey: await readFile(file, "utf8"),
    publicKey: (await readFile(`${file}.pub`, "utf8")).trim(),
  };
}

/** The flake's host `web`, built. */
export async function builtSystem(lab: Lab): Promise<HostManifest> {
  const options = { env: lab.env };
  const { stdout } = await execa("nix", ["eval", "--json", `path:${lab.places.flake}#berth.hosts`], options);
  const { web } = manifest.parse(JSON.parse(stdout));
  if (web?.kexecTarball == null) throw new Error("the closed-world flake has no host web with an installer");
  const paths = [web.toplevel, web.diskoScript, web.kexecTarball].map(({ drvPath }) => `${drvPath}^out`);
  await execa("nix", ["build", "--no-link", ...paths], options);
  return web;
}

/** Text for a Nix string. */
const nixString = (text: string): string =>
  `"${text.replaceAll(/["\\$]/g, (char) => `\\${char}`).replaceAll("\n", "\\n")}"`;

/** A derivation of the caller's, built; `builder` is a shell script with `$base` and writes `$out`. */
export async function derive(
  lab: Lab,
  base: string,
  name: string,
  builder: string,
): Promise<{ drvPath: string; out: string }> {
  const expression = `derivation {
    name = ${nixString(name)}; system = builtins.currentSystem; builder = "/bin/sh";
    args = [ "-c" ${nixString(`set -e; PATH=/usr/bin:/bin\n${builder}`)} ]; base = builtins.storePath ${nixString(base)};
  }`;
  const { stdout: drvPath } = await execa("nix-instantiate", ["--expr", expression], { env: lab.env });
  const { stdout: out } = await execa("nix-store", ["--realise", drvPath], { env: lab.env });
  return { drvPath, out };
}

/** A disk script that does something before and after the real one's work. */
export const diskoWith = (lab: Lab, base: string, before: string, after = ":") =>
  derive(
    lab,
    base,
    "disko-spoiled",
    `printf '%s\\n' '#!/bin/sh' 'set -e' '${before}' "$base" '${after}' > $out; chmod +x $out`,
  );

/** A kexec tarball whose `run` does something before and after the real one's work. */
export const kexecWith = (lab: Lab, base: string, before: string, after = ":") =>
  derive(
    lab,
    base,
    "kexec-spoiled.tar.gz",
    `tar -xzf $base; mv kexec/run kexec/real
     printf '%s\\n' '#!/bin/sh' 'set -e' '${before}' '"$(dirname "$0")/real" "$@"' '${after}' > kexec/run
     chmod +x kexec/run; tar -c kexec | gzip -n > $out`,
  );

/** The system with another `install-boot-loader`, which is what nixos-install runs at last. */
export const systemWith = (lab: Lab, base: string, before: string) =>
  derive(
    lab,
    base,
    "nixos-system-slow",
    `mkdir -p $out/bin
     for entry in $base/*; do [ "\${entry##*/}" = bin ] || ln -s "$entry" $out/; done
     for entry in $base/bin/*; do ln -s "$entry" $out/bin/; done
     rm $out/bin/install-boot-loader
     { printf '%s\\n' '#!/bin/sh' 'set -e' '${before}'; sed "1d; s|$base|$out|g" $base/bin/install-boot-loader; } > $out/bin/install-boot-loader
     rm $out/init; sed "s|$base|$out|g" $base/init > $out/init
     rm $out/activate; sed "s|$base|$out|g" $base/activate > $out/activate
     chmod +x $out/bin/install-boot-loader $out/init $out/activate`,
  );

interface OrderedServer {
  id: number;
  volumes: number[];
  public_net: { ipv4: { ip: string } | null; ipv6: { ip: string } | null };
}

/** A server of the lab's cloud, ordered as a stack orders it, and the document that installs it. */
export class LabServer {
  /** In the stack. */
  readonly name: string;
  readonly id: string;
  readonly ipv4: string;
  readonly ipv6: string;
  readonly login: KeyPair;
  readonly bootstrap: KeyPair;
  readonly lasting: KeyPair;
  readonly folder: string;
  readonly #lab: Lab;
  readonly #system: HostManifest;

  private constructor(
    lab: Lab,
    system: HostManifest,
    name: string,
    folder: string,
    server: OrderedServer,
    keys: Record<"login" | "bootstrap" | "lasting", KeyPair>,
  ) {
    this.#lab = lab;
    this.#system = system;
    this.name = name;
    this.folder = folder;
    this.id = String(server.id);
    this.ipv4 = server.public_net.ipv4?.ip ?? "";
    this.ipv6 = server.public_net.ipv6?.ip.replace(/\/\d+$/, "1") ?? "";
    this.login = keys.login;
    this.bootstrap = keys.bootstrap;
    this.lasting = keys.lasting;
  }

  /**
   * @param order what the order says beside or instead of the usual
   * @param former the server whose host it becomes: its name in the stack, its keys
   */
  static async order(
    lab: Lab,
    system: HostManifest,
    name: string,
    { order = {}, former }: { order?: object; former?: LabServer } = {},
  ): Promise<LabServer> {
    await mkdir(join(lab.places.folder, "test"), { recursive: true });
    const folder = await mkdtemp(join(lab.places.folder, "test", `${name}-`));
    const keys = former ?? {
      login: await makeKey(join(folder, "login")),
      bootstrap: await makeKey(join(folder, "bootstrap")),
      lasting: await makeKey(join(folder, "lasting")),
    };
    const userData = [
      "#cloud-config",
      "ssh_keys:",
      "  ed25519_private: |",
      ...keys.bootstrap.privateKey
        .trim()
        .split("\n")
        .map((line) => `    ${line}`),
      `  ed25519_public: ${keys.bootstrap.publicKey}`,
      "ssh_authorized_keys:",
      `  - ${keys.login.publicKey}`,
      "",
    ].join("\n");
    const wanted = { name, server_type: "cx23", image: "debian-13", location: "fsn1", user_data: userData };
    const { server } = (await api(lab.env, "POST", "/servers", { ...wanted, ...order })) as {
      server: OrderedServer;
    };
    return new LabServer(lab, system, former?.name ?? name, folder, server, keys);
  }

  /** What a stack's program would say of it, with short deadlines. */
  document(changes: Partial<InstallDocument> = {}): InstallDocument {
    const { toplevel, diskoScript, kexecTarball, disks, requires, system } = this.#system;
    return {
      target: {
        stack: "lab",
        host: this.name,
        address: this.ipv4,
        port: 22,
        user: "root",
        loginKey: this.login.privateKey,
      },
      marker: { stack: "lab", host: this.name, server: this.id },
      ordered: true,
      system,
      requires,
      disks: Object.values(disks).map(({ device }) => device),
      erase: [],
      reinstall: null,
      adopt: null,
      hetzner: { token: this.#lab.env.HCLOUD_TOKEN ?? "", endpoint: this.#lab.env.HCLOUD_ENDPOINT ?? "" },
      addresses: { ipv4: this.ipv4, ipv6: this.ipv6 },
      substitutes: true,
      bootstrapHostKey: this.bootstrap.publicKey,
      lastingHostKey: { publicKey: this.lasting.publicKey, privateKey: this.lasting.privateKey },
      ageKey: "AGE-SECRET-KEY-TEST",
      authorizedKeys: [this.login.publicKey],
      toplevel,
      diskoScript,
      kexecTarball,
      deadline: 150,
      deadlines: {
        look: 60,
        snapshot: 60,
        kexec: 60,
        disko: 60,
        install: 60,
        reboot: 40,
        boot: 60,
        network: 10,
      },
      ...changes,
    };
  }

  /** Start the deployer's command, as Pulumi does. */
  start(
    document: InstallDocument,
    env: Record<string, string> = {},
  ): ResultPromise<{ reject: false; all: true }> {
    return execa(process.execPath, [join(checkout, "deployer/main.ts"), "install"], {
      cwd: this.folder,
      env: { ...this.#lab.env, ...env },
      input: JSON.stringify(document),
      reject: false,
      all: true,
    });
  }

  /** A connection that believes one of its keys. Close it. */
  session(key: "bootstrap" | "lasting" = "lasting"): Promise<SshSession> {
    const { target } = this.document();
    return SshSession.create({ ...target, hostKeys: [this[key].publicKey] });
  }

  /** Run a command on the host. */
  async sh(key: "bootstrap" | "lasting", script: string): Promise<string> {
    const session = await this.session(key);
    try {
      const ended = await session.sh(script, { deadline: 30_000, fresh: true });
      if (ended.exitCode !== 0)
        throw new Error(`${script}: ${ended.exitCode} ${ended.stderr}${ended.stdout}`);
      return ended.stdout.trim();
    } finally {
      await session.close();
    }
  }

  /** Resolves when a new Debian lets us in. */
  async answers(key: "bootstrap" | "lasting" = "bootstrap"): Promise<void> {
    const session = await this.session(key);
    try {
      await until(`ssh to ${this.name}`, 60_000, async () =>
        session
          .waitUntilReachable(2_000)
          .then(() => true)
          .catch(() => undefined),
      );
    } finally {
      await session.close();
    }
  }

  /** A call of the cloud's API about this server. */
  api(method: string, path: string, body?: object): Promise<unknown> {
    return api(this.#lab.env, method, path, body);
  }
}
