import * as pulumi from "@pulumi/pulumi";
import type { JumpHost } from "../deployer/ssh/config.ts";

/** Which host it is, and how a resource of Berth's provider reaches it. */
export interface HostWay {
  /**
   * The host's name in the stack.
   * @example "web1"
   */
  host: string;
  /**
   * Address of the machine. A Deployment's health checks connect to it, too.
   * @example "203.0.113.7"
   */
  address: pulumi.Input<string>;
  /** Port of ssh. @default 22 */
  port?: pulumi.Input<number>;
  /** Who logs in. @default "root" */
  user?: pulumi.Input<string>;
  /** The machine that every connection goes through. @default none */
  jump?: pulumi.Input<JumpHost> | undefined;
  /** Private key that logs in as root; the ssh agent's when absent. Secret. */
  loginKey?: pulumi.Input<string>;
}

/** The way to a host whose key has been seen. */
export interface VerifiedHostWay extends HostWay {
  /** The host key it must have, "ssh-ed25519 AAAA…". */
  hostKey: pulumi.Input<string>;
}

/** What a resource is given, completed by what Berth's provider wants to know of the way: the stack, and which port; the key as a secret. */
export const withWay = <Args extends HostWay>(args: Args) => ({
  ...args,
  stack: pulumi.getStack(),
  port: args.port ?? 22,
  loginKey: args.loginKey === undefined ? undefined : pulumi.secret(args.loginKey),
});
