import { setTimeout as sleep } from "node:timers/promises";
import { z } from "zod";
import { SshSession } from "../../deployer/ssh/session.ts";
import type { Lab } from "../../lab/lab.ts";
import { hostKeyUserData, newKeyPair } from "../lab/machines/keys.ts";

/** A server of a lab's cloud with the real Docker engine, ordered as anybody does, and a connection to it. */
export interface DockerServer {
  address: string;
  session: SshSession;
  /** Run a line of shell on it; its output. Throws where it fails. */
  on(line: string): Promise<string>;
}

const made = z.object({ server: z.object({ public_net: z.object({ ipv4: z.object({ ip: z.string() }) }) }) });

export async function dockerServer({ env }: Lab, name: string): Promise<DockerServer> {
  const [login, hostKey] = [newKeyPair("login"), newKeyPair("host")];
  const order = async (path: string, body: object): Promise<unknown> => {
    const answer = await fetch(`${env["HCLOUD_ENDPOINT"]}${path}`, {
      method: "POST",
      headers: { authorization: `Bearer ${env["HCLOUD_TOKEN"]}`, "content-type": "application/json" },
      body: JSON.stringify(body),
      signal: AbortSignal.timeout(120_000),
    });
    if (!answer.ok) throw new Error(`${path}: ${answer.status} ${await answer.text()}`);
    return await answer.json();
  };
  await order("/ssh_keys", { name, public_key: login.publicKey });
  const { server } = made.parse(
    await order("/servers", {
      name,
      server_type: "cx23",
      location: "fsn1",
      image: "docker-ce",
      ssh_keys: [name],
      user_data: hostKeyUserData(hostKey),
    }),
  );
  const address = server.public_net.ipv4.ip;
  const session = await SshSession.create({
    stack: "lab",
    host: name,
    address,
    port: 22,
    user: "root",
    hostKeys: [hostKey.publicKey],
    loginKey: login.privateKey,
  });
  await session.waitUntilReachable(120_000, { patient: true });
  // cloud-init starts its sshd once more.
  await session.ready(60_000);
  const on = async (line: string) => {
    const ended = await session.sh(line, { deadline: 60_000 });
    if (ended.exitCode !== 0) throw new Error(`${line}: ${ended.stderr}`);
    return ended.stdout.trim();
  };
  for (let tries = 0; ; tries++) {
    const up = await on("docker info >/dev/null 2>&1 && echo up || true");
    if (up === "up") return { address, session, on };
    if (tries === 100) throw new Error(`docker does not answer on ${address}`);
    await sleep(300);
  }
}
