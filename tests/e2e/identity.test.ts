import { mkdir, readdir, readFile, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { Decrypter, Encrypter } from "age-encryption";
import { execa } from "execa";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { parse, stringify } from "yaml";
import { ensureHostKey, type KeyRotation } from "../../deployer/identity/rotate.ts";
import { remote } from "../../deployer/remote/scripts.ts";
import { fingerprint } from "../../deployer/ssh/fingerprint.ts";
import { isIdentityMismatch, type SshSession } from "../../deployer/ssh/session.ts";
import { Engine, type StackOutputs } from "../../lab/journey/pulumi.ts";
import { type Lab, up as labUp, reset } from "../../lab/lab.ts";
import { checkout } from "../../lab/setup/places.mjs";
import { sshKey } from "../../provider/resources/ssh-key.ts";
import { callOf } from "../call.ts";
import { sessionWith } from "./stack.ts";

/** A lab of this file's own, with one host. */
const folder = join(checkout, ".lab-test-identity");
let lab: Lab;
let engine: Engine;
let outputs: StackOutputs;
let session: SshSession;

/** The command as a person types it. */
const berth = (args: string[], options: { input?: string; env?: Record<string, string> } = {}) =>
  execa(join(checkout, "bin/berth"), ["-s", "lab", ...args], {
    cwd: folder,
    env: { ...lab.env, ...options.env },
    input: options.input ?? "",
    reject: false,
  });

const web1 = () => {
  const host = outputs.hosts.web1;
  if (!host) throw new Error("the stack has no web1");
  return host;
};
const update = async () => {
  const run = await engine.run(["up", "--yes", "--skip-preview"]);
  expect(run.exitCode, run.output).toBe(0);
  outputs = await engine.outputs();
  return run.output;
};
const on = async (script: string) => (await session.sh(script, { deadline: 15_000 })).stdout.trim();

beforeAll(async () => {
  await reset({ folder });
  lab = await labUp({ folder });
  engine = new Engine(checkout, lab.env, () => undefined);
  Object.assign(process.env, lab.env);
  await update();
  session = await sessionWith(outputs, "web1");
});

afterAll(async () => {
  await session?.close();
  await reset({ folder });
});

describe("berth", () => {
  test("hosts lists what the stack has", async () => {
    const { stdout } = await berth(["hosts"]);
    expect(stdout).toMatch(
      new RegExp(`^host .*\\nweb1 +${web1().address.replaceAll(".", "\\.")} +cx23 +\\d+\\.\\d\\d +\\S+-lab$`),
    );
  });

  test("known-hosts are taken by plain ssh, at every address and by the alias", async () => {
    const file = join(folder, "known_hosts");
    const login = join(folder, "login");
    await writeFile(login, outputs.loginKey, { mode: 0o600 });
    await berth(["known-hosts", "--write", file]);
    const strict = [
      "StrictHostKeyChecking=yes",
      `UserKnownHostsFile=${file}`,
      "GlobalKnownHostsFile=/dev/null",
    ];
    const plain = (address: string, ...options: string[]) =>
      execa(
        "ssh",
        [
          "-F",
          "none",
          "-i",
          login,
          ...[...strict, "BatchMode=yes", ...options].flatMap((one) => ["-o", one]),
          `root@${address}`,
          "hostname",
        ],
        { reject: false },
      );
    for (const address of [web1().address, web1().ipv6Address])
      expect((await plain(address)).stdout, address).toBe("lab-web1");
    expect((await plain(web1().address, "HostKeyAlias=berth-lab-web1")).stdout).toBe("lab-web1");
    const stranger = await plain(web1().address, "HostKeyAlias=berth-lab-web2");
    expect(stranger.stderr).toContain("Host key verification failed");
  });

  test("ssh passes words, input and exit code on, and keeps the key for itself while it runs", async () => {
    expect((await berth(["ssh", "web1", "printf", "'%s|'", "a", "-b", "--", "-s"])).stdout).toBe(
      "a|-b|--|-s|",
    );
    expect((await berth(["ssh", "web1", "cat"], { input: "through" })).stdout).toBe("through");
    expect((await berth(["ssh", "web1", "exit", "7"])).exitCode).toBe(7);

    const temporary = join(folder, "temporary");
    await mkdir(temporary, { recursive: true });
    const running = berth(["ssh", "web1", "sleep", "20"], { env: { TMPDIR: temporary } });
    await expect.poll(() => readdir(temporary), { timeout: 20_000 }).toHaveLength(1);
    const [own = ""] = await readdir(temporary);
    expect((await stat(join(temporary, own))).mode & 0o777).toBe(0o700);
    await expect.poll(() => readdir(join(temporary, own)), { timeout: 5_000 }).toContain("config");
    await sleep(500);
    running.kill("SIGTERM");
    expect((await running).exitCode).not.toBe(0);
    expect(await readdir(temporary), "a key was left").toEqual([]);
  });

  test.each([
    [
      ["ssh", "web9"],
      /^berth: find the host "web9": stack lab has no such host\. Next: name one of these: web1\.$/,
    ],
    [["-s", "nope", "hosts"], /^berth: read stack nope: no stack named 'nope' found\. Next: .*$/],
    [
      ["rescue", "web1"],
      /^berth: web1 \(.*\): boot its rescue system: the host lets us in: .* It was not touched\. Next: .*$/,
    ],
    [["rescue", "web1", "--shell"], /^berth: web1: log in to its rescue system: there is none .*$/],
  ])("%j fails in one line that says what to do", async (args, line) => {
    const { exitCode, stderr } = await berth(args);
    expect(stderr).toMatch(line);
    expect(exitCode).toBe(1);
  });

  test("trust shows the fingerprint that the host's own key has", async () => {
    const { stdout } = await berth(["trust", web1().address]);
    const own = await on("ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub | cut -d' ' -f2");
    expect(own).toMatch(/^SHA256:/);
    expect(stdout).toContain(own);
    expect(stdout).toContain(`hostKey: ${web1().hostKey.split(" ").slice(0, 2).join(" ")}`);
  });
});

test("what is encrypted for the host's age recipient is read with the key that lies on it, and by root alone", async () => {
  const { ageRecipient } = JSON.parse((await berth(["hosts", "--json"])).stdout).items[0];
  const encrypter = new Encrypter();
  encrypter.addRecipient(ageRecipient);
  const decrypter = new Decrypter();
  decrypter.addIdentity(await on("cat /var/lib/berth/age.key"));
  expect(await decrypter.decrypt(await encrypter.encrypt("for web1"), "text")).toBe("for web1");
  expect(await on("stat -c '%a %U' /var/lib/berth/age.key /var/lib/berth")).toBe("400 root\n700 root");
});

describe("a host key", () => {
  /** The key that the host shows now, of which the stack need not know. */
  const served = () => on("cut -d' ' -f1,2 /etc/ssh/ssh_host_ed25519_key.pub");
  const verdicts = () => on("cat /var/lib/berth/verdicts 2>/dev/null | cut -d' ' -f2-");
  const newKey = async () => {
    const { outputs: key } = await sshKey.create({ comment: "web1" }, callOf("web1"));
    return { publicKey: String(key.publicKey), privateKey: String(key.privateKey) };
  };
  const current = async () => ({
    publicKey: await served(),
    privateKey: `${await on("cat /etc/ssh/ssh_host_ed25519_key")}\n`,
  });
  const rotation = async (wanted: KeyRotation["wanted"], answerWithin = 10): Promise<KeyRotation> => {
    const { hostKeys: _, ...target } = session.target;
    return { target, wanted, former: [await served()], owner: "test", answerWithin };
  };
  const dying = (wanted: KeyRotation, dieAt: string) =>
    execa(process.execPath, [join(checkout, "tests/e2e/rotate.ts")], {
      input: JSON.stringify({ rotation: wanted, dieAt }),
      reject: false,
    });
  const quiet = { status: () => undefined };
  const answers = async (hostKey: string) => {
    const other = await sessionWith(outputs, "web1", hostKey);
    try {
      return (await other.sh("exit 0", { deadline: 10_000, fresh: true })).exitCode === 0;
    } finally {
      await other.close();
    }
  };

  test("is rotated by the configuration, while connections go on and nobody meets a third key", async () => {
    const before = web1().hostKey;
    const file = lab.places.stackFile;
    const stack = parse(await readFile(file, "utf8"));
    stack.config["berth:hosts"].web1.identity = { rotate: "2026-11" };
    await writeFile(file, stringify(stack));

    let over = false;
    const long = session.sh("echo begun; sleep 8; echo ended", { deadline: 60_000 });
    const strangers = (async () => {
      const seen: string[] = [];
      for (let last = false; ; last = over) {
        const { stdout, stderr } = await execa("ssh-keyscan", ["-T", "2", "-t", "ed25519", web1().address], {
          reject: false,
        });
        const key = stdout.split(" ").slice(1).join(" ");
        if (key !== "") seen.push(key);
        else if (isIdentityMismatch(stderr)) seen.push(stderr);
        if (last) break;
        // sshd counts a second against who connects without logging in, and shuts out who has too many.
        await sleep(1_500);
      }
      return new Set(seen);
    })();
    const printed = await update();
    over = true;

    expect(printed).toMatch(/web1 \(.*\) has its new host key/);
    expect(web1().hostKey).not.toBe(before);
    expect((await long).stdout).toBe("begun\nended\n");
    const words = (key: string) => key.split(" ").slice(0, 2).join(" ");
    expect(await strangers).toEqual(new Set([words(before), words(web1().hostKey)]));
    expect(await answers(web1().hostKey)).toBe(true);
    expect(await answers(before)).toBe(false);
    await session.close();
    session = await sessionWith(outputs, "web1");
    expect(await verdicts()).toContain("rotated the host key");
    expect(await on("ls /run/berth; ls /etc/ssh | grep -c new || :"), "something was left").toBe("0");
    const again = await engine.run(["up", "--yes", "--skip-preview", "--expect-no-changes"]);
    expect(again.exitCode, again.output).toBe(0);
  });

  test("whose deployer dies before it is confirmed is kept by the next one, which is let in by either", async () => {
    const original = await current();
    const wanted = await rotation(await newKey());
    const died = await dying(wanted, "connecting under the new host key");
    expect(died.signal).toBe("SIGKILL");
    expect(await served()).toBe(wanted.wanted.publicKey.split(" ").slice(0, 2).join(" "));
    expect(await ensureHostKey(wanted, quiet)).toBe("served");
    expect(await answers(wanted.wanted.publicKey)).toBe(true);
    expect(await on("ls /run/berth"), "something was left").toBe("");
    expect(await ensureHostKey(await rotation(original), quiet)).toBe("rotated");
    expect(await answers(original.publicKey)).toBe(true);
  });

  test("whose deployer dies for good is taken back by the host alone, and the next one starts over", async () => {
    const original = await current();
    const wanted = await rotation(await newKey(), 1);
    await dying(wanted, "connecting under the new host key");
    expect(await answers(original.publicKey)).toBe(false);
    await expect.poll(() => answers(original.publicKey), { timeout: 45_000, interval: 1_000 }).toBe(true);
    expect(await verdicts()).toContain("put the old host key back");
    expect(await ensureHostKey({ ...wanted, answerWithin: 10 }, quiet)).toBe("rotated");
    expect(await ensureHostKey(await rotation(original), quiet)).toBe("rotated");
  });

  test("that does not answer is taken back, and only then called so", async () => {
    const original = await served();
    const dropIn = "/run/systemd/system/sshd.service.d";
    await on(
      `mkdir -p ${dropIn}; printf '[Service]\\nExecReload=\\nExecReload=/bin/true\\n' > ${dropIn}/deaf.conf; systemctl daemon-reload`,
    );
    await expect(ensureHostKey(await rotation(await newKey(), 3), quiet)).rejects.toThrow(
      /web1 \(.*\): rotate the host key: the new key did not answer within 3 s: .*The old key was put back; the host was read back under it\. Next: /s,
    );
    await on(`rm -r ${dropIn}; systemctl daemon-reload; systemctl reload sshd.service`);
    expect(await answers(original)).toBe(true);
    expect(await on("ls /run/berth")).toBe("");
  });

  test.each([
    [
      "while another deployment holds the lock",
      "mkdir -p /run/berth/lock; echo ada >/run/berth/lock/owner; echo x >/run/berth/lock/id; echo 99999999 >/run/berth/lock/until",
      /another deployment holds the lock: ada, .*Nothing was changed; it has its old key/,
    ],
    [
      "while the trial of a deployer that died is under guard",
      "mkdir -p /run/berth/left; : >/run/berth/left/pending",
      /a release or a rotation is on trial \(left\), .*Nothing was changed; it has its old key/,
    ],
  ])("is not touched %s", async (_, begin, told) => {
    const original = await served();
    await on(begin);
    try {
      await expect(ensureHostKey(await rotation(await newKey()), quiet)).rejects.toThrow(told);
    } finally {
      await on("rm -rf /run/berth/lock /run/berth/left");
    }
    expect(await served()).toBe(original);
  });
});

describe("a host whose system boots and lets nobody in", () => {
  let printed: string;

  test("is booted into the rescue system, which tells why", async () => {
    const { bootId } = await remote(session, "observe", {}, { deadline: 15_000 });
    await session
      .sh("chmod 644 /etc/ssh/ssh_host_ed25519_key; systemctl reboot", { deadline: 15_000 })
      .catch(() => undefined);
    session.drop();
    // The broken boot has to write its journal.
    await expect
      .poll(async () => (await readdir(join(folder, "machines"))).length, { timeout: 10_000 })
      .toBeGreaterThan(0);
    await sleep(10_000);
    const { exitCode, stdout, stderr } = await berth(["rescue", "web1", "--lines", "60"]);
    expect(exitCode, stderr).toBe(0);
    printed = stdout;
    const told = /trusting, this once, .*: (SHA256:\S+)/.exec(stderr)?.[1];
    const key = await readFile(join(folder, ".berth/rescue/lab-web1/host-key"), "utf8");
    expect(told).toBe(fingerprint(key));
    expect(printed).toContain(
      `on server ${JSON.parse((await berth(["hosts", "--json"])).stdout).items[0].serverId}`,
    );
    expect(printed).toContain("UNPROTECTED PRIVATE KEY FILE");
    expect(printed).toMatch(/== failed units .*\n(.*\n)*.*sshd\.service: Failed with result 'exit-code'/);
    expect(printed).toContain('"host":"web1"');
    expect(printed).toMatch(/system-1-link -> \/nix\/store\//);
    expect(printed).toContain("rotated the host key");
    expect(printed).toMatch(/default nixos-generation-\d+\.conf/);
    expect(printed).not.toContain(bootId);
    expect(printed).not.toContain("PRIVATE KEY-----");
  });

  test("has all of it kept in a folder for its owner alone", async () => {
    const place = join(folder, /All of it is in (\S+)\.\n/.exec(printed)?.[1] ?? "");
    expect((await stat(place)).mode & 0o777).toBe(0o700);
    const journal = (await readdir(place)).find((name) => name.endsWith("-journal.txt")) ?? "";
    expect(await readFile(join(place, journal), "utf8")).toContain("UNPROTECTED PRIVATE KEY FILE");
  });

  test("is mended from the rescue system, left, and answers as itself", async () => {
    const mended = await berth(["rescue", "web1", "--shell"], {
      input: "chmod 600 /run/lab/disk/root/etc/ssh/ssh_host_ed25519_key\n",
    });
    expect(mended.exitCode, mended.stderr).toBe(0);
    const left = await berth(["rescue", "web1", "--leave"]);
    expect(left.stderr).toMatch(/web1 \(.*\) answers as itself again/);
    expect(left.exitCode).toBe(0);
    expect((await berth(["ssh", "web1", "hostname"])).stdout).toBe("lab-web1");
  });
});
