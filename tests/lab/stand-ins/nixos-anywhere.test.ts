import { describe, expect, test } from "vitest";
import { host, inInstaller, nixFlags } from "./calls.ts";
import { forEachTest, type Recording } from "./recording.ts";
import { hasRealOne, NO_REAL_ONE, subjects } from "./subjects.ts";

/*
 * What a nixos-anywhere does with its command line, the machine and the programs on PATH: one list for the lab's stand-in and for
 * the real one, where BERTH_NIXOS_ANYWHERE names it; here its command line, and what it does before it contacts anybody.
 */

test("the real nixos-anywhere keeps to the same list as the stand-in", ({ skip }) => {
  skip(!hasRealOne, NO_REAL_ONE);
  expect(subjects.map(({ isStandIn }) => isStandIn)).toEqual([true, false]);
});

let recording: Recording;
forEachTest((made) => {
  recording = made;
});

describe.each(subjects)("$name", (subject) => {
  const run = (args: readonly string[], env?: NodeJS.ProcessEnv) => recording.run(subject, args, env);
  const flake = (...more: string[]) => ["--flake", "path:/f#web", "-i", recording.path("login"), ...more];

  describe("before it contacts anybody", () => {
    test.each<[what: string, args: string, says: RegExp]>([
      ["no host", "-s D S", /ssh-host must be set/],
      ["nothing to install", "HOST", /--flake or --store-paths must be set/],
      ["a disko script alone", "-s D", /.*/],
      ["store paths that are not there", "-s NONE S --build-on local HOST", /must be existing store-paths/],
      ["an unknown phase", "-s D S --phases disko,format HOST", /Unknown phase: format/],
      [
        "an unknown place to build",
        "-s D S --build-on moon HOST",
        /are auto, local and remote. Unknown mode : moon/,
      ],
      [
        "an unknown disko mode",
        "-f .#w --disko-mode moon HOST",
        /are disko, mount and format. Unknown mode : moon/,
      ],
      [
        "a disko mode beside store paths",
        "-s D S --disko-mode mount HOST",
        /cannot be used if --store-paths is used/,
      ],
      [
        "a flake without a configuration",
        "-f path:/f HOST",
        /name of the NixOS configuration to be installed/,
      ],
      ["two hosts", "-s D S one two", /.*/],
      ["an unknown option beside a host", "-s D S HOST --bogus", /.*/],
      ["a key file that is not there", "-s D S --build-on local -i NONE HOST", /.*/],
    ])("it refuses %s", async (_, line, says) => {
      const words: Record<string, string> = {
        D: recording.path("disko"),
        S: recording.path("toplevel"),
        NONE: recording.path("none"),
        HOST: host,
      };
      const args = line.split(" ").map((word) => words[word] ?? word);
      const ended = await run(args);
      expect(ended.output).toMatch(says);
      expect(ended.exitCode).toBe(1);
      const contacts = (await recording.transcript()).filter((call) => !/ -G |^nix /.test(call));
      expect(contacts).toEqual([]);
      expect(await recording.left()).toEqual([]);
    });

    test("it tells its options", async () => {
      const { exitCode, output } = await run(["--help"]);
      expect([exitCode, await recording.calls()]).toEqual([0, []]);
      for (const option of [
        "--store-paths",
        "--kexec",
        "--phases",
        "--extra-files",
        "--build-on",
        "--target-host",
      ]) {
        expect(output).toContain(option);
      }
    });

    test("it builds what the phases need", async () => {
      await recording.target({ facts: inInstaller });
      const built = async (...more: string[]) => {
        const before = (await recording.transcript()).length;
        await run([...flake("--build-on", "local", ...more), host]);
        const calls = (await recording.transcript()).slice(before);
        return calls.slice(
          0,
          calls.findIndex((call) => !call.startsWith("nix build")),
        );
      };
      const build = `nix build --print-out-paths --no-link`;
      const attribute = 'path:/f#nixosConfigurations."web".config.system.build';
      expect(await built("--phases", "disko,install")).toEqual([
        `${build} ${nixFlags} ${attribute}.diskoScript`,
        `${build} ${nixFlags} ${attribute}.toplevel`,
      ]);
      expect(
        await built("--phases", "disko", "--option", "cores", "1", "--show-trace", "--no-disko-deps", "-L"),
      ).toEqual([`${build} --show-trace ${nixFlags} --option cores 1 -L ${attribute}.diskoScriptNoDeps`]);
      expect(await built("--phases", "reboot")).toEqual([]);
    });

    test("a build that fails ends it with the build's own code", async () => {
      await recording.answer("nix", "echo 'error: builder failed' >&2; exit 3");
      const ended = await run([...flake("--build-on", "local"), host]);
      expect([ended.exitCode, ended.steps]).toEqual([3, []]);
      expect((await recording.calls()).map(({ program }) => program)).toEqual(["nix"]);
      expect(await recording.left()).toEqual([]);
    });

    test("by itself it builds here what is for a machine like this one", async () => {
      await recording.target({ facts: inInstaller });
      await recording.answer(
        "nix",
        `case "$*" in *" eval --raw "*|*"show system") printf x86_64-linux;; esac`,
      );
      await run([...flake("--phases", "disko"), host]);
      const calls = await recording.transcript();
      expect(calls).toContain(
        'nix --extra-experimental-features nix-command flakes eval --raw path:/f#nixosConfigurations."web".config.pkgs.system',
      );
      const build = calls.findIndex((call) => call.startsWith("nix build --print-out-paths"));
      const contact = calls.findIndex((call) => call.startsWith("ssh-copy-id"));
      expect([build >= 0, contact > build]).toEqual([true, true]);
    });
  });

  if (subject.isStandIn) {
    describe("is stricter than the real one, in words:", () => {
      test.each<[what: string, args: string[], says: RegExp]>([
        ["an unknown option is never taken for the host", ["--bogus"], /unknown option --bogus/],
        ["it downloads no installer of its own accord", [], /give --kexec the lab's tarball/],
        ["it builds nothing on the machine", ["--build-on", "remote"], /does not do --build-on remote/],
        ["it prints no private key", ["--debug"], /does not do --debug/],
      ])("%s", async (_, args, says) => {
        const ended = await run(recording.usual(...args));
        expect(ended.output.split("\n")[0]).toMatch(/stand-in of Berth's lab/);
        expect([ended.exitCode, ended.stderr]).toEqual([1, expect.stringMatching(says)]);
      });
    });
  }
});
