import { createHash } from "node:crypto";
import { isIPv4, isIPv6 } from "node:net";
import * as pulumi from "@pulumi/pulumi";
import { keyBytes } from "../config/public-key.ts";
import type { Hardware } from "./hardware.ts";

export interface ExistingServerArgs {
  /**
   * Where it is reached. A change is a machine that moved, and no other one.
   * @example "198.51.100.7"
   */
  address: string;
  /** Port of ssh, before, during and after the installation. @default 22 */
  port?: number;
  /**
   * IPv6 address, where it has one beside `address`.
   * @example "2001:db8::7"
   */
  ipv6?: string | undefined;
  /**
   * The ed25519 host key it answers with before it is installed; it is who the machine is, so it stays as it is afterwards.
   * @example "ssh-ed25519 AAAA…"
   */
  hostKey: string;
}

/**
 * Who an existing machine is: the fingerprint of the host key it had at first. Addresses move between machines and machines between
 * addresses; nothing else about a machine is known before it is looked at. Should another machine answer at the address, it has
 * another key and is refused, and a copy of the machine lacks the lasting key.
 */
export function existingMachineId(hostKey: string): string {
  return `existing-${createHash("sha256").update(keyBytes(hostKey)).digest("base64url")}`;
}

/** A machine that was ordered elsewhere. It costs this stack nothing, and nothing of it is deleted with the stack. */
export class ExistingServer extends pulumi.ComponentResource implements Hardware {
  readonly address: pulumi.Output<string>;
  readonly port: number;
  readonly ipv4Address: pulumi.Output<string>;
  readonly ipv6Address: pulumi.Output<string>;
  readonly machineId: pulumi.Output<string>;
  readonly hostKey: pulumi.Output<string>;
  readonly server = undefined;

  constructor(name: string, args: ExistingServerArgs, opts?: pulumi.ComponentResourceOptions) {
    super("berth:existing:Server", name, {}, opts);
    const addresses = [args.address, args.ipv6 ?? ""];
    this.address = pulumi.output(args.address);
    this.port = args.port ?? 22;
    this.ipv4Address = pulumi.output(addresses.find((one) => isIPv4(one)) ?? "");
    this.ipv6Address = pulumi.output(addresses.find((one) => isIPv6(one)) ?? "");
    this.machineId = pulumi.output(existingMachineId(args.hostKey));
    this.hostKey = pulumi.output(args.hostKey);
    this.registerOutputs({ address: this.address, ipv6Address: this.ipv6Address });
  }
}
