import { describe, expect, test } from "vitest";
import { entry, facts, inInstaller, look, plainFacts, reboot, toDisko, toSystem, upload } from "./calls.ts";
import { forEachTest, type Recording } from "./recording.ts";
import { subjects } from "./subjects.ts";

/*
 * What a nixos-anywhere does with its command line, the machine and the programs on PATH: one list for the lab's stand-in and for
 * the real one, where BERTH_NIXOS_ANYWHERE names it; here its phases, waits and ends.
 */

let recording: Recording;
forEachTest((made) => {
  recording = made;
});

describe.each(subjects)("$name", (subject) => {
  const run = (args: readonly string[], env?: NodeJS.ProcessEnv) => recording.run(subject, args, env);

  describe("on a machine", () => {
    test("it goes through all phases, by these calls and no others", async () => {
      const { exitCode, steps, output } = await run(
        recording.usual("--kexec", recording.path("kexec.tar.gz"), "--extra-files", recording.path("extra")),
      );
      expect(exitCode, output).toBe(0);
      expect(steps).toEqual([
        upload,
        facts,
        "### Switching system into kexec ###",
        facts,
        "### Formatting hard drive with disko ###",
        "### Uploading the system closure ###",
        "### Copying extra files ###",
        "### Installing NixOS ###",
        "### Rebooting ###",
        "### Waiting for the machine to become unreachable due to reboot ###",
        "### Done! ###",
      ]);
      expect(await recording.transcript()).toEqual([
        ...entry(),
        'ssh -T … root@ mkdir -p "$HOME/kexec" && cat > "$HOME/kexec/nixos-anywhere-kexec.sh"',
        'ssh -T … root@ cat > "$HOME/kexec/kexec-tarball.tar.gz"',
        'ssh -T … root@ bash "$HOME/kexec/nixos-anywhere-kexec.sh"',
        "timeout 10 ssh … root@ -- exit 0",
        "ssh … root@ -- exit 0",
        "ssh -T … root@ -o ConnectTimeout=10 -- exit 0",
        look,
        toDisko,
        "ssh -T … root@ HERE/disko",
        toSystem,
        "ssh -T … root@ tar -C /mnt -xf- --no-same-owner",
        "ssh -T … root@ chmod 755 /mnt",
        "ssh -T … root@ sh",
        ...reboot,
      ]);
      expect(await recording.stdinOf('cat > "$HOME/kexec/kexec-tarball.tar.gz"')).toBe("a tarball");
      expect(await recording.left()).toEqual([]);
    });

    test("in the installer it neither boots it again nor uploads it", async () => {
      await recording.target({ facts: inInstaller });
      const { exitCode, steps } = await run(recording.usual("--kexec", recording.path("kexec.tar.gz")));
      expect([exitCode, steps.slice(0, 3)]).toEqual([
        0,
        [upload, facts, "### Formatting hard drive with disko ###"],
      ]);
    });

    test("--force-kexec boots it again, and swallows the next argument", async () => {
      await recording.target({ facts: inInstaller });
      const kexec = ["--force-kexec", "--copy-host-keys", "--kexec", recording.path("kexec.tar.gz")];
      const { steps } = await run(recording.usual(...kexec, "--phases", "kexec"));
      expect(steps).toEqual([upload, facts, "### Switching system into kexec ###", facts, "### Done! ###"]);
    });

    test("a NixOS that is installed is booted into the installer and wiped without a question", async () => {
      await recording.target({ facts: { isNixos: "y" } });
      const { exitCode, steps } = await run(recording.usual("--kexec", recording.path("kexec.tar.gz")));
      expect(exitCode).toBe(0);
      expect(steps).toContain("### Formatting hard drive with disko ###");
    });

    test("without the kexec phase it logs in as root and wipes whatever runs there", async () => {
      await recording.target({ user: "admin" });
      const args = recording.usual("--phases", "disko").with(-1, "admin@192.0.2.7");
      const { exitCode, steps } = await run(args);
      expect([exitCode, steps]).toEqual([
        0,
        [upload, facts, "### Formatting hard drive with disko ###", "### Done! ###"],
      ]);
      expect(await recording.transcript()).toEqual([...entry("admin"), toDisko, "ssh -T … root@ HERE/disko"]);
    });

    test.each([
      ["install", [toSystem, "ssh -T … root@ sh"]],
      ["reboot", reboot],
    ])("the phase %s is run alone", async (phase, calls) => {
      await recording.target({ facts: inInstaller });
      const { exitCode } = await run(recording.usual("--phases", phase));
      expect([exitCode, await recording.transcript()]).toEqual([0, [...entry(), ...calls]]);
    });

    test("after a disk layout that failed, the rest is run by its phases", async () => {
      await recording.target({ facts: inInstaller, rules: `*/disko) exit 7 ;;` });
      const failed = await run(recording.usual());
      expect([failed.exitCode, failed.steps.at(-1)]).toEqual([7, "### Formatting hard drive with disko ###"]);
      await recording.target({ facts: inInstaller });
      const { exitCode, steps } = await run(recording.usual("--phases", "disko,install,reboot"));
      expect([exitCode, steps.at(-1)]).toEqual([0, "### Done! ###"]);
    });

    test("a user who may sudo boots the installer, and root goes on there", async () => {
      await recording.target({ user: "admin", facts: { isRoot: "n", hasSudo: "y" } });
      const kexec = recording.path("kexec.tar.gz");
      const { exitCode } = await run(
        recording.usual("--kexec", kexec, "--phases", "kexec,disko").with(-1, "admin@192.0.2.7"),
      );
      expect(exitCode).toBe(0);
      const users = (await recording.transcript()).map((call) => /\b(\w+)@/.exec(call)?.[1]);
      expect(users.slice(0, 8)).toEqual(Array(8).fill("admin"));
      expect(new Set(users.slice(8))).toEqual(new Set(["root"]));
      expect((await recording.transcript()).slice(8)).toEqual([
        "ssh -T … root@ -o ConnectTimeout=10 -- exit 0",
        look,
        "ssh -T … root@  mkdir -p /root/.ssh;  cp ~/.ssh/authorized_keys /root/.ssh || true",
        toDisko,
        "ssh -T … root@ HERE/disko",
      ]);
    });

    test("the port of the installer may be another one", async () => {
      const kexec = ["--kexec", recording.path("kexec.tar.gz"), "--phases", "kexec,disko"];
      await run(
        recording.usual(
          "-p",
          "2222",
          "--post-kexec-ssh-port",
          "2223",
          "--ssh-option",
          "Compression=yes",
          ...kexec,
        ),
      );
      const ports = (await recording.transcript()).map(
        (call) => /… (-p \d+ -o Compression=yes)? ?/.exec(call)?.[1] ?? "",
      );
      const gone = ports.indexOf("-p 2223 -o Compression=yes");
      expect(gone).toBe(6);
      expect(new Set(ports.slice(0, gone))).toEqual(new Set(["-p 2222 -o Compression=yes"]));
      expect(new Set(ports.slice(gone))).toEqual(new Set(["-p 2223 -o Compression=yes", ""]));
    });

    test("it waits 3 s for a login, 1 s for the machine to go and 5 s for it to come back", async () => {
      await recording.answer("ssh-copy-id", `[ -e "$STATE/once" ] || { : >"$STATE/once"; exit 1; }`);
      await recording.target({ lingers: 1, absent: 1 });
      await run(recording.usual("--kexec", recording.path("kexec.tar.gz"), "--phases", "kexec"));
      const calls = await recording.calls();
      const gap = (of: (brief: string) => boolean) => {
        const [first = 0, second = 0] = calls.filter((call) => of(recording.brief(call))).map(({ at }) => at);
        return Math.round((second - first) / 1000);
      };
      expect([
        gap((call) => call.startsWith("ssh-copy-id")),
        gap((call) => call.startsWith("timeout 10 ssh")),
        gap((call) => call.endsWith("-o ConnectTimeout=10 -- exit 0")),
      ]).toEqual([3, 1, 5]);
    });
  });

  describe("ends", () => {
    test.each<[what: string, rules: string, exitCode: number, step: string]>([
      ["the look at the machine", '*"enableDebug="*) exit 4 ;;', 1, facts],
      ["the disk layout", "*/disko) exit 7 ;;", 7, "### Formatting hard drive with disko ###"],
      ["the extra files", '*"tar -C"*) exit 8 ;;', 8, "### Copying extra files ###"],
      ["their folder's mode", '*"chmod 755"*) exit 8 ;;', 8, "### Copying extra files ###"],
      [
        "nixos-install",
        '*" sh") if grep -q nixos-install "$STDIN"; then exit 9; fi ;;',
        9,
        "### Installing NixOS ###",
      ],
      ["the restart", '*" sh") if grep -q reboot "$STDIN"; then exit 6; fi ;;', 6, "### Rebooting ###"],
    ])("with the code of %s that fails", async (_, rules, exitCode, step) => {
      await recording.target({ facts: inInstaller, rules });
      const ended = await run(recording.usual("--extra-files", recording.path("extra")));
      expect([ended.exitCode, ended.steps.at(-1)]).toEqual([exitCode, step]);
      expect(await recording.left()).toEqual([]);
    });

    test.each([
      ["the disk script", "disko", "### Uploading the system closure ###", facts],
      ["the system", "toplevel", "### Installing NixOS ###", "### Uploading the system closure ###"],
    ])("with the code of the copy of %s that fails", async (_, path, never, step) => {
      await recording.target({ facts: inInstaller });
      await recording.answer("nix", `case "$*" in *"/${path}") exit 5 ;; esac`);
      const ended = await run(recording.usual());
      expect([ended.exitCode, ended.steps.at(-1), ended.steps.includes(never)]).toEqual([5, step, false]);
    });

    test("with 1 when the kexec does not announce the installer, and tells what the machine logged", async () => {
      const rules = `*'bash "$HOME/kexec/nixos-anywhere-kexec.sh"') exit 1 ;; *nixos-anywhere.log*) echo "no memory"; exit ;;`;
      await recording.target({ rules });
      const ended = await run(recording.usual("--kexec", recording.path("kexec.tar.gz")));
      expect([ended.exitCode, ended.steps.at(-1)]).toEqual([1, "### Switching system into kexec ###"]);
      expect(ended.stderr).toMatch(/Remote output log:\nno memory\n+Kexec failed/);
    });

    test("with 1 when what comes back is no installer", async () => {
      await recording.target({ booted: { ...plainFacts, isInstaller: "n" } });
      const ended = await run(recording.usual("--kexec", recording.path("kexec.tar.gz")));
      expect([ended.exitCode, ended.steps.at(-1)]).toEqual([1, facts]);
      expect(ended.stderr).toMatch(/Failed to kexec into NixOS installer/);
    });

    test.each<[what: string, facts: Record<string, string>, says: RegExp]>([
      ["without tar", { hasTar: "n" }, /no tar command found/],
      ["without cpio", { hasCpio: "n" }, /no cpio command found/],
      ["without a setsid that waits", { hasSetsid: "n" }, /no setsid command respecting --wait/],
      ["that is no Linux", { isOs: "FreeBSD" }, /requires Linux as the operating system, but got FreeBSD/],
      ["that tells too little", { hasIpv6Only: "" }, /Failed to retrieve fact hasIpv6Only from host/],
      ["without a way to become root", { isRoot: "n" }, /Could not find `sudo` or `doas`/],
    ])("with 1 on a machine %s", async (_, changed, says) => {
      await recording.target({ facts: changed });
      const ended = await run(recording.usual("--kexec", recording.path("kexec.tar.gz")));
      expect([ended.exitCode, ended.steps.at(-1)]).toEqual([1, facts]);
      expect(ended.stderr).toMatch(says);
    });

    test.each(["SIGTERM", "SIGINT", "SIGHUP"] as const)("by %s, and leaves no key behind", async (signal) => {
      await recording.answer("ssh-copy-id", "exit 1");
      const child = recording.start(subject, recording.usual());
      await expect
        .poll(async () => (await recording.transcript()).some((call) => call.startsWith("ssh-copy-id")))
        .toBe(true);
      expect(await recording.left()).toHaveLength(1);
      process.kill(-(child.pid ?? 0), signal);
      const ended = await child;
      expect(ended.signal ?? ended.exitCode).toBe(signal);
      expect(await recording.left()).toEqual([]);
    });
  });
});
