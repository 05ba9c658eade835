import { fileURLToPath } from "node:url";
import { local } from "@pulumi/command";
import * as pulumi from "@pulumi/pulumi";
import type { HostManifest } from "../config/manifest.ts";
import type { InstallDocument } from "../deployer/install/document.ts";

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
  /** Host key of the machine before it is installed. */
  bootstrapPublicKey: pulumi.Input<string>;
  /** Host key of the installed system. */
  publicKey: pulumi.Input<string>;
  /** Its private half. Secret. */
  privateKey: pulumi.Input<string>;
  /** The installed system's age key, "AGE-SECRET-KEY-1…". Secret. */
  ageKey: pulumi.Input<string>;
  /** Private key that logs in as root; the ssh agent's when absent. Secret. */
  loginKey?: pulumi.Input<string>;
  /** Public keys that may log in as root on the installed system. */
  authorizedKeys: pulumi.Input<string[]>;
  /** What is installed: toplevel, disk layout, kexec installer. */
  manifest: HostManifest;
  /** Seconds for the whole install. @default 2700 */
  deadline?: number;
  /** Keep the installation from being deleted or replaced. @default true */
  protect?: boolean;
  /** What must be there before it begins. @default nothing */
  after?: pulumi.Resource[];
  /** What takes the installation with it: the server. */
  deletedWith?: pulumi.Resource | undefined;
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
          BERTH_DEPLOYER: fileURLToPath(new URL("../deployer/main.ts", import.meta.url)),
        },
        // The second place is for a wanted reinstall: a trigger that is added later would replace every installation there is.
        triggers: [args.machineId, ""],
        addPreviousOutputInEnv: false,
      },
      {
        parent: this,
        protect: args.protect ?? true,
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
    const { toplevel, diskoScript, kexecTarball, disks } = args.manifest;
    const plain = pulumi.output({
      address: args.address,
      machineId: args.machineId,
      bootstrapPublicKey: args.bootstrapPublicKey,
      publicKey: args.publicKey,
      privateKey: args.privateKey,
      ageKey: args.ageKey,
      loginKey: args.loginKey,
      authorizedKeys: args.authorizedKeys,
    });
    return pulumi.secret(
      plain.apply((known) => {
        const document: InstallDocument = {
          target: {
            stack: pulumi.getStack(),
            host: args.host,
            address: known.address,
            port: args.port ?? 22,
            user: "root",
            ...(known.loginKey === undefined ? {} : { loginKey: known.loginKey }),
          },
          marker: { stack: pulumi.getStack(), host: args.host, server: known.machineId },
          ordered: args.ordered ?? true,
          disks: Object.values(disks).map(({ device }) => device),
          erase: [...(args.erase ?? [])],
          bootstrapHostKey: known.bootstrapPublicKey,
          lastingHostKey: { publicKey: known.publicKey, privateKey: known.privateKey },
          ageKey: known.ageKey,
          authorizedKeys: known.authorizedKeys,
          toplevel,
          diskoScript,
          kexecTarball,
          deadline,
        };
        return JSON.stringify(document);
      }),
    );
  }
}
