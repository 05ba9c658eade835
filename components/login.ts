import * as hcloud from "@pulumi/hcloud";
import * as pulumi from "@pulumi/pulumi";
import type { StackConfig } from "../config/stack.ts";
import type { Access } from "./nixos-host.ts";
import { SshKey } from "./ssh-key.ts";

export interface LoginArgs {
  /** People and networks, as the stack's configuration has them. */
  access: StackConfig["access"];
}

/**
 * The key this stack logs in with, generated for it: Hetzner allows a key's fingerprint once a project, so that two stacks could not
 * share a person's. It is root on every host of the stack.
 */
export class Login extends pulumi.ComponentResource {
  readonly access: Access;
  /** Private key. Secret. */
  readonly privateKey: pulumi.Output<string>;

  constructor(name: string, args: LoginArgs, opts?: pulumi.ComponentResourceOptions) {
    super("berth:identity:Login", name, {}, opts);
    const key = new SshKey(`${name}-key`, { comment: `berth ${pulumi.getStack()}` }, { parent: this });
    const registered = new hcloud.SshKey(
      `${name}-hetzner`,
      {
        name: `berth-${pulumi.getStack()}`,
        publicKey: key.publicKey,
        labels: { "berth-stack": pulumi.getStack() },
      },
      { parent: this, deleteBeforeReplace: true },
    );
    this.privateKey = pulumi.secret(key.privateKey);
    this.access = {
      sshKeyId: registered.id,
      loginKey: this.privateKey,
      authorizedKeys: key.publicKey.apply((own) => [own, ...Object.values(args.access.people).flat()]),
      from: args.access.from,
    };
    this.registerOutputs({ publicKey: key.publicKey });
  }
}
