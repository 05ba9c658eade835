import * as hcloud from "@pulumi/hcloud";
import * as pulumi from "@pulumi/pulumi";
import type { LoginKeyPlan } from "../config/plan.ts";
import type { StackConfig } from "../config/stack.ts";
import type { Access } from "./nixos-host.ts";
import { SshKey } from "./ssh-key.ts";

export interface LoginArgs {
  /** People and networks, as the stack's configuration has them. */
  access: StackConfig["access"];
  /** Keys that base images trust beside the stack's own, by fingerprint. @default none */
  keys?: Record<string, LoginKeyPlan>;
  /** Register the keys at Hetzner; not needed where no server is ordered. @default true */
  atHetzner?: boolean;
}

/**
 * The key this stack logs in with, generated for it: Hetzner allows a key's fingerprint once a project, so that two stacks could not
 * share a person's. It is root on every host of the stack.
 */
export class Login extends pulumi.ComponentResource {
  /** What hosts are told of it. */
  readonly access: Access;
  /** Private key. Secret. */
  readonly privateKey: pulumi.Output<string>;
  /** Its public half: what a machine that was ordered elsewhere must let in before it is installed. */
  readonly publicKey: pulumi.Output<string>;

  constructor(name: string, args: LoginArgs, opts?: pulumi.ComponentResourceOptions) {
    super("berth:identity:Login", name, {}, opts);
    const key = new SshKey(`${name}-key`, { comment: `berth ${pulumi.getStack()}` }, { parent: this });
    const registered =
      (args.atHetzner ?? true)
        ? this.#register(`${name}-hetzner`, `berth-${pulumi.getStack()}`, key.publicKey)
        : undefined;
    const others = Object.entries(args.keys ?? {}).map(([fingerprint, plan]) => [
      fingerprint,
      "id" in plan
        ? String(plan.id)
        : this.#register(`${name}-${fingerprint.replaceAll(":", "")}`, plan.name, plan.publicKey).id,
    ]);
    this.privateKey = pulumi.secret(key.privateKey);
    this.publicKey = key.publicKey;
    this.access = {
      sshKeyId: registered?.id,
      otherKeyIds: Object.fromEntries(others),
      loginKey: this.privateKey,
      authorizedKeys: key.publicKey.apply((own) => [own, ...Object.values(args.access.people).flat()]),
      from: args.access.from,
    };
    this.registerOutputs({ publicKey: key.publicKey });
  }

  /** Hetzner allows a key's fingerprint once a project, so that each is registered once a stack and never once a host. */
  #register(name: string, keyName: string, publicKey: pulumi.Input<string>): hcloud.SshKey {
    return new hcloud.SshKey(
      name,
      { name: keyName, publicKey, labels: { "berth-stack": pulumi.getStack() } },
      { parent: this, deleteBeforeReplace: true },
    );
  }
}
