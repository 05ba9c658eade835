import { remote } from "../../deployer/remote/scripts.ts";
import { SshSession } from "../../deployer/ssh/session.ts";
import type { StackOutputs } from "./pulumi.ts";

/** The system a host runs, read from the host itself over a strict connection of its own. */
export async function currentSystem(name: string, outputs: StackOutputs): Promise<string> {
  const host = outputs.hosts[name];
  if (!host) throw new Error(`the stack has no host ${name}`);
  const session = await SshSession.create({
    stack: "lab",
    host: name,
    address: host.address,
    port: 22,
    user: "root",
    hostKeys: [host.hostKey],
    loginKey: outputs.loginKey,
  });
  try {
    const seen = await remote(session, "observe", {}, { deadline: 30_000, fresh: true });
    return seen.current ?? "nothing";
  } finally {
    await session.close();
  }
}
