import { describe, expect, test } from "vitest";
import { parseArguments, UsageError } from "../../../../lab/stand-ins/nixos-anywhere-arguments.ts";

const asIs = (path: string) => path;
const parse = (line: string) => parseArguments(line === "" ? [] : line.split(" "), asIs);

describe("the command line of nixos-anywhere's stand-in", () => {
  test("what Berth passes is understood as the real one does", () => {
    expect(
      parse(
        "--store-paths /nix/store/d /nix/store/s --kexec /k.tar.gz --extra-files /x --build-on local -i /key " +
          "-p 2222 --ssh-option ConnectTimeout=10 --ssh-option ServerAliveInterval=5 --target-host root@192.0.2.7",
      ),
    ).toEqual({
      target: "root@192.0.2.7",
      phases: new Set(["kexec", "disko", "install", "reboot"]),
      source: { from: "store", disko: "/nix/store/d", toplevel: "/nix/store/s" },
      buildOn: "local",
      identity: "/key",
      sshArguments: ["-p", "2222", "-o", "ConnectTimeout=10", "-o", "ServerAliveInterval=5"],
      postKexecPort: "22",
      kexec: "/k.tar.gz",
      forceKexec: false,
      kexecFlags: "",
      extraFiles: "/x",
      ownership: [],
      installerFiles: [],
      copyHostKeys: false,
      storeSettings: "compress=true",
      copyOptions: ["--substitute-on-destination"],
      nixOptions: [],
      buildFlags: [],
      machineSubstituters: true,
    });
  });

  test.each([
    ["a short name means a configuration", ".#web", ".", 'nixosConfigurations."web".config'],
    [
      "a whole attribute path is kept",
      "path:/a#nixosConfigurations.web.x",
      "path:/a",
      "nixosConfigurations.web.x",
    ],
    ["the last # separates", "path:/a#b#web", "path:/a#b", 'nixosConfigurations."web".config'],
  ])("%s", (_, flake, reference, attribute) => {
    expect(parse(`--flake ${flake} host`).source).toEqual({
      from: "flake",
      flake: reference,
      attribute,
      disko: "diskoScript",
    });
  });

  test("a flake wins over store paths", () => {
    expect(parse("-s /d /s -f .#web host").source.from).toBe("flake");
  });

  test("the disko mode and its dependencies choose the script", () => {
    expect(parse("-f .#web --disko-mode mount --no-disko-deps host").source).toMatchObject({
      disko: "mountScriptNoDeps",
    });
  });

  test("only the phases that are named are run", () => {
    expect([...parse("-s /d /s --phases disko,reboot host").phases]).toEqual(["disko", "reboot"]);
  });

  test("--force-kexec drops the argument after it, as in the real one", () => {
    const plan = parse("-s /d /s --force-kexec --copy-host-keys host");
    expect([plan.forceKexec, plan.copyHostKeys]).toEqual([true, false]);
  });

  test("no substitution on the target means no substituters for it either", () => {
    const plan = parse("-s /d /s --no-substitute-on-destination host");
    expect([plan.copyOptions, plan.machineSubstituters]).toEqual([[], false]);
  });

  test.each([
    ["no host", "-s /d /s", /ssh-host must be set/],
    ["nothing to install", "host", /--flake or --store-paths/],
    ["a flake without a configuration", "-f . host", /name of the NixOS configuration/],
    [
      "an unknown option, which the real one takes for the host",
      "-s /d /s --bogus",
      /unknown option --bogus/,
    ],
    ["two hosts", "-s /d /s one two", /two hosts/],
    ["an option without its value", "-s /d", /needs a value/],
    ["an unknown phase", "-s /d /s --phases disko,format host", /Unknown phase: format/],
    ["an empty list of phases", "-s /d /s --phases  host", /Unknown phase/],
    ["an unknown place to build", "-s /d /s --build-on moon host", /auto, local and remote/],
    ["a remote build", "-s /d /s --build-on remote host", /does not do --build-on remote/],
    ["hardware detection", "-s /d /s --generate-hardware-config nixos-facter f host", /no hardware/],
    ["--debug", "-s /d /s --debug host", /private key/],
    ["a disko mode beside store paths", "-s /d /s --disko-mode mount host", /cannot be used/],
  ])("%s is refused in words", (_, line, words) => {
    const attempt = () => parse(line);
    expect(attempt).toThrow(UsageError);
    expect(attempt).toThrow(words);
  });
});
