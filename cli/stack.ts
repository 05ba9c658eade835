import { z } from "zod";
import { Failure } from "../deployer/failure.ts";
import { jsonOrUndefined } from "../deployer/json.ts";
import type { SshTarget } from "../deployer/ssh/config.ts";
import { pulumi } from "./pulumi.ts";
import { nameOfStack } from "./stack-name.ts";

export { explain, pulumi } from "./pulumi.ts";

const stackHost = z.object({
  url: z.string(),
  address: z.string(),
  ipv6Address: z.string().default(""),
  /** Port of ssh. */
  port: z.int().default(22),
  /** The machine that connections go through. */
  jump: z.object({ address: z.string(), port: z.int(), user: z.string(), hostKey: z.string() }).optional(),
  /** "ssh-ed25519 AAAA…", with or without a comment. */
  hostKey: z.string(),
  /** Hetzner's name of the server type; "existing" for a machine that was ordered elsewhere. */
  type: z.string().default(""),
  /** Hetzner's id of the server; empty for a machine that was ordered elsewhere. */
  serverId: z.string().default(""),
  /** The toplevel that runs. */
  release: z.string(),
  /** Net a month. */
  pricePerMonth: z.number(),
  ageRecipient: z.string().default(""),
  /** Of a host with an encrypted disk: where it asks, under which host key, and the name of the secret that opens it. */
  unlock: z.object({ port: z.int(), hostKey: z.string(), passphrase: z.string() }).optional(),
});
export type StackHost = z.infer<typeof stackHost>;

/** Outputs that `index.ts` exports. Those that are younger than a stack have a default. */
const outputs = z.object({
  hosts: z.record(z.string(), stackHost),
  /** The ssh agent's when absent. */
  loginKey: z.string().optional(),
  loginPublicKey: z.string().default(""),
});

/** A stack, as its last update left it. Holds secrets. */
export interface StackView extends z.infer<typeof outputs> {
  name: string;
}

/**
 * What the stack's outputs tell about its hosts, secrets included; asked of the pulumi command, which knows backend and login.
 * @param selected what -s names (`nameOfStack`)
 */
export async function readStack(selected: string | undefined): Promise<StackView> {
  const name = await nameOfStack(selected);
  const json = await pulumi(["stack", "output", "--json", "--show-secrets"], name);
  const parsed = outputs.safeParse(jsonOrUndefined(json));
  if (parsed.success) return { name, ...parsed.data };
  const tried = `read the outputs of stack ${name}`;
  const next = `pulumi up -s ${name}`;
  if (json.trim() === "{}") throw new NothingYet({ tried, cameBack: "it has none yet", next });
  throw new Failure({ tried, cameBack: "they are not those of this version of Berth", next });
}

/** The stack is there, and no update of it has come to an end. */
export class NothingYet extends Failure {}

/** A host of the stack. Throws a Failure that names those there are. */
export function hostOf(stack: StackView, name: string): StackHost {
  const host = Object.hasOwn(stack.hosts, name) ? stack.hosts[name] : undefined;
  if (host) return host;
  throw new Failure({
    tried: `find the host "${name}"`,
    cameBack: `stack ${stack.name} has no such host`,
    next: `name one of these: ${Object.keys(stack.hosts).join(", ") || "none yet; pulumi up makes them"}`,
  });
}

/** How a host is reached as root, and whom it must be. */
export function targetOf(stack: StackView, name: string): SshTarget {
  const { address, port, hostKey, jump } = hostOf(stack, name);
  return {
    stack: stack.name,
    host: name,
    address,
    port,
    user: "root",
    hostKeys: [hostKey],
    ...(jump === undefined ? {} : { jump }),
    ...(stack.loginKey === undefined ? {} : { loginKey: stack.loginKey }),
  };
}
