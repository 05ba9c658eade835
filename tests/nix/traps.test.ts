import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execa } from "execa";
import { afterAll, beforeAll, expect, test } from "vitest";
import { z } from "zod";
import { type Evaluation, openFlake } from "./nix.ts";

// Each guard against what evaluates and then does not work, with what it guards against put in its way. docs/hosts.md lists them.
let flake: Evaluation;

beforeAll(async () => {
  flake = await openFlake();
});
afterAll(() => flake[Symbol.asyncDispose]());

/** What is done, to which host by which module, and what is to be said of it: by an assertion, or as a fact that does not hold. */
const broken = [
  [
    "has nixpkgs' source in it",
    "web",
    "nixpkgs.flake.setNixPath = lib.mkForce true;",
    "nixpkgs' source is not part",
  ],
  [
    "has an initrd without its disk's driver",
    "web",
    "boot.initrd.availableKernelModules = lib.mkForce [ ];",
    "the initrd can drive the disk",
  ],
  [
    "is a cloud's and asks for a password",
    "web",
    "services.openssh.settings.PasswordAuthentication = lib.mkForce true;",
    "sshd takes keys alone",
  ],
  [
    "has a password in the store and is no VM",
    "spa-disk",
    'users.users.root.password = "demo";',
    "a password that is in the store is a VM's",
  ],
  ["warns", "web", 'warnings = [ "of this" ];', "no module warns"],
  [
    "forbids a path in the shell's own words",
    "web",
    'system.forbiddenDependenciesRegexes = [ "perl|python" ];',
    "system.forbiddenDependenciesRegexes has perl|python",
  ],
  [
    "is without perl and boots by GRUB",
    "spa-disk",
    'boot.loader.grub = { enable = lib.mkForce true; device = "/dev/vda"; }; boot.loader.systemd-boot.enable = lib.mkForce false;',
    "The profile spa-machine has no perl",
  ],
  [
    "has lost its boot loader",
    "spa-disk",
    "boot.loader.systemd-boot.enable = lib.mkForce false;",
    "There is no boot loader",
  ],
  [
    "asks for a YES at each switch",
    "web",
    'options.srvos.detect-hostname-change.enable = lib.mkEnableOption "it" // { default = true; }; config.networking.hostName = "web";',
    "srvos.detect-hostname-change asks whoever switches",
  ],
  [
    "leads from every interface into a VM with a known password",
    "spa-vm",
    'virtualisation.forwardPorts = [ { from = "host"; host.port = 2222; guest.port = 22; } ];',
    "virtualisation.forwardPorts leads to a VM",
  ],
  [
    "lets ssh into a VM with a known password",
    "spa-vm",
    "services.openssh.enable = true;",
    "services.openssh.enable must be false",
  ],
  [
    "gives its address to every card",
    "metal",
    'berth.uplink.match = lib.mkForce { Type = "ether"; Name = "en*"; };',
    "berth.uplink has addresses and matches any card",
  ],
  [
    "has an address and no way out",
    "metal",
    "berth.uplink.gateways = lib.mkForce [ ];",
    "berth.uplink has addresses and no gateways",
  ],
] as const;

const strings = z.array(z.string());
const said = (host: string) => `(host: module: let
    system = host.extendModules { modules = [ module ]; };
    facts = factsOf system;
  in map (a: a.message) (builtins.filter (a: !a.assertion) system.config.assertions)
    ++ builtins.filter (fact: !facts.\${fact}) (builtins.attrNames facts)) hosts.${host}`;

let answers: Promise<unknown> | undefined;
/** What is said of each host before anything is broken, and of each row; all in one evaluation. */
async function answersOf(ctx: Parameters<Evaluation["evaluate"]>[0]) {
  answers ??= flake.evaluate(
    ctx,
    "nixosConfigurations",
    `hosts: let factsOf = import ${flake.folder}/tests/nix/facts.nix { inherit (hosts.web.pkgs) lib; }; in {
      whole = { ${["web", "spa-disk", "spa-vm", "metal"].map((host) => `${host} = ${said(host)} { };`).join(" ")} };
      rows = [ ${broken.map(([, host, module]) => `(${said(host)} ({ lib, ... }: { ${module} }))`).join("\n")} ];
      image = map (a: a.message) (builtins.filter (a: !a.assertion)
        hosts.web-arm.config.system.build.images.amazon.passthru.config.assertions);
    }`,
  );
  return z
    .object({ whole: z.record(z.string(), strings), rows: z.array(strings), image: strings })
    .parse(await answers);
}

