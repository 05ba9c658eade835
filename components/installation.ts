import { extname } from "node:path";
import { fileURLToPath } from "node:url";
import { local } from "@pulumi/command";
import * as pulumi from "@pulumi/pulumi";
import type { ExistingConfig, ReinstallConfig } from "../config/host.ts";
import type { HostManifest } from "../config/manifest.ts";
import { type InstallDocument, usualDeadlines } from "../deployer/install/document.ts";
import type { HetznerAccess } from "./hetzner-api.ts";
import type { HostBuilds } from "./host-builds.ts";

export interface InstallationArgs {
  /**
   * The host's name in the stack.
   * @example "web1"
   */
  host: string;
  /** Address of the machine. */
  address: pulumi.Input<string>;
  /** Port of ssh. @default 22 */
  port?: number;
  /** Who logs in before the machine is installed; not root: with sudo and no password. @default "root" */
  user?: string;
  /** The machine that every connection goes through. @default none */
  jump?: ExistingConfig["jump"];
  /** Whether the machine has no way out, so that everything comes from here. @default false */
  offline?: boolean;
  /** Public addresses that must be up once it is installed; empty where it has none. @default none */
  addresses?: { ipv4: pulumi.Input<string>; ipv6: pulumi.Input<string> };
  /** Ties the installation to one machine; another id is another machine and is installed anew. */
  machineId: pulumi.Input<string>;
  /**
   * Whether this stack has ordered the machine: what is on it is then nobody's data. @default true
   */
  ordered?: boolean;
  /**
   * Disks of a machine that was ordered elsewhere that may be wiped, by /dev/disk/by-id name or serial number. @default none
   * @example ["ata-Samsung_SSD_870_S62ANJ0R1234"]
   */
  erase?: readonly string[];
  /**
   * Wipes the installed machine, if it is this server, once for this value.
   * @default never
   * @example { server: "4711", value: "2026-11 new disk layout", snapshot: true }
   */
  reinstall?: ReinstallConfig | undefined;
  /**
   * The server whose restored snapshot the machine is.
   * @default none
   * @example "4711"
   */
  adopt?: string | undefined;
  /** Hetzner's API, for the snapshot before a reinstall and for its volumes. @default none */
  api?: HetznerAccess;
  /** Host key of the machine before it is installed. */
  bootstrapPublicKey: pulumi.Input<string>;
  /** Host key of the installed system. */
  publicKey: pulumi.Input<string>;
  /** Its private half. Secret. */
  privateKey: pulumi.Input<string>;
  /** The installed system's age key, "AGE-SECRET-KEY-1…". Secret. */
  ageKey: pulumi.Input<string>;
  /**
   * What an encrypted disk is encrypted with, and the key pair of the ssh server that asks for it at each boot. Needed where the manifest
   * encrypts. Secret. @default none
   */
  unlock?: UnlockWith | undefined;
  /** Private key that logs in as root; the ssh agent's when absent. Secret. */
  loginKey?: pulumi.Input<string>;
  /** Public keys that may log in as root on the installed system. */
  authorizedKeys: pulumi.Input<string[]>;
  /** What is installed: toplevel, disk layout, kexec installer. */
  manifest: HostManifest;
  /** The machine that builds the system and its installer. @default the machine that deploys */
  builder?: HostBuilds["builder"] | undefined;
  /** Seconds for the whole install. @default 2700 */
  deadline?: number;
  /** Keep the installation from being deleted or replaced. @default true */
  protect?: boolean;
  /** What must be there before it begins. @default nothing */
  after?: pulumi.Resource[];
  /** What takes the installation with it: the server. */
  deletedWith?: pulumi.Resource | undefined;
}

/** What opens an encrypted disk. */
export interface UnlockWith {
  /** Secret. */
  passphrase: pulumi.Input<string>;
  /** Public host key of the initrd's ssh server. */
  publicKey: pulumi.Input<string>;
  /** Its private half. Secret. */
  privateKey: pulumi.Input<string>;
}

/**
 * NixOS on a machine, once. Runs nixos-anywhere through `deployer/main.ts install`, which looks at the machine first and refuses to
 * wipe what this stack has not just ordered.
 *
 * Only another machine triggers another run: the command line is constant, its data travels on stdin, updates run a no-op.
 */
export class Installation extends pulumi.ComponentResource {
  /** The machine id, known once the machine is installed. */
  readonly installed: pulumi.Output<string>;
  /** Another one with each installation. */
  readonly id: pulumi.Output<string>;

