import { execFileSync } from "node:child_process";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { createServer, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { delimiter, dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import fc from "fast-check";
import { describe, expect, test, vi } from "vitest";
import { quote } from "../../../../deployer/ssh/quote.ts";
import { isIdentityMismatch, SshSession } from "../../../../deployer/ssh/session.ts";
import { closedPort, listenOn } from "../../loopback.ts";

const target = {
  stack: "dev",
  host: "web1",
  address: "127.0.0.1",
  user: "root",
  hostKeys: ["ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ web1"],
  loginKey: "-----BEGIN OPENSSH PRIVATE KEY-----\nhunter2\n-----END OPENSSH PRIVATE KEY-----",
};

function runs(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

test.each([
  [true, "Host key verification failed.", "a key that is not in known_hosts"],
  [
    true,
    "No ED25519 host key is known for berth-dev-web1 and you have requested strict checking.\r\nHost key verification failed.",
    "no key known at all",
  ],
  [true, "@ WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED! @", "a key that changed"],
  [
    true,
    "Unable to negotiate with 203.0.113.7 port 22: no matching host key type found. Their offer: ssh-rsa",
    "a host without an ed25519 key",
  ],
  [false, "ssh: connect to host 203.0.113.7 port 22: Connection refused", "nothing that listens"],
  [false, "ssh: connect to host 203.0.113.7 port 22: Connection timed out", "no answer"],
  [false, "root@203.0.113.7: Permission denied (publickey).", "a login key that is not let in"],
  [false, "kex_exchange_identification: read: Connection reset by peer", "a host that is going down"],
  [false, "", "nothing said"],
])("it is %s that %j means another identity: %s", (expected, said) => {
  expect(isIdentityMismatch(said)).toBe(expected);
});

describe("a quoted text", () => {
  test("is what a real shell makes of it", () => {
    const text = fc.string({
      unit: fc.oneof(
        fc.constantFrom(..."'\"\\$`!*~ \t\n#&;|<>(){}[]%=-"),
        fc.string({ unit: "grapheme", minLength: 1, maxLength: 1 }),
      ),
    });
    fc.assert(
      fc.property(
        fc.array(
          text.filter((one) => !one.includes("\0")),
          { maxLength: 5 },
        ),
        (words) => {
          const script = `for word in ${words.map(quote).join(" ")}; do printf '%s\\0' "$word"; done`;
          const seen = execFileSync("sh", ["-c", script], { encoding: "utf8" });
          expect(seen).toBe(words.map((word) => `${word}\0`).join(""));
        },
      ),
      { numRuns: 60 },
    );
  });
});

describe("a session", () => {
  test("keeps its keys in a folder of its own, for its owner alone, and takes them away at its end", async () => {
    const session = await SshSession.create({ ...target, port: 22 });
    const folder = dirname(session.configFile);
    expect(statSync(folder).mode & 0o777).toBe(0o700);
    for (const name of readdirSync(folder)) {
      expect([name, statSync(`${folder}/${name}`).mode & 0o777]).toEqual([name, 0o600]);
    }
    expect(readFileSync(`${folder}/identity`, "utf8")).toBe(`${target.loginKey}\n`);
    expect(readFileSync(session.configFile, "utf8")).not.toContain("hunter2");
    await session.close();
    expect(() => statSync(folder)).toThrow("ENOENT");
  });

  test("names host and address, and its options say no secret", async () => {
    const session = await SshSession.create({ ...target, port: 22 });
    expect(session.label).toBe("web1 (127.0.0.1)");
    expect(session.sshOptions).toBe(`-F ${session.configFile}`);
    await session.close();
  });

  test("to a host that refuses says whom, how and what ssh said, and ends at its deadline", async ({
    skip,
  }) => {
    const port = await closedPort();
    const session = await SshSession.create({ ...target, port });
    try {
      const started = Date.now();
      const error = await session.waitUntilReachable(1_500).then(
        () => new Error("it was reached"),
        (failure: Error) => failure,
      );
      skip(error.message.includes("not on PATH"), "ssh is not installed");
      expect(error.message).toMatch(
        new RegExp(
          `^web1 \\(127\\.0\\.0\\.1\\): ssh as root on port ${port}: .*Connection refused.* Next: look at`,
          "s",
        ),
      );
      expect(Date.now() - started).toBeLessThan(30_000);
      await expect(session.sh("exit 0", { deadline: 1_000 })).rejects.toThrow(
        /^web1 \(127\.0\.0\.1\): open an ssh connection: .*Connection refused/s,
      );
    } finally {
      await session.close();
    }
  });

  describe("that is shared", () => {
    /**
     * A master stands when its host has said something to it, a second after it was started, and stays; but for the first ones, which are
     * refused. Everything else ends at once.
     * @param wayless it cannot start what opens its way
     */
    async function shared({ refused = 0, wayless = false } = {}) {
      const bin = mkdtempSync(join(tmpdir(), "berth-ssh-"));
      writeFileSync(join(bin, "ssh"), master({ bin, refused, wayless }), { mode: 0o755 });
      const host = createServer((socket) => socket.on("error", () => undefined).write("SSH-2.0-host\n"));
      const heard: Socket[] = [];
      host.on("connection", (socket) => heard.push(socket));
      const port = await listenOn(host);
      vi.stubEnv("PATH", `${bin}${delimiter}${process.env.PATH}`);
      const masters = () =>
        existsSync(join(bin, "masters"))
          ? readFileSync(join(bin, "masters"), "utf8").trim().split("\n").map(Number)
          : [];
      const session = await SshSession.create({ ...target, port });
      return {
        ...{ session, masters, heard, bin },
        async [Symbol.asyncDispose]() {
          await session.close();
          vi.unstubAllEnvs();
          for (const socket of heard) socket.destroy();
          host.close();
          await expect.poll(() => masters().filter(runs)).toEqual([]);
          // Nor what opened their ways.
          const folder = dirname(session.configFile);
          await expect
            .poll(() => execFileSync("ps", ["-A", "-o", "args="], { encoding: "utf8" }), { timeout: 5_000 })
            .not.toContain(folder);
          rmSync(bin, { recursive: true });
        },
      };
    }
    const master = ({
      bin,
      refused,
      wayless,
    }: {
      bin: string;
      refused: number;
      wayless: boolean;
    }) => `#!/bin/sh
[ "$3" = -M ] || exit 0
echo $$ >>${bin}/masters
echo "$@" >>${bin}/asked
[ $(wc -l <${bin}/masters) -gt ${refused} ] || exit 255
folder=\${2%/*}
sleep 1
while [ $# -gt 0 ]; do
  case $1 in
    ProxyCommand=*)
      [ ${wayless} = false ] || { echo 'no way' >&2; exit 255; }
      mkfifo "$folder/silence"
      sh -c "exec \${1#ProxyCommand=}" <>"$folder/silence" | { read -r banner && echo "$banner" >>${bin}/banners && : >"$folder/master"; exec cat >/dev/null; }
      exit 255
      ;;
  esac
  shift
done
: >"$folder/master"
exec sleep 60
`;

    test("and dropped while its connection opens serves whoever waited, and leaves no connection behind", async () => {
      await using world = await shared();
      const { session, masters } = world;
      const first = session.sh("one", { deadline: 30_000 });
      await expect.poll(masters).toHaveLength(1);
      session.drop();
      const second = session.sh("two", { deadline: 30_000 });
      expect([(await first).exitCode, (await second).exitCode]).toEqual([0, 0]);
      expect(masters().length).toBeGreaterThan(1);
    });

    test("and asked to be ready while it opens for another is opened once", async () => {
      await using world = await shared();
      const { session, masters } = world;
      const first = session.sh("one", { deadline: 30_000 });
      await expect.poll(masters).toHaveLength(1);
      await session.ready(30_000);
      expect((await first).exitCode).toBe(0);
      expect(masters()).toHaveLength(1);
    });

    test("and told of the next connection has it ready, and nothing is said to the host before its time", async () => {
      await using world = await shared();
      const { session, masters, heard } = world;
      await session.ready(30_000);
      await Promise.all([session.foreseeRenewal(), session.foreseeRenewal()]);
      await expect.poll(masters).toHaveLength(2);
      await sleep(1_500);
      expect(heard).toEqual([]);
      await session.renew(30_000);
      expect([masters().length, heard.length]).toEqual([2, 1]);
      expect(readFileSync(join(world.bin, "banners"), "utf8")).toBe("SSH-2.0-host\n");
      // The first was killed, and is there until that is seen.
      await expect.poll(() => masters().filter(runs)).toEqual([masters()[1]]);
      expect((await session.sh("one", { deadline: 30_000 })).exitCode).toBe(0);
      expect(masters()).toHaveLength(2);
    });

    test("and told of a next connection that never comes leaves nothing behind", async () => {
      await using world = await shared();
      await world.session.ready(30_000);
      await world.session.foreseeRenewal();
      world.session.drop();
      await world.session.foreseeRenewal();
      // The first of these may have been killed before it could tell of itself.
      await expect.poll(() => world.masters().length).toBeGreaterThan(1);
    });

    test("has nothing ready where ssh goes by way of another machine, or of what the user says", async () => {
      await using world = await shared();
      const { stack, host, address, user, hostKeys } = target;
      const jump = { address, port: 22, user, hostKey: hostKeys[0] ?? "" };
      const behind = await SshSession.create({ stack, host, address, user, hostKeys, port: 22, jump });
      await behind.foreseeRenewal();
      await behind.close();
      // In place of ssh -G, which says nothing: so nothing is known.
      vi.stubEnv("HOME", world.bin);
      mkdirSync(join(world.bin, ".ssh"));
      writeFileSync(join(world.bin, ".ssh", "config"), "");
      await world.session.foreseeRenewal();
      expect(world.masters()).toEqual([]);
    });

    test("goes by itself where ssh cannot be given a way", async () => {
      await using world = await shared({ wayless: true });
      await world.session.ready(30_000);
      await world.session.foreseeRenewal();
      await world.session.renew(30_000);
      const asked = readFileSync(join(world.bin, "asked"), "utf8").trim().split("\n");
      expect(asked.map((words) => words.includes("ProxyCommand"))).toEqual([false, true, false]);
    });

    test("is ready though it is refused again after a login that went well", async () => {
      await using world = await shared({ refused: 2 });
      const { session, masters } = world;
      await session.ready(30_000);
      expect(masters()).toHaveLength(3);
      expect((await session.sh("one", { deadline: 30_000 })).exitCode).toBe(0);
    });
  });

  test("without ssh on PATH says so at once", async () => {
    const path = process.env.PATH;
    const session = await SshSession.create({ ...target, port: 22 });
    process.env.PATH = "/nowhere";
    try {
      const started = Date.now();
      await expect(session.waitUntilReachable(60_000)).rejects.toThrow("start ssh: it is not on PATH");
      expect(Date.now() - started).toBeLessThan(30_000);
    } finally {
      process.env.PATH = path;
      await session.close();
    }
  });
});
