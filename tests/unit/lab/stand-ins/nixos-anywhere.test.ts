import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";

const program = new URL("../../../../lab/stand-ins/nixos-anywhere", import.meta.url).pathname;

let folder: string;

/** Puts a program on PATH; `calls` gets a line for each use of it. */
async function fake(name: string, script = ""): Promise<void> {
  const file = join(folder, "bin", name);
  await writeFile(file, `#!/bin/sh\necho "${name} $*" >>'${folder}/calls'\n${script}\n`);
  await chmod(file, 0o755);
}

/** A target that is the installer, answers `rules` (shell patterns of the command) and is gone after the reboot. */
async function target({ installer = "y", rules = "" } = {}): Promise<void> {
  await fake(
    "ssh",
    `case "$*" in
    ${rules}
    *"-G "*) echo "user root" ;;
    *"enableDebug= sh --") cat >/dev/null
      for fact in isOs=Linux isArch=x86_64 isInstaller=${installer} isContainer=none isRoot=y hasIpv6Only=n hasTar=y \\
        hasCpio=y hasSudo=n hasDoas=n hasWget=n hasCurl=n hasSetsid=y; do echo "$fact"; done ;;
    *"-- exit 0") exit 255 ;;
    *" sh") cat >>'${folder}/stdin' ;;
    *" cat > "* | *"tar -C /mnt"*) cat >/dev/null ;;
    esac`,
  );
}

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "stand-in-"));
  for (const name of ["bin", "home", "tmp", "extra"]) await mkdir(join(folder, name));
  for (const name of ["disko", "toplevel"]) await writeFile(join(folder, name), "");
  await writeFile(join(folder, "kexec.tar.gz"), "");
  await target();
  await fake("nix");
  await fake("timeout", 'shift; exec "$@"');
  await fake("ssh-copy-id");
  await fake("ssh-keygen", 'while [ "$1" != -f ]; do shift; done; echo key >"$2"');
});
afterEach(() => rm(folder, { recursive: true, force: true }));

function start(...more: string[]) {
  const paths = ["--store-paths", join(folder, "disko"), join(folder, "toplevel"), "--build-on", "local"];
  const child = spawn(program, [...paths, ...more, "--target-host", "root@192.0.2.7"], {
    env: {
      PATH: `${join(folder, "bin")}:${process.env.PATH}`,
      HOME: join(folder, "home"),
      TMPDIR: join(folder, "tmp"),
    },
    stdio: ["ignore", "pipe", "pipe"],
    detached: true,
  });
  let output = "";
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (chunk: Buffer) => (output += chunk));
  const ended = new Promise<{ code: number | null; output: string }>((resolve) => {
    child.on("close", (code) => resolve({ code, output }));
  });
  return { child, ended };
}

const run = (...more: string[]) => start(...more).ended;
const calls = async () =>
  (await readFile(join(folder, "calls"), "utf8")).split("\n").filter((line) => line !== "");
const steps = (output: string) => output.split("\n").filter((line) => line.startsWith("###"));

describe("the stand-in for nixos-anywhere", () => {
  test("says first what it is, then goes through the phases and ends when the machine is gone", async () => {
    const { code, output } = await run("--extra-files", join(folder, "extra"));
    expect(output.split("\n")[0]).toMatch(/stand-in/);
    expect(steps(output)).toEqual([
      "### Uploading install SSH keys ###",
      "### Gathering machine facts ###",
      "### Formatting hard drive with disko ###",
      "### Uploading the system closure ###",
      "### Copying extra files ###",
      "### Installing NixOS ###",
      "### Rebooting ###",
      "### Waiting for the machine to become unreachable due to reboot ###",
      "### Done! ###",
    ]);
    expect(code).toBe(0);
  });

  test("the closure goes to the store below /mnt, the disko script to the installer's own", async () => {
    await run();
    const copies = (await calls())
      .filter((line) => line.startsWith("nix "))
      .map((line) => line.split(" --to ")[1]);
    expect(copies).toEqual([
      `ssh://root@192.0.2.7?compress=true ${folder}/disko`,
      `ssh://root@192.0.2.7?remote-store=local%3Froot=%2Fmnt&compress=true ${folder}/toplevel`,
    ]);
  });

  test("nixos-install gets the system and no questions to ask", async () => {
    await run("--copy-host-keys");
    const stdin = await readFile(join(folder, "stdin"), "utf8");
    expect(stdin).toContain(`system='${folder}/toplevel'\ncopy_host_keys=y\n`);
    expect(stdin).toContain('nixos-install --no-root-passwd --no-channel-copy --system "$system"');
    expect(stdin).toContain("nohup sh -c 'sleep 6 && reboot'");
  });

  test("the failure of the disko script ends it with the script's own code, before anything is installed", async () => {
    await target({ rules: "*/disko) exit 7 ;;" });
    const { code, output } = await run();
    expect(code).toBe(7);
    expect(steps(output).at(-1)).toBe("### Formatting hard drive with disko ###");
  });

  test("a kexec that does not announce the installer fails with what the target logged", async () => {
    await target({
      installer: "n",
      rules: `*nixos-anywhere.log*) echo "no memory" ;; *bash*kexec.sh*) exit 1 ;;`,
    });
    const { code, output } = await run("--kexec", join(folder, "kexec.tar.gz"));
    expect(output).toMatch(/Remote output log:\nno memory\n+Kexec failed/);
    expect(code).toBe(1);
  });

  test("it downloads no installer of its own accord", async () => {
    await target({ installer: "n" });
    const { code, output } = await run();
    expect(output).toMatch(/give --kexec/);
    expect(code).toBe(1);
  });

  test("a build that fails ends it before the target is contacted", async () => {
    await fake("nix", "echo 'error: builder failed' >&2; exit 1");
    const { code } = await run("--flake", ".#web");
    expect(code).toBe(1);
    expect((await calls()).filter((line) => !line.startsWith("nix "))).toEqual([]);
  });

  test("store paths that do not exist end it before the target is contacted", async () => {
    await rm(join(folder, "toplevel"));
    const { code, output } = await run();
    expect(output).toMatch(/must be existing store-paths/);
    expect(code).toBe(1);
    expect(existsSync(join(folder, "calls"))).toBe(false);
  });

  test("ended by a signal, it leaves no key behind", async () => {
    await fake("ssh-copy-id", "exit 1");
    const { child, ended } = start();
    while (
      !existsSync(join(folder, "calls")) ||
      !(await calls()).some((line) => line.startsWith("ssh-copy-id"))
    ) {
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    process.kill(-(child.pid ?? 0), "SIGTERM");
    expect((await ended).code).toBe(143);
    expect(await readdir(join(folder, "tmp"))).toEqual([]);
  });

  test("it leaves no key behind when it is through", async () => {
    await run();
    expect(await readdir(join(folder, "tmp"))).toEqual([]);
  });

  test("it gives way to the real one when that is on PATH", async () => {
    await fake("nixos-anywhere", "echo the real one: $1");
    const { output } = await run();
    expect(output).toBe("the real one: --store-paths\n");
  });
});
