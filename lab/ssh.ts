import { spawn } from "node:child_process";
import { z } from "zod";
import { SshSession } from "../deployer/ssh/session.ts";
import { STACK } from "./environment.ts";
import { run } from "./setup/child.mjs";
import { checkout } from "./setup/places.mjs";
import { Trouble } from "./setup/trouble.mjs";

/** What the stack's outputs say on how to reach its hosts. */
const outputs = z.object({
  hosts: z.record(z.string(), z.object({ address: z.string(), hostKey: z.string() })),
  loginKey: z.string(),
});

/**
 * Where a host is and whom it must be, from the stack's outputs.
 * @param json what `pulumi stack output --json --show-secrets` printed
 * @throws Trouble when the stack has no such host
 */
export function reachOf(json: unknown, server: string) {
  const parsed = outputs.safeParse(json);
  if (!parsed.success) throw new Trouble(`the stack ${STACK} has no hosts yet. Next: pulumi up -s ${STACK}`);
  const host = parsed.data.hosts[server];
  if (!host) {
    const known = Object.keys(parsed.data.hosts).join(", ") || "none";
    throw new Trouble(`the stack ${STACK} has no host "${server}"; it has: ${known}`);
  }
  return { ...host, loginKey: parsed.data.loginKey };
}

/**
 * Log in to a host of the lab's stack with this terminal, or run a command there. Strict: only the key the stack knows is accepted.
 * @returns ssh's exit code
 */
export async function ssh(
  env: Record<string, string>,
  server: string,
  command: readonly string[],
): Promise<number> {
  const all = { ...process.env, ...env };
  const query = ["pulumi", "stack", "output", "--json", "--show-secrets", "-s", STACK, "--non-interactive"];
  const { code, output } = await run(query, { cwd: checkout, env: all, deadline: 60_000 });
  if (code !== 0)
    throw new Trouble(`the stack's outputs could not be read: ${output.trim().split("\n").at(-1)}`);
  const { address, hostKey, loginKey } = reachOf(JSON.parse(output), server);
  const session = await SshSession.create({
    stack: STACK,
    host: server,
    address,
    port: 22,
    user: "root",
    hostKeys: [hostKey],
    loginKey,
  });
  try {
    const tty = ["-o", `RequestTTY=${command.length === 0 ? "auto" : "no"}`];
    const child = spawn("ssh", ["-F", session.configFile, ...tty, session.alias, ...command], {
      stdio: "inherit",
      env: all,
    });
    return await new Promise((resolve, reject) => {
      child.once("error", reject);
      child.once("close", (status) => resolve(status ?? 255));
    });
  } finally {
    await session.close();
  }
}