  constructor(name: string, args: InstallationArgs, opts?: pulumi.ComponentResourceOptions) {
    super("berth:install:Installation", name, {}, opts);
    if (args.manifest.encryption && !args.unlock)
      throw new Error(`${args.host}: its disk is encrypted, and there is no passphrase for it`);
    const deadline = args.deadline ?? 2_700;
    const command = new local.Command(
      `${name}-install`,
      {
        create: 'exec "$BERTH_NODE" "$BERTH_DEPLOYER" install',
        // Unset would run the install again on any change.
        update: ":",
        stdin: this.#document(args, deadline),
        environment: {
          BERTH_NODE: process.execPath,
          // The package has JavaScript in its place.
          BERTH_DEPLOYER: fileURLToPath(
            new URL(`../deployer/main${extname(import.meta.url)}`, import.meta.url),
          ),
        },
        // The second place is for a wanted reinstall: a trigger that is added later would replace every installation there is.
        triggers: [args.machineId, reinstallTrigger(args)],
        addPreviousOutputInEnv: false,
      },
      {
        parent: this,
        // The engine replaces nothing that was and stays protected; who writes the word has said so.
        protect: (args.protect ?? true) && args.reinstall === undefined,
        dependsOn: args.after ?? [],
        ...(args.deletedWith && { deletedWith: args.deletedWith }),
        ignoreChanges: ["create", "stdin", "environment", "interpreter", "dir", "logging"],
        additionalSecretOutputs: ["stdout", "stderr"],
        // The deployer keeps its own deadline; this one only catches a deployer that does not.
        customTimeouts: { create: `${deadline + 60}s` },
      },
    );
    this.id = command.id;
    this.installed = pulumi.all([command.id, args.machineId]).apply(([, machine]) => machine);
    this.registerOutputs({ installed: this.installed });
  }

  #document(args: InstallationArgs, deadline: number): pulumi.Output<string> {
    const { toplevel, diskoScript, kexecTarball, disks, system, requires, encryption } = args.manifest;
    const plain = pulumi.output({
      address: args.address,
      machineId: args.machineId,
      bootstrapPublicKey: args.bootstrapPublicKey,
      publicKey: args.publicKey,
      privateKey: args.privateKey,
      ageKey: args.ageKey,
      unlock: args.unlock,
      loginKey: args.loginKey,
      authorizedKeys: args.authorizedKeys,
      addresses: args.addresses ?? { ipv4: "", ipv6: "" },
      token: args.api?.token,
    });
    return pulumi.secret(
      plain.apply((known) => {
        const document: InstallDocument = {
          target: {
            stack: pulumi.getStack(),
            host: args.host,
            address: known.address,
            port: args.port ?? 22,
            user: args.user ?? "root",
            ...(known.loginKey === undefined ? {} : { loginKey: known.loginKey }),
            ...(args.jump === undefined ? {} : { jump: args.jump }),
          },
          marker: { stack: pulumi.getStack(), host: args.host, server: known.machineId },
          ordered: args.ordered ?? true,
          system,
          requires,
          disks: Object.values(disks).map(({ device }) => device),
          erase: [...(args.erase ?? [])],
          reinstall: args.reinstall ?? null,
          adopt: args.adopt ?? null,
          hetzner: args.api && known.token ? { token: known.token, endpoint: args.api.endpoint } : null,
          addresses: known.addresses,
          substitutes: !args.offline,
          bootstrapHostKey: known.bootstrapPublicKey,
          lastingHostKey: { publicKey: known.publicKey, privateKey: known.privateKey },
          ageKey: known.ageKey,
          ...(encryption && known.unlock && { encryption: encryptionOf(encryption, known.unlock) }),
          authorizedKeys: known.authorizedKeys,
          toplevel,
          diskoScript,
          kexecTarball,
          ...(args.builder && { builder: args.builder }),
          deadline,
          deadlines: usualDeadlines,
        };
        return JSON.stringify(document);
      }),
    );
  }
}

type Encryption = NonNullable<HostManifest["encryption"]>;

/** What the flake says of the disk, with what the stack gives for it. */
function encryptionOf(
  { keyFile, unlock }: Encryption,
  { passphrase, publicKey, privateKey }: pulumi.Unwrap<UnlockWith>,
): NonNullable<InstallDocument["encryption"]> {
  return { keyFile, passphrase, unlock: { ...unlock, hostKey: { publicKey, privateKey } } };
}

/** The word's value for the server it names; another machine, which is said, and a word that is taken away leave the place empty. */
const reinstallTrigger = ({ host, machineId, reinstall }: InstallationArgs): pulumi.Input<string> =>
  reinstall === undefined
    ? ""
    : pulumi.output(machineId).apply(async (id) => {
        if (id === reinstall.server) return reinstall.value;
        await pulumi.log.info(
          `${host}: berth:hosts.${host}.reinstall is for the server ${reinstall.server}, and this is ${id}: nothing is reinstalled`,
        );
        return "";
      });
