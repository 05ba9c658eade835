import { stringify } from "yaml";
import { datedCatalogue } from "../../config/catalogue.ts";
import type { Answers } from "./answers.ts";

/** Where a project gets Berth from. */
export interface Sources {
  /** For package.json, e.g. "file:../berth-0.1.0.tgz". */
  dependency: string;
  /** For flake.nix: a flake with `lib.mkHost` and the modules. */
  flake: string;
  /** Files of the package's template, by path. */
  template: Readonly<Record<string, string>>;
}

type HostAnswers = Extract<Answers, { system: string }>;

/** Folder of the flake: by itself, since Nix copies all that lies beside a flake into its store, node_modules too. */
const system = "system";

/** The files of a project, by path. Pure. */
export function projectFiles(answers: Answers, sources: Sources): Record<string, string> {
  return {
    "Pulumi.yaml": pulumiYaml(answers),
    [`Pulumi.${answers.stack}.yaml`]: stackYaml(answers),
    "index.ts": program,
    "package.json": packageJson(answers, sources),
    ".gitignore": "node_modules/\n.berth/\nresult\n",
    ...(writesFlake(answers) ? flakeFiles(answers, sources) : {}),
  };
}

/** What matters of a project's package.json. */
export interface PackageFacts {
  /** It says `"type": "module"`, without which Node would not take the program for one. */
  isModule: boolean;
  /** It names Berth. */
  depends: boolean;
  /** Berth is in node_modules. */
  installed: boolean;
}

/** What npm has still to be told. Pure. */
export function installCommands(facts: PackageFacts, dependency: string): string[] {
  const install = facts.depends ? "npm install" : `npm install ${dependency}`;
  return [
    ...(facts.isModule ? [] : ["npm pkg set type=module"]),
    ...(facts.depends && facts.installed ? [] : [install]),
  ];
}

/** What to type next, in order. Pure. */
export function nextCommands(answers: Answers, installs: readonly string[]): string[] {
  const ready = writesFlake(answers) ? `nix flake lock path:./${system}` : "npx berth doctor";
  return [...installs, ready, "npx berth check"];
}

const writesFlake = (answers: Answers): answers is HostAnswers =>
  "system" in answers && answers.flake === undefined;

const program = `// The program is the package's: it does what Pulumi.<stack>.yaml says.
// Resources of your own go below; what is exported is an output of the stack.
export * from "berth/program";
`;

const pulumiYaml = ({ name }: Answers): string => `name: ${quoted(name)}
description: Made by berth init
runtime:
  name: nodejs
  options:
    # Node reads TypeScript itself.
    typescript: false
main: index.ts
plugins:
  providers:
    - name: berth
      path: ./node_modules/berth/provider
`;

/** A name that YAML would take for a number or a truth value needs quotes. */
const quoted = (text: string): string => stringify(text).trimEnd();

function stackYaml(answers: Answers): string {
  const config = configOf(answers);
  return `# Every key: docs/configuration.md of Berth.\n${stringify({ config }, { lineWidth: 0 })}`;
}

function configOf(answers: Answers): Record<string, unknown> {
  switch (answers.on) {
    case "hetzner":
    case "existing": {
      const { flake = `path:./${system}`, domain } = answers;
      const machine =
        answers.on === "hetzner"
          ? { server: { type: answers.type, location: answers.location } }
          : { existing: { address: answers.address, hostKey: answers.hostKey } };
      // What a flake of one's own answers to, it says itself.
      const name = answers.flake === undefined && domain !== undefined ? { domain } : {};
      return {
        "berth:flake": flake,
        "berth:hosts": { web1: { system: answers.system, ...machine, ...name } },
      };
    }
    case "containers":
      return {
        "berth:containers": {
          [answers.name]: {
            on: { address: answers.address, hostKey: answers.hostKey },
            image: { reference: answers.image },
            ports: ["80:8080"],
            health: { path: "/" },
          },
        },
      };
    case "fly":
      return {
        "berth:fly": {
          [answers.name]: {
            regions: { [answers.region]: 1 },
            image: { reference: answers.image },
            services: [{ internalPort: 8080, forceHttps: true, checks: [{ path: "/" }] }],
          },
        },
      };
  }
}

const packageJson = ({ name }: Answers, { dependency }: Sources): string =>
  `${JSON.stringify(
    {
      name,
      private: true,
      type: "module",
      engines: { node: ">=24" },
      dependencies: { berth: dependency },
    },
    undefined,
    2,
  )}\n`;

/** The template's flake, with this host in it. */
function flakeFiles(answers: HostAnswers, { template, flake }: Sources): Record<string, string> {
  const files = Object.fromEntries(
    Object.entries(template).map(([path, text]) => [`${system}/${path}`, text]),
  );
  const edit = (path: string, edits: readonly (readonly [from: string, to: string])[]) => {
    const whole = `${system}/${path}`;
    const before = files[whole];
    if (before === undefined) throw new Error(`the template has no ${path}`);
    files[whole] = edits.reduce((text, [from, to]) => {
      if (!text.includes(from)) throw new Error(`the template's ${path} has no ${from}`);
      return text.replaceAll(from, to);
    }, before);
  };
  const berth = flake.startsWith("path:")
    ? "# The package on this machine. Where others use this flake, too: the address of Berth's repository."
    : "# Berth's NixOS modules.";
  edit("flake.nix", [
    ["# Where this template came from.", berth],
    ["github:example/berth", flake],
    ["nixosConfigurations.web", `nixosConfigurations.${answers.system}`],
  ]);
  edit("web.nix", [
    [templateHead, '# The host "web": the app behind nginx.\n'],
    ...(answers.domain ? [["app.example", answers.domain] as const] : []),
    ...machineEdits(answers),
  ]);
  return files;
}

/** What the template says of its choice, which has been made here. */
const templateHead = `# The host "web": the app behind nginx on one x86 server of Hetzner Cloud. For ARM (cax…) take profile-hetzner-arm in place of
# profile-hetzner and disk-bios-uefi, and the platform aarch64-linux.
`;

/** Profile, disk layout and platform of the machine, in the place of an x86 server's at Hetzner. */
function machineEdits(answers: HostAnswers): [string, string][] {
  if (answers.on === "existing")
    return [
      ["berth.nixosModules.profile-hetzner\n", "berth.nixosModules.profile-metal\n"],
      [
        "  services.webapp.app",
        `  # Which disk an installation wipes: its name in /dev/disk/by-id. The stack's file has to name it, too: existing.erase.
  berth.disks.main.device = "/dev/disk/by-id/NAME-OF-THE-DISK";

  services.webapp.app`,
      ],
    ];
  const type = datedCatalogue.serverTypes.find(({ name }) => name === answers.type);
  return type?.architecture === "aarch64-linux"
    ? [
        ["    berth.nixosModules.disk-bios-uefi\n", ""],
        ["berth.nixosModules.profile-hetzner\n", "berth.nixosModules.profile-hetzner-arm\n"],
        ['hostPlatform = "x86_64-linux"', 'hostPlatform = "aarch64-linux"'],
      ]
    : [];
}
