import { z } from "zod";
import { Failure } from "../deployer/failure.ts";
import { jsonOrUndefined } from "../deployer/json.ts";
import { run } from "../deployer/process.ts";
import type { SshTarget } from "../deployer/ssh/config.ts";

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

/** Milliseconds: a backend far away, secrets of a cloud's. */
const deadline = 60_000;

/**
 * What the stack's outputs tell about its hosts, secrets included; asked of the pulumi command, which knows backend and login.
 * @param selected the stack's name; the selected one's when absent
 */
export async function readStack(selected: string | undefined): Promise<StackView> {
  const [name, json] = await Promise.all([
    pulumi(["stack", "--show-name"], selected),
    pulumi(["stack", "output", "--json", "--show-secrets"], selected),
  ]);
  const parsed = outputs.safeParse(jsonOrUndefined(json));
  if (parsed.success) return { name: name.trim(), ...parsed.data };
  throw new Failure({
    tried: `read the outputs of stack ${name.trim()}`,
    cameBack: json.trim() === "{}" ? "it has none yet" : "they are not those of this version of Berth",
    next: `pulumi up -s ${name.trim()}`,
  });
}

/** Run the pulumi command on a stack and return what it printed. Its output may hold secrets and is in no error. */
export async function pulumi(args: readonly string[], stack: string | undefined): Promise<string> {
  const all = [...args, "--non-interactive", ...(stack === undefined ? [] : ["-s", stack])];
  const { exitCode, stdout, stderr } = await run("pulumi", all, {
    deadline,
    env: { PULUMI_SKIP_UPDATE_CHECK: "true" },
  });
  if (exitCode === 0) return stdout;
  throw new Failure({
    tried: `read ${stack === undefined ? "the selected stack" : `stack ${stack}`}`,
    ...explain(stderr),
  });
}

/** What pulumi's error means for who uses `berth`. Pure. */
export function explain(said: string): { cameBack: string; next: string } {
  const line = /^\s*error: (.*)$/m.exec(said)?.[1] ?? said.trim().split("\n").at(-1) ?? "";
  const cameBack = line === "" ? "pulumi failed without a word" : line;
  const advice: [RegExp, string][] = [
    [/no stack selected/i, "name one with -s, or choose one with pulumi stack select"],
    [/no stack named/i, "pulumi stack ls shows those there are"],
    [/PULUMI_ACCESS_TOKEN|not logged in|must be logged in|pulumi login/i, "pulumi login"],
    [
      /passphrase/i,
      "set PULUMI_CONFIG_PASSPHRASE or PULUMI_CONFIG_PASSPHRASE_FILE to the stack's passphrase",
    ],
    [
      /no Pulumi\.yaml|Pulumi project file|fully qualified name/i,
      "run berth in the project's folder, where Pulumi.yaml is",
    ],
  ];
  const [, next] = advice.find(([pattern]) => pattern.test(said)) ?? [];
  return { cameBack, next: next ?? "mend that; pulumi stack output shows the same" };
}

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
