import * as pulumi from "@pulumi/pulumi";
import { AgeKey } from "./age-key.ts";
import { SshKey } from "./ssh-key.ts";

export interface HostIdentityArgs {
  /**
   * The host's name, in the keys' comments.
   * @example "web1"
   */
  host: string;
  /**
   * Another value gives the host another lasting key. @default none
   * @example "2026-11"
   */
  rotate?: string | undefined;
  /**
   * The reinstall that is wanted of the host: not together with another lasting key. @default none
   * @example "4711 new layout"
   */
  reinstall?: string | undefined;
  /**
   * Whether its disk is encrypted, so that the ssh server of its initrd has a key of its own. @default false
   */
  encrypted?: boolean;
}

/**
 * Who a host is, known before it exists: every ssh connection is strict from the first one on.
 *
 * Two keys, because cloud-init's user data stays readable from the metadata service: the *bootstrap* key in it is thrown away
 * by the installation, and the *lasting* key travels only over a connection that the bootstrap key has verified.
 */
export class HostIdentity extends pulumi.ComponentResource {
  /** Public key the base image answers with until it is installed. */
  readonly bootstrapPublicKey: pulumi.Output<string>;
  /** Public key of the installed system. */
  readonly publicKey: pulumi.Output<string>;
  /** Public keys that the installed system had before, oldest first. */
  readonly former: pulumi.Output<string[]>;
  /** Private key of the installed system. Secret. */
  readonly privateKey: pulumi.Output<string>;
  /** What files for this host are encrypted for, "age1…". */
  readonly ageRecipient: pulumi.Output<string>;
  /** What the host decrypts them with. Secret. */
  readonly ageKey: pulumi.Output<string>;
  /**
   * Key pair of the ssh server that asks for the disk's passphrase, where there is one. Its private half is secret, and lies on the host's
   * boot partition all the same.
   */
  readonly unlock: { publicKey: pulumi.Output<string>; privateKey: pulumi.Output<string> } | undefined;
  /** cloud-init user data that gives the base image the bootstrap key. Secret. */
  readonly userData: pulumi.Output<string>;

  constructor(name: string, args: HostIdentityArgs, opts?: pulumi.ComponentResourceOptions) {
    super("berth:identity:HostIdentity", name, {}, opts);
    const bootstrap = new SshKey(
      `${name}-bootstrap`,
      { comment: `bootstrap ${args.host}` },
      { parent: this },
    );
    const lasting = new SshKey(
      `${name}-lasting`,
      { comment: args.host, generation: args.rotate, reinstall: args.reinstall },
      { parent: this },
    );

    // Not made from the ssh key: a host key that is rotated must not make every encrypted file unreadable.
    const age = new AgeKey(`${name}-age`, { parent: this });

    // Not another generation when the lasting one is: it reaches a host by an installation alone.
    const unlock = args.encrypted
      ? new SshKey(`${name}-unlock`, { comment: `unlock ${args.host}` }, { parent: this })
      : undefined;

    this.bootstrapPublicKey = bootstrap.publicKey;
    this.publicKey = lasting.publicKey;
    this.former = lasting.former.apply((former) => former ?? []);
    this.privateKey = pulumi.secret(lasting.privateKey);
    this.ageRecipient = age.recipient;
    this.ageKey = pulumi.secret(age.identity);
    this.unlock = unlock && {
      publicKey: unlock.publicKey,
      privateKey: pulumi.secret(unlock.privateKey),
    };
    this.userData = pulumi.secret(
      pulumi.all([bootstrap.privateKey, bootstrap.publicKey]).apply(([key, pub]) => cloudConfig(key, pub)),
    );
    this.registerOutputs({ publicKey: this.publicKey, ageRecipient: this.ageRecipient });
  }
}

/** User data that replaces whatever host keys the image has by one. */
export function cloudConfig(privateKey: string, publicKey: string): string {
  return [
    "#cloud-config",
    "ssh_deletekeys: true",
    "ssh_keys:",
    "  ed25519_private: |",
    ...privateKey
      .trimEnd()
      .split("\n")
      .map((line) => `    ${line}`),
    `  ed25519_public: ${publicKey.trim()}`,
    "",
  ].join("\n");
}
