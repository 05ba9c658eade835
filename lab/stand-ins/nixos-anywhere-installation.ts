import { mkdirSync } from "node:fs";
import { access, copyFile, readFile, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { Plan } from "./nixos-anywhere-arguments.ts";
import { type Facts, factsFrom, missingTool } from "./nixos-anywhere-facts.ts";
import { local, must, StepFailed, Target } from "./nixos-anywhere-target.ts";

const nixFlags = ["--extra-experimental-features", "nix-command flakes", "--no-write-lock-file"];

function step(text: string): void {
  process.stdout.write(`### ${text} ###\n`);
}

function abort(reason: string): never {
  throw new StepFailed(1, `aborted: ${reason}`);
}

/** Single-quoted for sh. */
function quoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}

/** One run over a plan, told in the order things happen; its folder holds the key and is the caller's to remove. */
export class Installation {
  readonly #plan: Plan;
  readonly #folder: string;
  readonly #target: Target;
  #disko = "";
  #toplevel = "";

  constructor(plan: Plan, folder: string) {
    this.#plan = plan;
    this.#folder = folder;
    this.#target = new Target(plan.target, join(folder, "nixos-anywhere"), plan.sshArguments);
  }

  async run(): Promise<void> {
    const { phases } = this.#plan;
    const builtBefore = await this.#buildsHere();
    if (builtBefore) await this.#build();
    const user = await this.#target.user();
    if (!phases.has("kexec")) this.#target.becomeRoot();

    await this.#uploadKey();
    let facts = await this.#gatherFacts();
    const missing = missingTool(facts);
    if (missing) abort(missing);

    if (phases.has("kexec")) facts = await this.#kexec(facts);
    if (!builtBefore) await this.#buildForRemote();
    if (facts.isInstaller === "y" && user !== "root") await this.#loginAsRoot(facts);
    if (this.#plan.machineSubstituters && this.#plan.source.from === "flake")
      await this.#copySubstituters(this.#plan.source);
    if (phases.has("disko")) await this.#format();
    if (phases.has("install")) await this.#install();
    if (phases.has("reboot")) await this.#reboot();
    step("Done!");
  }

  /** Whether the build can be made before the target is touched; only a configuration that hides its system cannot. */
  async #buildsHere(): Promise<boolean> {
    const { source, buildOn } = this.#plan;
    if (buildOn === "local") return true;
    const theirs =
      source.from === "store"
        ? await readFile(join(source.toplevel, "system"), "utf8").catch(() => "")
        : ((await this.#tryEvaluate(`${source.flake}#${source.attribute}.pkgs.system`)) ?? "");
    if (theirs) await this.#refuseForeign(theirs.trim());
    return theirs !== "";
  }

  async #tryEvaluate(what: string): Promise<string | null> {
    const [exitCode, value] = await local("nix", [...nixFlags.slice(0, 2), "eval", "--raw", what], {
      capture: true,
    });
    return exitCode === 0 ? value : null;
  }

  async #refuseForeign(theirs: string): Promise<void> {
    const ours = (
      await must("nix", [...nixFlags.slice(0, 2), "config", "show", "system"], { capture: true })
    ).trim();
    if (theirs !== ours)
      abort(`the system is for ${theirs}, this machine builds for ${ours}; the stand-in builds here only`);
  }

