import { copyFile, mkdir, readFile, writeFile } from "node:fs/promises";
import { execa } from "execa";
import { describe, expect, test } from "vitest";
import { facts, host, inInstaller, nixFlags, toDisko, upload } from "./calls.ts";
import { forEachTest, type Recording } from "./recording.ts";
import { subjects } from "./subjects.ts";

/*
 * What a nixos-anywhere does with its command line, the machine and the programs on PATH: one list for the lab's stand-in and for
 * the real one, where BERTH_NIXOS_ANYWHERE names it; here what it sends.
 */

let recording: Recording;
forEachTest((made) => {
  recording = made;
});

describe.each(subjects)("$name", (subject) => {
  const run = (args: readonly string[], env?: NodeJS.ProcessEnv) => recording.run(subject, args, env);
  const flake = (...more: string[]) => ["--flake", "path:/f#web", "-i", recording.path("login"), ...more];

  describe("what it sends", () => {
    test("the key that it is given, or the one in the environment, or one of its own, opens the machine", async () => {
      const kept = `for word; do case "$word" in */nixos-anywhere) cat "$word" "$word.pub" >>"$STATE/keys"; stat -c %a "$word" >>"$STATE/modes";; esac; done`;
      await recording.answer("ssh-copy-id", kept);
      await recording.target({ facts: inInstaller });
      const [privateKey, publicKey] = await Promise.all(
        ["login", "login.pub"].map((name) => readFile(recording.path(name), "utf8")),
      );
      const without = recording
        .usual("--phases", "reboot")
        .filter((word, index, all) => word !== "-i" && all[index - 1] !== "-i");
      const key = async (args: string[], env = {}) => {
        await writeFile(recording.path("state/keys"), "");
        await recording.target({ facts: inInstaller });
        expect((await run(args, env)).exitCode).toBe(0);
        return readFile(recording.path("state/keys"), "utf8");
      };
      const body = (text = "") => text.split(" ")[1]?.trim();
      expect(await key(recording.usual("--phases", "reboot"))).toContain(privateKey);
      expect(await key(without, { SSH_PRIVATE_KEY: privateKey?.trimEnd() })).toContain(body(publicKey));
      const own = await key(without);
      expect(own).toMatch(/ssh-ed25519 \S+ nixos-anywhere/);
      expect(own).not.toContain(body(publicKey));
      expect(await readFile(recording.path("state/modes"), "utf8")).toBe("600\n600\n600\n");
    });

    test("the system's own ssh-copy-id goes through the ssh on PATH", async () => {
      await recording.target({ facts: inInstaller });
      await recording.withoutFake("ssh-copy-id");
      expect((await run(recording.usual("--phases", "reboot"))).exitCode).toBe(0);
      const uploads = (await recording.transcript()).slice(1, -4);
      expect(uploads.length).toBeGreaterThan(0);
      for (const call of uploads)
        expect(call).toMatch(/^ssh .*-o IdentitiesOnly=no -o ConnectTimeout=10 .*root@/);
    });

    test("extra files keep their modes, and what owns them is set by path", async () => {
      await recording.target({ facts: inInstaller });
      const owned = ["--chown", "/home/ada", "1000:100", "--chown", "/srv", "33:33"];
      await run(recording.usual("--phases", "install", "--extra-files", recording.path("extra"), ...owned));
      const tar = (await recording.calls()).findIndex(({ arguments: args }) =>
        args.at(-1)?.startsWith("tar -C /mnt"),
      );
      const name = String(tar).padStart(3, "0");
      const { stdout } = await execa("tar", ["-tvf", recording.path(`calls/${name}-ssh/stdin`)]);
      expect(stdout).toMatch(/^drwx.* \.\/etc\/$/m);
      expect(stdout).toMatch(/^-rw------- .* \.\/etc\/lasting$/m);
      const ending = 'while read file ownership; do chown -R "$ownership" "/mnt/$file"; done';
      const read = await execa("sh", ["-c", 'while read file ownership; do echo "$file $ownership"; done'], {
        input: await recording.stdinOf(ending),
      });
      expect(read.stdout.split("\n").sort()).toEqual(["/home/ada 1000:100", "/srv 33:33"]);
    });

    test("keys for the disks are there before it is laid out, and only root reads them", async () => {
      await recording.target({ facts: inInstaller });
      const key = recording.path("login");
      const { steps } = await run(
        recording.usual("--phases", "disko", "--disk-encryption-keys", "/run/keys/root", key),
      );
      expect(steps.slice(2)).toEqual([
        `### Uploading ${key} to /run/keys/root ###`,
        "### Formatting hard drive with disko ###",
        "### Done! ###",
      ]);
      expect((await recording.transcript()).slice(3)).toEqual([
        'ssh -T … root@ umask 077; mkdir -p "/run/keys"; cat > /run/keys/root',
        toDisko,
        "ssh -T … root@ HERE/disko",
      ]);
      expect(await recording.stdinOf("cat > /run/keys/root")).toBe(await readFile(key, "utf8"));
    });

    test("copies are told their store, their source and every option, and ssh's own", async () => {
      await recording.target({ facts: inInstaller });
      const options = [
        "--option",
        "cores",
        "1",
        "--from",
        "https://cache.example.org",
        "--ssh-store-setting",
        "max-connections",
        "2",
      ];
      await run(
        recording.usual(
          "--phases",
          "disko",
          "--no-substitute-on-destination",
          "-L",
          "-p",
          "2222",
          ...options,
        ),
      );
      const copy = (await recording.calls()).find(({ program }) => program === "nix");
      expect(copy && recording.brief(copy)).toBe(
        `nix copy ${nixFlags} --option cores 1 -L --from https://cache.example.org --to ssh://root@?compress=true&max-connections=2 HERE/disko`,
      );
      expect(
        recording.brief({
          program: "",
          arguments: [copy?.sshOptions ?? ""],
          stdin: "",
          sshOptions: "",
          at: 0,
        }),
      ).toBe(" … -p 2222");
    });

    test("the installer learns the caches of the flake's configuration, unless it shall not ask any", async () => {
      await recording.target({ facts: inInstaller });
      await recording.answer(
        "nix",
        `case "$*" in *substituters) echo https://cache.example.org;; *keys) echo "cache:key=";; esac`,
      );
      const built = ["--build-on", "local", "--phases", "reboot"];
      expect((await run([...flake(...built), host])).exitCode).toBe(0);
      const told = (await recording.calls()).filter((call) => call.arguments.at(-1) === "sh");
      await execa("sh", { input: told[0]?.stdin ?? "", env: { HOME: recording.path("home") } });
      expect(await readFile(recording.path("home/.config/nix/nix.conf"), "utf8")).toBe(
        "extra-substituters = https://cache.example.org\nextra-trusted-public-keys = cache:key=\n",
      );
      const evaluated = (await recording.transcript()).filter((call) => call.startsWith("nix eval"));
      expect(evaluated).toEqual(
        ["substituters", "trusted-public-keys"].map(
          (name) =>
            `nix eval ${nixFlags} --apply toString path:/f#nixosConfigurations."web".config.nix.settings.${name}`,
        ),
      );
      for (const option of ["--no-use-machine-substituters", "--no-substitute-on-destination"]) {
        const before = (await recording.calls()).length;
        await recording.target({ facts: inInstaller });
        expect((await run([...flake(...built, option), host])).exitCode).toBe(0);
        expect(
          (await recording.transcript()).slice(before).filter((call) => call.startsWith("nix ")),
        ).toEqual([]);
      }
    });

    test("caches that the configuration does not tell of end it with the installer left", async () => {
      await recording.target({ facts: inInstaller });
      await recording.answer("nix", `case "$*" in *substituters) exit 1;; esac`);
      const ended = await run([...flake("--build-on", "local", "--phases", "disko"), host]);
      expect([ended.exitCode, ended.steps]).toEqual([1, [upload, facts]]);
    });
  });

  describe("the script that boots the installer", () => {
    /** Runs what was sent, with a tarball whose kexec/run tells how it was called and then does this. */
    async function boot(end: string, args: readonly string[] = [], url = recording.path("kexec.tar.gz")) {
      const calledWith = `printf 'called with'; printf ' [%s]' "$@"; echo " in $TMPDIR"`;
      await mkdir(recording.path("pack/kexec"), { recursive: true });
      await writeFile(recording.path("pack/kexec/run"), `#!/bin/sh\n${calledWith}\n${end}\n`, {
        mode: 0o755,
      });
      await execa("tar", ["-C", recording.path("pack"), "-czf", recording.path("kexec.tar.gz"), "kexec"]);
      await run(recording.usual("--kexec", url, "--phases", "kexec", ...args));
      const script = await recording.stdinOf('cat > "$HOME/kexec/nixos-anywhere-kexec.sh"');
      await mkdir(recording.path("machine/kexec"), { recursive: true });
      await copyFile(recording.path("kexec.tar.gz"), recording.path("machine/kexec/kexec-tarball.tar.gz"));
      const ended = await execa("bash", ["-c", script], {
        env: { HOME: recording.path("machine"), PATH: `${recording.path("machine")}:${process.env.PATH}` },
        reject: false,
        all: true,
      });
      const log = await readFile(recording.path("machine/kexec/nixos-anywhere.log"), "utf8");
      return { exitCode: ended.exitCode, all: ended.all, log };
    }

    test("unpacks and starts it with its flags, and succeeds by what it announces", async () => {
      const { exitCode, all, log } = await boot("echo machine will boot into nixos in 6s; exit 9", [
        "--kexec-extra-flags",
        "--no-sync --flag 'a b'",
      ]);
      expect(log).toContain(
        `called with [--kexec-extra-flags] [--no-sync --flag 'a b'] in ${recording.path("machine/kexec")}`,
      );
      expect(log).toContain("machine will boot into nixos");
      expect(all).toContain(log.trim());
      expect(exitCode).toBe(0);
    });

    test("fails where nothing is announced, whatever the installer says", async () => {
      const { exitCode, all, log } = await boot("echo no memory; exit 0");
      expect(log).toContain("no memory");
      expect(all).toMatch(/Kexec may have failed/);
      expect(exitCode).toBe(1);
    });

    test.each([
      ["wget", { hasWget: "y", hasCurl: "y" }, "http://x.example.org/a b.tar.gz -O-"],
      ["curl", { hasCurl: "y" }, "--fail -Ss -L http://x.example.org/a b.tar.gz"],
    ])("fetches it with %s where it is there", async (tool, has, called) => {
      await recording.target({ facts: has });
      await mkdir(recording.path("machine"));
      await writeFile(
        recording.path(`machine/${tool}`),
        `#!/bin/sh\necho "$*" >"${recording.path("fetched")}"; cat '${recording.path("kexec.tar.gz")}'\n`,
        { mode: 0o755 },
      );
      const { exitCode } = await boot(
        "echo machine will boot into nixos",
        [],
        "http://x.example.org/a b.tar.gz",
      );
      expect([exitCode, await readFile(recording.path("fetched"), "utf8")]).toEqual([0, `${called}\n`]);
    });

    test("gets it from here where the machine can fetch nothing", async () => {
      await recording.answer("curl", "echo fetched here");
      await run(recording.usual("--kexec", "http://x.example.org/a.tar.gz", "--phases", "kexec"));
      expect(await recording.stdinOf('cat > "$HOME/kexec/kexec-tarball.tar.gz"')).toBe("fetched here\n");
      expect(await recording.transcript()).toContain("curl --fail -Ss -L http://x.example.org/a.tar.gz");
    });
  });
});
