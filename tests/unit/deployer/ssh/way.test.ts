import { execFileSync, spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { buffer } from "node:stream/consumers";
import { describe, expect, onTestFinished, test, vi } from "vitest";
import { goesByItself, isDirect, Way } from "../../../../deployer/ssh/way.ts";
import { closedPort, listenOn } from "../../loopback.ts";
import { has } from "../../shells.ts";

/** A folder with all that a shell or ssh would take for something else. */
function oddFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "berth %h 'way' $x "));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** A host that hands every connection to `serve`. */
async function hostOf(serve: (socket: Socket) => void) {
  const connections: Socket[] = [];
  const server = createServer((socket) => {
    connections.push(socket);
    serve(socket.on("error", () => undefined));
  });
  onTestFinished(() => {
    server.close();
    for (const socket of connections) socket.destroy();
  });
  return { to: { address: "127.0.0.1", port: await listenOn(server) }, connections };
}

/** As ssh starts it: by the user's shell, with what it expands. */
function asSsh({ proxyCommand }: Way) {
  const command = proxyCommand.replaceAll(/%(.)/g, (_, sign: string) => {
    expect(sign).toBe("%");
    return sign;
  });
  const child = spawn("sh", ["-c", `exec ${command}`], { stdio: ["pipe", "pipe", "inherit"] });
  onTestFinished(() => void child.kill("SIGKILL"));
  return Object.assign(child, { ended: new Promise((resolve) => child.once("close", resolve)) });
}

/** Processes that have it in their command line: all of them end, or this fails. */
const gone = (folder: string) =>
  expect
    .poll(() => execFileSync("ps", ["-A", "-o", "args="], { encoding: "utf8" }), { timeout: 5_000 })
    .not.toContain(folder);

describe("a way", () => {
  test("hands on any bytes both ways, and ends with the host's connection behind all of them", async () => {
    const folder = oddFolder();
    const said = randomBytes(3_000_000);
    const { to } = await hostOf((socket) => {
      const heard: Buffer[] = [];
      let length = 0;
      socket.on("data", (chunk) => {
        heard.push(chunk);
        length += chunk.length;
        if (length === said.length) socket.end(Buffer.concat(heard));
      });
    });
    const way = new Way(folder, "way-0", to);
    const ssh = asSsh(way);
    const heard = buffer(ssh.stdout);
    await way.open();
    expect(way.met).toBe(true);
    ssh.stdin.write(said);
    expect((await heard).equals(said)).toBe(true);
    await gone(folder);
  });

  test("leaves the host alone until it is opened, however much is said before, which is heard then", async () => {
    const { to, connections } = await hostOf((socket) => socket.pipe(socket));
    const way = new Way(oddFolder(), "way-0", to);
    const ssh = asSsh(way);
    ssh.stdin.write("SSH-2.0-early\n");
    await expect.poll(() => way.met).toBe(true);
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect(connections).toEqual([]);
    await way.open();
    const first = await new Promise((resolve) => ssh.stdout.once("data", resolve));
    expect(String(first)).toBe("SSH-2.0-early\n");
    expect(connections).toHaveLength(1);
    ssh.stdin.end();
    way.close();
    await ssh.ended;
  });

  test("to a host that takes no connection says so in ssh's words", async () => {
    const port = await closedPort();
    const way = new Way(oddFolder(), "way-0", { address: "127.0.0.1", port });
    await expect(way.open()).rejects.toThrow(
      `ssh: connect to host 127.0.0.1 port ${port}: Connection refused`,
    );
    way.close();
  });

  test.each([
    ["before ssh has come", 0],
    ["as soon as it has", 1],
    ["long after", 2],
  ])("that is closed %s leaves nothing behind", async (_, when) => {
    const folder = oddFolder();
    const { to } = await hostOf(() => undefined);
    const way = new Way(folder, "way-0", to);
    if (when === 0) way.close();
    const ssh = asSsh(way);
    // ssh is killed, and does not tell.
    ssh.stdin.destroy();
    if (when > 0) await expect.poll(() => way.met, { interval: 1 }).toBe(true);
    if (when > 1) await way.open();
    way.close();
    await ssh.ended;
    await gone(folder);
  });

  test("is not waited for where its folder went", async () => {
    const folder = oddFolder();
    const way = new Way(folder, "way-0", { address: "127.0.0.1", port: 1 });
    rmSync(folder, { recursive: true });
    way.close();
    expect(way.met).toBe(false);
  });
});

describe("ssh goes by itself", () => {
  test.for<[boolean, string]>([
    [true, ""],
    [true, "Host *\n  ServerAliveInterval 60\n  ProxyJump none\n"],
    [true, "Host elsewhere\n  ProxyJump bastion.example.org\n"],
    [false, "Host berth-*\n  ProxyJump bastion.example.org\n"],
    [false, "Host *\n  ProxyCommand corkscrew proxy.example.org 8080 %h %p\n"],
    [false, "Match all\n  BindAddress 192.0.2.7\n"],
    [false, "Host *\n  BindInterface wg0\n"],
    [false, "Host *\n  AddressFamily inet6\n"],
  ])("is %s of a user with %j", ([expected, users], { skip }) => {
    skip(!has("ssh"), "ssh is not installed");
    const file = join(oddFolder(), "config");
    writeFileSync(file, `Host berth-dev-web1\n  HostName 203.0.113.7\n${users}`);
    const settings = execFileSync("ssh", ["-G", "-F", file, "berth-dev-web1"], { encoding: "utf8" });
    expect(isDirect(settings)).toBe(expected);
  });

  test("is asked of ssh where the user has a configuration, and not believed where it does not answer", async () => {
    const home = oddFolder();
    execFileSync("mkdir", ["-p", join(home, ".ssh"), join(home, "bin")]);
    writeFileSync(join(home, ".ssh", "config"), "");
    const answer = (script: string) =>
      writeFileSync(
        join(home, "bin", "ssh"),
        `#!/bin/sh\necho "$@" >'${home.replaceAll("'", "'\\''")}/asked'\n${script}\n`,
        {
          mode: 0o755,
        },
      );
    vi.stubEnv("HOME", home);
    vi.stubEnv("PATH", `${join(home, "bin")}:${process.env.PATH}`);
    onTestFinished(() => void vi.unstubAllEnvs());
    answer("echo addressfamily any");
    expect(await goesByItself("/run/b/config", "berth-dev-web1")).toBe(true);
    expect(readFileSync(join(home, "asked"), "utf8")).toBe("-G -F /run/b/config berth-dev-web1\n");
    answer("echo addressfamily any; echo proxyjump bastion");
    expect(await goesByItself("/run/b/config", "berth-dev-web1")).toBe(false);
    answer("echo addressfamily any; exit 255");
    expect(await goesByItself("/run/b/config", "berth-dev-web1")).toBe(false);
  });
});