  async #buildForRemote(): Promise<void> {
    const theirs = await this.#target.run(
      ["nix", "--extra-experimental-features", "nix-command", "config", "show", "system"],
      {
        capture: true,
      },
    );
    await this.#refuseForeign(theirs.trim());
    await this.#build();
  }

  async #build(): Promise<void> {
    const { source, phases } = this.#plan;
    if (source.from === "store") {
      for (const path of [source.disko, source.toplevel]) {
        await access(path).catch(() =>
          abort(`${source.disko} and ${source.toplevel} must be existing store-paths`),
        );
      }
      [this.#disko, this.#toplevel] = [source.disko, source.toplevel];
      return;
    }
    const built = async (name: string) =>
      (
        await must(
          "nix",
          [
            ...["build", "--print-out-paths", "--no-link", ...this.#plan.buildFlags, ...nixFlags],
            ...[...this.#plan.nixOptions, `${source.flake}#${source.attribute}.system.build.${name}`],
          ],
          { capture: true },
        )
      ).trim();
    if (phases.has("disko")) this.#disko = await built(source.disko);
    if (phases.has("install")) this.#toplevel = await built("toplevel");
  }

  async #uploadKey(): Promise<void> {
    const key = join(this.#folder, "nixos-anywhere");
    const home = sshHome(this.#folder);
    const secret = process.env.SSH_PRIVATE_KEY;
    if (this.#plan.identity !== null || secret) {
      if (this.#plan.identity !== null) {
        await copyFile(this.#plan.identity, key).catch(() =>
          abort(`cannot read the key file ${this.#plan.identity}`),
        );
      } else await writeFile(key, `${secret}\n`, { mode: 0o600 });
      await writeFile(`${key}.pub`, `${await must("ssh-keygen", ["-y", "-f", key], { capture: true })}\n`);
    } else {
      await must("ssh-keygen", ["-t", "ed25519", "-f", key, "-P", "", "-C", "nixos-anywhere"], {
        quiet: true,
      });
    }
    step("Uploading install SSH keys");
    // First option wins, so the caller's own keys may open the door for this one.
    const copy = ["-o", "IdentitiesOnly=no", "-o", "ConnectTimeout=10", ...this.#target.sshArguments];
    const upload = () => local("ssh-copy-id", [...copy, this.#target.connection], { env: { HOME: home } });
    while ((await upload())[0] !== 0) await sleep(3000);
  }

  async #gatherFacts(): Promise<Facts> {
    step("Gathering machine facts");
    const script = await readFile(new URL("./nixos-anywhere-facts.sh", import.meta.url), "utf8");
    const [exitCode, answer] = await this.#target.try(
      ["-o", "ConnectTimeout=10", "enableDebug=", "sh", "--"],
      {
        input: script,
        capture: true,
      },
    );
    if (exitCode !== 0) throw new StepFailed(1);
    const facts = factsFrom(answer);
    if (typeof facts === "string") abort(facts);
    privilege(facts);
    return facts;
  }

  async #kexec(facts: Facts): Promise<Facts> {
    if (facts.isInstaller === "y" && !this.#plan.forceKexec) return facts;
    if (facts.isContainer !== "none") {
      process.stderr.write(
        `WARNING: This script does not support running from a '${facts.isContainer}' container. kexec will likely not work\n`,
      );
    }
    const { kexec } = this.#plan;
    if (kexec === null) {
      abort(
        "the stand-in downloads no installer: give --kexec the lab's tarball (packages.<system>.kexec of its flake)",
      );
    }
    step("Switching system into kexec");
    const isFile = await access(kexec).then(
      () => true,
      () => false,
    );
    const uploads = isFile || (facts.hasWget === "n" && facts.hasCurl === "n");
    const tarball = fetchedBy(kexec, uploads, facts);
    const script = await readFile(new URL("./nixos-anywhere-kexec.sh", import.meta.url), "utf8");
    const settings = { ...tarball, flags: this.#plan.kexecFlags, become: privilege(facts) };
    const head = Object.entries(settings).map(([name, value]) => `${name}=${quoted(value)}\n`);
    await this.#target.run(['mkdir -p "$HOME/kexec" && cat > "$HOME/kexec/nixos-anywhere-kexec.sh"'], {
      input: `${head.join("")}${script}`,
    });
    if (uploads) {
      const fetch = isFile ? 'cat "$0"' : 'curl --fail -Ss -L "$0"';
      const ssh = ["-T", ...this.#target.sshArguments, this.#target.connection, `cat > "${tarballPath}"`];
      await must("bash", ["-c", `set -o pipefail; ${fetch} | ssh "$@"`, kexec, ...ssh]);
    }
    if ((await this.#target.try(['bash "$HOME/kexec/nixos-anywhere-kexec.sh"']))[0] !== 0) {
      const [, log] = await this.#target.try(['cat "$HOME/kexec/nixos-anywhere.log" 2>/dev/null'], {
        capture: true,
      });
      throw new StepFailed(1, `Remote output log:\n${log}\nKexec failed`);
    }

    this.#target.usePort(this.#plan.postKexecPort);
    while (await this.#target.answers()) await sleep(1000);
    this.#target.becomeRoot();
    while ((await this.#target.try(["-o", "ConnectTimeout=10", "--", "exit", "0"]))[0] !== 0)
      await sleep(5000);
    const after = await this.#gatherFacts();
    if (after.isInstaller === "n") abort("Failed to kexec into NixOS installer");
    return after;
  }

  async #loginAsRoot(facts: Facts): Promise<void> {
    const become = privilege(facts);
    await this.#target.run([
      `${become} mkdir -p /root/.ssh; ${become} cp ~/.ssh/authorized_keys /root/.ssh || true`,
    ]);
    this.#target.becomeRoot();
  }

  async #copySubstituters(source: { flake: string; attribute: string }): Promise<void> {
    const read = async (setting: string) =>
      (
        await must(
          "nix",
          [
            "eval",
            ...nixFlags,
            ...this.#plan.nixOptions,
            "--apply",
            "toString",
            `${source.flake}#${source.attribute}.nix.settings.${setting}`,
          ],
          {
            capture: true,
          },
        )
      ).trim();
    const lines = [
      `extra-substituters = ${await read("substituters")}`,
      `extra-trusted-public-keys = ${await read("trusted-public-keys")}`,
    ];
    const append = lines.map((line) => `echo ${quoted(line)} >>~/.config/nix/nix.conf\n`).join("");
    await this.#target.try(["sh"], { input: `mkdir -p ~/.config/nix\n${append}` });
  }

  async #format(): Promise<void> {
    for (const { remote, local: file } of this.#plan.installerFiles) {
      step(`Uploading ${file} to ${remote}`);
      const keep = `umask 077; mkdir -p "${dirname(remote)}"; cat > ${remote}`;
      await this.#target.run([keep], { input: await readFile(file) });
    }
    await this.#target.copyClosure(this.#disko, this.#plan.storeSettings, this.#copyOptions);
    step("Formatting hard drive with disko");
    await this.#target.run([this.#disko]);
  }

  async #install(): Promise<void> {
    const plan = this.#plan;
    step("Uploading the system closure");
    await this.#target.copyClosure(
      this.#toplevel,
      plan.storeSettings,
      this.#copyOptions,
      "remote-store=local%3Froot=%2Fmnt&",
    );
    if (plan.extraFiles !== null) {
      step("Copying extra files");
      const ssh = [
        "-T",
        ...this.#target.sshArguments,
        this.#target.connection,
        "tar -C /mnt -xf- --no-same-owner",
      ];
      await must("bash", ["-c", 'set -o pipefail; tar -C "$0" -cpf- . | ssh "$@"', plan.extraFiles, ...ssh]);
      // tar gave /mnt the folder's own mode.
      await this.#target.run(["chmod 755 /mnt"]);
    }
    if (plan.ownership.length > 0) {
      const lines = plan.ownership.map(({ path, owner }) => `${path}\t${owner}\n`).join("");
      await this.#target.run(['while read file ownership; do chown -R "$ownership" "/mnt/$file"; done'], {
        input: lines,
      });
    }
    step("Installing NixOS");
    const script = await readFile(new URL("./nixos-anywhere-install.sh", import.meta.url), "utf8");
    const head = `system=${quoted(this.#toplevel)}\ncopy_host_keys=${plan.copyHostKeys ? "y" : "n"}\n`;
    await this.#target.run(["sh"], { input: `${head}${script}` });
  }

  async #reboot(): Promise<void> {
    step("Rebooting");
    await this.#target.run(["sh"], { input: "nohup sh -c 'sleep 6 && reboot' >/dev/null 2>&1 &\n" });
    step("Waiting for the machine to become unreachable due to reboot");
    while (await this.#target.answers()) await sleep(1000);
  }

  get #copyOptions(): string[] {
    return [...nixFlags, ...this.#plan.nixOptions, ...this.#plan.copyOptions];
  }
}

