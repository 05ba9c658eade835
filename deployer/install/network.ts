import { createSocket } from "node:dgram";
import { connect, isIPv6 } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { Failure } from "../failure.ts";
import { remote } from "../remote/scripts.ts";
import type { SshSession } from "../ssh/session.ts";
import type { InstallDocument } from "./document.ts";

/** Whether this machine has a way to an address at all; asks the kernel, sends nothing. */
async function hasRoute(address: string): Promise<boolean> {
  const socket = createSocket(isIPv6(address) ? "udp6" : "udp4");
  try {
    return await new Promise((resolve) => {
      // Given a callback, connect would call it with the error, too.
      socket.once("error", () => resolve(false)).once("connect", () => resolve(true));
      socket.connect(9, address);
    });
  } finally {
    socket.close();
  }
}

/** Whether a port answers, be it with a refusal: then the network is up. */
function answers(host: string, port: number, timeout: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host, port, timeout });
    const end = (up: boolean) => {
      socket.destroy();
      resolve(up);
    };
    socket
      .once("connect", () => end(true))
      .once("timeout", () => end(false))
      .once("error", (error: NodeJS.ErrnoException) => end(error.code === "ECONNREFUSED"));
  });
}

/**
 * Wait until the host has every public address it shall have, with a way out, and see whether each is reached from here.
 * Not being reached is said and no more, for a firewall may let this machine in by one family alone; an address that the
 * host itself lacks is an error, unless somebody else's network stands before it.
 */
export async function awaitNetwork(
  session: SshSession,
  { addresses, ordered, target }: Pick<InstallDocument, "addresses" | "ordered" | "target">,
  deadline: number,
  say: (line: string) => void,
): Promise<void> {
  const wanted = [addresses.ipv4, addresses.ipv6].filter((address) => address !== "");
  if (wanted.length === 0) return;
  const end = Date.now() + deadline;
  for (;;) {
    const told = await remote(session, "network", { path: wanted }, { deadline: 15_000 });
    const lacking = told.filter(({ up, route }) => !up || !route);
    if (lacking.length === 0 || !ordered) break;
    if (Date.now() >= end) {
      const [{ address, up } = { address: "", up: false }] = lacking;
      throw new Failure({
        host: session.label,
        tried: `see that its network is up on ${wanted.join(" and ")}`,
        cameBack: up
          ? `it has ${address}, but no default route for ${family(address)}`
          : `it does not have ${address}`,
        stands: "The system is installed and answers",
        next: "give the system that address: the uplink of its NixOS configuration",
      });
    }
    await sleep(1_000);
  }
  for (const address of wanted) {
    if (target.jump) continue;
    if (!(await hasRoute(address))) {
      say(`${family(address)} was not tried: this machine has no way to ${address}`);
      continue;
    }
    let up = false;
    do {
      up = await answers(address, target.port, 3_000);
    } while (!up && Date.now() < end && (await sleep(500, true)));
    if (!up)
      say(
        `${address} does not answer this machine on port ${target.port}: a firewall, if ssh came by another`,
      );
  }
}

const family = (address: string) => (isIPv6(address) ? "IPv6" : "IPv4");