test("nothing is said against the hosts as they are", async (ctx) => {
  const { whole } = await answersOf(ctx);
  expect(whole).toEqual({ web: [], "spa-disk": [], "spa-vm": [], metal: [] });
});

test.for(broken.map(([what], row) => [what, row] as const))(
  "a host that %s is told apart",
  async ([, row], ctx) => {
    const { rows } = await answersOf(ctx);
    expect(rows[row]?.join("\n")).toContain(broken[row]?.[3]);
  },
);

test("an image of a host with a disk layout is refused", async (ctx) => {
  const { image } = await answersOf(ctx);
  expect(image.join("\n")).toContain("This image has disko's layout in its file systems");
});

const made = ["amazon", "hyperv", "proxmox", "qemu-efi", "raw-efi", "vmware"];

test("every kind of image boots and is without disko's labels, or is refused by name", async (ctx) => {
  const { images, refused, others } = z
    .object({
      images: z.record(
        z.string(),
        z.object({ refused: strings, loader: z.string(), devices: strings, file: z.string() }),
      ),
      refused: strings,
      others: strings,
    })
    .parse(
      await flake.evaluate(
        ctx,
        "nixosConfigurations.spa-disk.config",
        `config: let
          names = builtins.attrNames config.image.modules;
          # The definitions that a variant is made of; a whole evaluation of each would take minutes.
          parts = name: builtins.concatMap (part: part.imports or [ ]) config.image.modules.\${name}.imports;
          isRefused = name: builtins.any (part: part ? assertions) (builtins.filter builtins.isAttrs (parts name));
          images = builtins.removeAttrs config.system.build.images others;
          others = builtins.filter (name: !builtins.elem name [ ${made.map((name) => `"${name}"`).join(" ")} ]) names;
          reasons = config: map (a: a.message) (builtins.filter (a: !a.assertion) config.assertions);
        in {
          inherit others;
          refused = builtins.filter isRefused names;
          images = builtins.mapAttrs (_: { passthru, ... }: {
            refused = reasons passthru.config;
            loader = passthru.config.system.boot.loader.id;
            devices = map (f: f.device) (builtins.attrValues passthru.config.fileSystems);
            file = passthru.filePath;
          }) images;
        }`,
      ),
    );
  expect(refused).toEqual(others);
  expect(Object.keys(images)).toEqual(made);
  for (const [name, image] of Object.entries(images))
    expect(image, name).toEqual({
      refused: [],
      loader: "systemd-boot",
      devices: ["/dev/disk/by-label/nixos", "/dev/disk/by-label/ESP"],
      file: expect.stringMatching(/[.](qcow2|img|vhd|vhdx|vmdk|vma[.]zst)$/),
    });
});

test("the build of a system without perl ends at a path it forbids, and at no other", async (ctx) => {
  const commands = z
    .string()
    .parse(await flake.evaluate(ctx, "nixosConfigurations.spa-disk.config.system.systemBuilderCommands"));
  const closure = await mkdtemp(join(tmpdir(), "berth-closure-"));
  try {
    const builds = async (...paths: string[]) => {
      await writeFile(join(closure, "store-paths"), paths.map((path) => `/nix/store/${path}\n`).join(""));
      // The builder's own shell, from the first of the entries on.
      const checks = commands.slice(commands.indexOf("if [["));
      const built = await execa("bash", ["-euc", checks], {
        reject: false,
        env: { closureInfo: closure, out: "/nix/store/x-system" },
      });
      return built.exitCode === 0 ? "" : built.stdout;
    };
    const hash = "0ccnxa25whszw7mgbgyzdm4nqc0zwnm8";
    expect(await builds(`${hash}-nginx-1.30.3`, `${hash}-gcc-14.3.0-lib`, `${hash}-systemd-260.2`)).toBe("");
    for (const forbidden of ["perl-5.42.0", "nodejs-24.9.0", "nodejs-slim-24.9.0", "gcc-wrapper-14.3.0"])
      expect(await builds(`${hash}-nginx-1.30.3`, `${hash}-${forbidden}`)).toContain(forbidden);
  } finally {
    await rm(closure, { recursive: true });
  }
});