const tarballPath = "$HOME/kexec/kexec-tarball.tar.gz";

/** How the target gets at the tarball, and tar's option for it: uploaded, or fetched by its own means. */
function fetchedBy(kexec: string, uploaded: boolean, facts: Facts): { fetch: string; unpack: string } {
  const [, kind = ""] = /\.tar(?:\.(gz|xz|zst))?$/.exec(kexec) ?? [];
  const unpack = { gz: "--gzip", xz: "--xz", zst: "--zstd" }[kind] ?? "";
  if (uploaded) return { fetch: `cat "${tarballPath}"`, unpack };
  const fetch = facts.hasWget === "y" ? `wget ${quoted(kexec)} -O-` : `curl --fail -Ss -L ${quoted(kexec)}`;
  return { fetch, unpack };
}

function privilege(facts: Facts): string {
  if (facts.isRoot === "y") return "";
  if (facts.hasSudo === "y") return "sudo";
  if (facts.hasDoas === "y") return "doas";
  return abort("Unable to find a command to use to escalate privileges: Could not find `sudo` or `doas`");
}

/** ssh-copy-id needs a home with .ssh in it. */
function sshHome(folder: string): string {
  const home = process.env.HOME ?? "/";
  try {
    mkdirSync(join(home, ".ssh"), { recursive: true });
    return home;
  } catch {
    const own = join(folder, "ssh-home");
    mkdirSync(join(own, ".ssh"), { recursive: true });
    process.stdout.write(
      `Warning: Could not create ${join(home, ".ssh")}, using temporary directory: ${own}\n`,
    );
    return own;
  }
}
