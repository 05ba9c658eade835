import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { awaitNetwork } from "../../../../deployer/install/network.ts";
import { SshSession } from "../../../../deployer/ssh/session.ts";
import { installOfWeb1 } from "./samples.ts";

let folder: string;
let session: SshSession;
const said: string[] = [];
const ends: (() => void)[] = [];

beforeEach(async () => {
  said.length = 0;
  folder = mkdtempSync(join(tmpdir(), "berth-network-"));
  vi.stubEnv("PATH", `${folder}:${process.env.PATH}`);
  session = await SshSession.create({ ...installOfWeb1.target, hostKeys: [] });
});
afterEach(async () => {
  for (const end of ends.splice(0)) end();
  await session.close();
  vi.unstubAllEnvs();
  rmSync(folder, { recursive: true });
});

interface Told {
  address: string;
  up: boolean;
  route: boolean;
}

/** An ssh to a host that tells one of these each time it is asked, the last one ever after. */
function hostTells(...answers: Told[][]): void {
  const script = `#!/bin/sh
    case " $* " in *' -M '*) : >"$(dirname "$2")/master"; exec sleep 60 ;; esac
    cat >/dev/null
    echo asked >>${folder}/asked
    n=$(wc -l <${folder}/asked); [ "$n" -le ${answers.length} ] || n=${answers.length}
    sed -n "\${n}p" ${folder}/answers`;
  writeFileSync(join(folder, "asked"), "");
  writeFileSync(join(folder, "answers"), answers.map((told) => `${JSON.stringify(told)}\n`).join(""));
  writeFileSync(join(folder, "ssh"), script, { mode: 0o755 });
}
const asked = () => readFileSync(join(folder, "asked"), "utf8").split("\n").length - 1;
const well = (address: string): Told => ({ address, up: true, route: true });

async function listening(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  ends.push(() => server.close());
  return (server.address() as AddressInfo).port;
}

/** A port of loopback whose owner does not look and whose queue is full: what is sent there is dropped. */
async function silent(): Promise<number> {
  const listen = `require("net").createServer().listen({ port: 0, host: "127.0.0.1", backlog: 1 }, function () { console.log(this.address().port) })`;
  const owner = spawn(process.execPath, ["-e", listen], { stdio: ["ignore", "pipe", "inherit"] });
  const [line] = await once(owner.stdout, "data");
  owner.kill("SIGSTOP");
  const port = Number(String(line));
  const waiting: Socket[] = [0, 1, 2, 3].map(() => connect(port, "127.0.0.1").on("error", () => undefined));
  ends.push(() => {
    for (const one of waiting) one.destroy();
    owner.kill("SIGKILL");
  });
  await new Promise((resolve) => setTimeout(resolve, 200));
  return port;
}

const wait = (
  addresses: { ipv4?: string; ipv6?: string },
  { port = 9, ordered = true, jump = false, deadline = 300 } = {},
) => {
  const way = { address: "127.0.0.1", port: 22, user: "root", hostKey: "ssh-ed25519 AAAAgate" };
  return awaitNetwork(
    session,
    {
      addresses: { ipv4: addresses.ipv4 ?? "", ipv6: addresses.ipv6 ?? "" },
      ordered,
      target: { ...installOfWeb1.target, port, ...(jump ? { jump: way } : {}) },
    },
    deadline,
    (line) => said.push(line),
  );
};

describe("the network of an installed host", () => {
  test("is up without a word when it has its addresses and a way out, and answers here", async () => {
    hostTells([well("127.0.0.1")]);
    await wait({ ipv4: "127.0.0.1" }, { port: await listening() });
    expect(said).toEqual([]);
  });

  test("is up, too, when what answers is a refusal", async () => {
    hostTells([well("127.0.0.1")]);
    await wait({ ipv4: "127.0.0.1" });
    expect(said).toEqual([]);
  });

  test("is waited for", async () => {
    const late = { address: "127.0.0.1", up: false, route: false };
    hostTells([late], [{ ...late, up: true }], [well("127.0.0.1")]);
    await wait({ ipv4: "127.0.0.1" }, { deadline: 10_000 });
    expect(asked()).toBe(3);
  });

  test.each<[Partial<Told>, string]>([
    [{ up: false, route: false }, "it does not have 2001:db8::1"],
    [{ up: true, route: false }, "it has 2001:db8::1, but no default route for IPv6"],
  ])("that is %o at the end is an error that names the address", async (lack, why) => {
    hostTells([well("127.0.0.1"), { ...well("2001:db8::1"), ...lack }]);
    await expect(wait({ ipv4: "127.0.0.1", ipv6: "2001:db8::1" })).rejects.toThrow(
      `web1 (203.0.113.7): see that its network is up on 127.0.0.1 and 2001:db8::1: ${why}. The system is installed and answers.`,
    );
  });

  test("is somebody else's on a machine that was ordered elsewhere: what it lacks is no error there", async () => {
    hostTells([{ address: "127.0.0.1", up: false, route: false }]);
    await wait({ ipv4: "127.0.0.1" }, { ordered: false });
    expect(asked()).toBe(1);
  });

  test("is not asked for where it shall have no public address", async () => {
    hostTells([]);
    await wait({});
    expect(asked()).toBe(0);
  });

  test("of a family that this machine has no way by is said and no error", async () => {
    hostTells([well("fe80::1%nowhere")]);
    await wait({ ipv6: "fe80::1%nowhere" });
    expect(said).toEqual(["IPv6 was not tried: this machine has no way to fe80::1%nowhere"]);
  });

  test("that does not let this machine in is said and no error", async () => {
    hostTells([well("127.0.0.1")]);
    const port = await silent();
    await wait({ ipv4: "127.0.0.1" }, { port });
    expect(said).toEqual([
      `127.0.0.1 does not answer this machine on port ${port}: a firewall, if ssh came by another`,
    ]);
  });

  test("behind another machine is not knocked at from here", async () => {
    hostTells([well("127.0.0.1")]);
    await wait({ ipv4: "127.0.0.1" }, { port: await silent(), jump: true });
    expect(said).toEqual([]);
  });
});
