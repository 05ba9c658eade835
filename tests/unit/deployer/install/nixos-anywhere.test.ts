import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import type { InstallDocument } from "../../../../deployer/install/document.ts";
import { InstallLog } from "../../../../deployer/install/log.ts";
import {
  commandLine,
  layOutExtraFiles,
  nixosAnywhere,
  type PhaseRun,
  phaseOf,
} from "../../../../deployer/install/nixos-anywhere.ts";
import { type Phase, phases } from "../../../../deployer/install/phases.ts";
import { encrypted, installOfWeb1, secrets } from "./samples.ts";

const files = { extraFiles: "/run/b/extra", identity: "/run/b/login" };
const { target } = installOfWeb1;

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "berth-test-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

describe("the command line of nixos-anywhere", () => {
  const store = ["--store-paths", installOfWeb1.diskoScript.out, installOfWeb1.toplevel.out];
  const head = [...store, "--build-on", "local"];
  const kexec = ["--kexec", installOfWeb1.kexecTarball?.out];
  const login = ["-i", "/run/b/login"];
  const options = ["--ssh-option", "ConnectTimeout=10", "--ssh-option", "ServerAliveInterval=5"];
  const to = (user: string) => ["--target-host", `${user}@berth-dev-web1`];
  const web1 = [...login, ...options, ...to("root")];
  type Files = Parameters<typeof commandLine>[2];

  test.each<[string, Partial<InstallDocument>, Phase, Files, (string | undefined)[]]>([
    [
      "our own installer",
      {},
      "kexec",
      { ...files, extraFiles: undefined },
      [...head, ...kexec, "--phases", "kexec", ...web1],
    ],
    [
      "the installer that nixos-anywhere brings",
      { kexecTarball: null },
      "kexec",
      { ...files, extraFiles: undefined },
      [...head, "--phases", "kexec", ...web1],
    ],
    [
      "the copy, with the files that the system gets",
      {},
      "install",
      files,
      [...head, ...kexec, "--extra-files", "/run/b/extra", "--phases", "install", ...web1],
    ],
    [
      "a machine without a way out",
      { substitutes: false },
      "disko",
      { ...files, extraFiles: undefined },
      [...head, ...kexec, "--phases", "disko", "--no-substitute-on-destination", ...web1],
    ],
    [
      "another port and a user who may sudo",
      { target: { ...target, port: 2222, user: "admin" } },
      "kexec",
      { ...files, extraFiles: undefined },
      [
        ...[...head, ...kexec, "--phases", "kexec", ...login],
        ...["-p", "2222", "--post-kexec-ssh-port", "2222"],
        ...[...options, ...to("admin")],
      ],
    ],
    [
      "an IPv6 address, which Nix takes by a name alone",
      { target: { ...target, address: "2001:db8::1" } },
      "reboot",
      { ...files, extraFiles: undefined },
      [...head, ...kexec, "--phases", "reboot", ...web1],
    ],
    [
      "an encrypted disk, whose passphrase is in a file",
      encrypted,
      "disko",
      { ...files, extraFiles: undefined, diskKey: "/run/b/disk.key" },
      [
        ...[...head, ...kexec, "--disk-encryption-keys", "/run/keys/disk.key", "/run/b/disk.key"],
        ...["--phases", "disko", ...web1],
      ],
    ],
    [
      "the agent's key",
      {},
      "disko",
      { extraFiles: undefined, identity: undefined },
      [...head, ...kexec, "--phases", "disko", ...options, ...to("root")],
    ],
  ])("for %s", (_, changes, phase, paths, expected) => {
    expect(commandLine({ ...installOfWeb1, ...changes }, phase, paths)).toEqual(expected);
  });

  test.each(phases)("holds no secret and switches no check off in the phase %s", (phase) => {
    const line = commandLine(installOfWeb1, phase, files).join(" ");
    for (const secret of secrets) expect(line).not.toContain(secret);
    expect(line).not.toMatch(/StrictHostKeyChecking|UserKnownHostsFile|PRIVATE/);
  });
});

test.each([
  ["### Gathering machine facts ###", "Gathering machine facts"],
  ["  ### Formatting hard drive with disko ###  ", "Formatting hard drive with disko"],
  ["### half a headline", undefined],
  ["copying path '/nix/store/x'", undefined],
])("the phase of %j is %j", (line, phase) => {
  expect(phaseOf(line)).toBe(phase);
});

describe("the files that the installed system gets", () => {
  /** Path to mode and text of all that was laid out. */
  const laidOut = () =>
    Object.fromEntries(
      readdirSync(folder, { recursive: true, encoding: "utf8" }).map((path) => {
        const { mode } = statSync(join(folder, path));
        const isFile = statSync(join(folder, path)).isFile();
        return [path, [(mode & 0o777).toString(8), isFile ? readFileSync(join(folder, path), "utf8") : ""]];
      }),
    );
  const expected = {
    etc: ["755", ""],
    "etc/ssh": ["755", ""],
    "etc/ssh/ssh_host_ed25519_key": ["600", `${installOfWeb1.lastingHostKey.privateKey}\n`],
    "etc/ssh/ssh_host_ed25519_key.pub": ["644", "ssh-ed25519 AAAAlasting web1\n"],
    "etc/berth": ["755", ""],
    "etc/berth/install.json": ["644", '{"stack":"dev","host":"web1","server":"4711"}\n'],
    var: ["755", ""],
    "var/lib": ["755", ""],
    "var/lib/berth": ["700", ""],
    "var/lib/berth/age.key": ["400", `${installOfWeb1.ageKey}\n`],
    root: ["700", ""],
    "root/.ssh": ["700", ""],
    "root/.ssh/authorized_keys": [
      "600",
      "ssh-ed25519 AAAAlogin berth dev\nssh-ed25519 AAAAada ada@example.org\n",
    ],
  };

  test("are its lasting identity, its people and its marker, and nothing else", async () => {
    await layOutExtraFiles(folder, installOfWeb1);
    expect(laidOut()).toEqual(expected);
  });

  test("are of an encrypted host the key of its initrd and who may unlock it, too, where the system reads them", async () => {
    await layOutExtraFiles(folder, { ...installOfWeb1, ...encrypted });
    expect(laidOut()).toEqual({
      ...expected,
      "etc/unlock": ["755", ""],
      "etc/unlock/authorized_keys": expected["root/.ssh/authorized_keys"],
      "var/lib/unlock": ["755", ""],
      "var/lib/unlock/host_key": ["600", "-----BEGIN-----\nhunter2-unlock\n-----END-----\n"],
    });
  });

  test("end their lines once, however the keys came", async () => {
    await layOutExtraFiles(folder, {
      ...installOfWeb1,
      authorizedKeys: installOfWeb1.authorizedKeys.map((key) => ` ${key}\n\n`),
      lastingHostKey: {
        publicKey: `${installOfWeb1.lastingHostKey.publicKey}\n`,
        privateKey: `${installOfWeb1.lastingHostKey.privateKey}\n\n`,
      },
      ageKey: `${installOfWeb1.ageKey}\n`,
    });
    expect(laidOut()).toEqual(expected);
  });
});

test.each(["077", "000"])("the files have the same modes under umask %s", (umask) => {
  const module = new URL("../../../../deployer/install/nixos-anywhere.ts", import.meta.url).href;
  const samples = new URL("./samples.ts", import.meta.url).href;
  const script = `
    process.umask(0o${umask});
    const { layOutExtraFiles } = await import(${JSON.stringify(module)});
    const { installOfWeb1 } = await import(${JSON.stringify(samples)});
    await layOutExtraFiles(${JSON.stringify(folder)}, installOfWeb1);`;
  execFileSync(process.execPath, ["--input-type=module", "-e", script]);
  const mode = (path: string) => (statSync(join(folder, path)).mode & 0o777).toString(8);
  expect(
    [
      "etc",
      "etc/ssh",
      "etc/berth",
      "root/.ssh",
      "etc/berth/install.json",
      "etc/ssh/ssh_host_ed25519_key",
    ].map(mode),
  ).toEqual(["755", "755", "755", "700", "644", "600"]);
});

test("nixos-anywhere's own lax options do not get past the shim", ({ skip }) => {
  const shim = new URL("../../../../deployer/install/ssh-shim", import.meta.url).pathname;
  const lax = [
    "StrictHostKeyChecking=no",
    "UserKnownHostsFile=/dev/null",
    "HostKeyAlgorithms=+ssh-rsa",
    "KnownHostsCommand=/bin/echo",
    "NoHostAuthenticationForLocalhost=yes",
    "AddKeysToAgent=yes",
    "ForwardAgent=yes",
    "ControlMaster=auto",
    "ControlPath=/tmp/shared-%C",
    "ControlPersist=10m",
  ].flatMap((option) => ["-o", option]);
  const env = {
    ...process.env,
    BERTH_SSH: "ssh",
    BERTH_KNOWN_HOSTS: "/run/b/known",
    BERTH_HOST_ALIAS: "berth-dev-web1",
    BERTH_ADDRESS: "2001:db8::7",
    BERTH_SSH_CONFIG: "/run/b/ssh_config",
    BERTH_JUMP: "berth-dev-web1-jump",
  };
  let text: string;
  try {
    text = execFileSync("sh", [shim, ...lax, "-G", "root@berth-dev-web1"], { encoding: "utf8", env });
  } catch (error) {
    skip(existsSync("/usr/bin/ssh") === false, "ssh is not installed");
    throw error;
  }
  const options = new Set(text.split("\n"));
  for (const option of [
    "stricthostkeychecking true",
    "userknownhostsfile /run/b/known",
    "globalknownhostsfile /dev/null",
    "hostkeyalias berth-dev-web1",
    "hostname 2001:db8::7",
    "proxycommand 'ssh' -F '/run/b/ssh_config' -W [%h]:%p berth-dev-web1-jump",
    "hostkeyalgorithms ssh-ed25519",
    "updatehostkeys false",
    "nohostauthenticationforlocalhost no",
    "addkeystoagent false",
    "forwardagent no",
    // A connection that stands already checks no key.
    "controlmaster false",
    "controlpersist no",
  ]) {
    expect(options).toContain(option);
  }
  expect(text).not.toMatch(/^(knownhostscommand|controlpath) \//m);
});

describe("a run of nixos-anywhere", () => {
  /** Put a program of that name first on PATH. */
  function onPath(script: string): void {
    const file = join(folder, "nixos-anywhere");
    writeFileSync(file, `#!/bin/sh\n${script}\n`);
    chmodSync(file, 0o755);
    vi.stubEnv("PATH", `${folder}:${process.env.PATH}`);
  }
  const printed: string[] = [];
  beforeEach(() => {
    printed.length = 0;
    vi.spyOn(process.stdout, "write").mockImplementation((chunk) => {
      printed.push(String(chunk));
      return true;
    });
  });
  afterEach(() => {
    vi.restoreAllMocks();
    vi.unstubAllEnvs();
  });

  async function start(
    document = installOfWeb1,
    deadline = 5_000,
    more: Partial<PhaseRun> = {},
  ): Promise<{ error: Error | undefined; log: string }> {
    const log = new InstallLog(join(folder, "install.log"));
    const work = join(folder, "work");
    mkdirSync(work);
    try {
      const hostKey = document.bootstrapHostKey;
      await nixosAnywhere(document, { phase: "install", hostKey, folder: work, log, deadline, ...more });
      return { error: undefined, log: readFileSync(log.file, "utf8") };
    } catch (error) {
      return { error: error as Error, log: readFileSync(log.file, "utf8") };
    } finally {
      log.close();
    }
  }

  test("finds the passphrase of an encrypted disk in a file of its own while the disk is laid out, and nobody finds it later", async () => {
    onPath(`
      while [ "$1" != --disk-encryption-keys ]; do shift; done
      stat -c %a "$3"
      sha256sum <"$3"
    `);
    const { error, log } = await start({ ...installOfWeb1, ...encrypted }, 5_000, { phase: "disko" });
    expect(error).toBeUndefined();
    expect(log).toContain("600\n");
    expect(log).toContain(createHash("sha256").update("hunter2-disk").digest("hex"));
    expect(readdirSync(join(folder, "work"))).not.toContain("disk.key");
  });

  test.each(["kexec", "install", "reboot"] as const)("has no passphrase in the phase %s", async (phase) => {
    onPath(`echo "$@"; grep -rl hunter2-disk "$(dirname "$BERTH_KNOWN_HOSTS")" || echo nowhere`);
    const { log } = await start({ ...installOfWeb1, ...encrypted }, 5_000, { phase });
    expect(log).toContain("nowhere");
    expect(log).not.toContain("--disk-encryption-keys");
  });

  test("says its phases, logs every line, and finds the bootstrap key alone trusted", async () => {
    onPath(`
      echo '### Uploading install SSH keys ###'
      echo 'a detail' >&2
      cat "$BERTH_KNOWN_HOSTS"
      command -v ssh
    `);
    const { error, log } = await start();
    expect(error).toBeUndefined();
    expect(printed.join("")).toMatch(/^ +\d+\.\d s {2}Uploading install SSH keys\n$/);
    expect(log).toContain("a detail");
    expect(log).toContain("berth-dev-web1 ssh-ed25519 AAAAbootstrap\n");
    expect(log).toContain(join(folder, "work", "bin", "ssh"));
    expect(log).not.toContain("AAAAlasting");
  });

  test("that fails tells at which phase, with its last lines, and where the log is", async () => {
    onPath("echo '### Formatting ###'; echo 'no such disk' >&2; exit 4");
    const { error } = await start();
    expect(error?.message).toMatch(
      /^web1 \(203\.0\.113\.7\): install NixOS, phase install \(copy and install the system\), at "Formatting": nixos-anywhere ended with 4\n.*no such disk/s,
    );
    expect(error?.message).toContain(`the whole log is in ${join(folder, "install.log")}`);
  });

  test("that hangs is ended at the deadline, though what it started holds on", async () => {
    onPath("echo '### Formatting ###'; sleep 45 & wait");
    const started = Date.now();
    const { error } = await start(installOfWeb1, 3_000);
    expect(error?.message).toContain('at "Formatting": no end within');
    expect(Date.now() - started).toBeLessThan(30_000);
  });

  test("that is ended says why, and where the host stands", async () => {
    onPath("echo '### Formatting ###'; sleep 45 & wait");
    const stop = new AbortController();
    setTimeout(() => stop.abort(new Error("the connection to the host broke")), 3_000);
    const { error } = await start(installOfWeb1, 30_000, {
      signal: stop.signal,
      stands: async () => "It answers and runs the installer",
    });
    expect(error?.message).toMatch(
      /at "Formatting": the connection to the host broke\n.* It answers and runs the installer\. Next: /s,
    );
  });

  test("that prints endless lines shows the end of each cut", async () => {
    onPath("head -c 100000 /dev/zero | tr '\\0' x; echo; exit 1");
    const { error } = await start();
    expect(error?.message).toContain("x".repeat(300));
    expect(error?.message).not.toContain("x".repeat(301));
  });

  test("that is not there says what to install", async () => {
    const ssh = execFileSync("sh", ["-c", "command -v ssh || true"], { encoding: "utf8" }).trim();
    if (ssh !== "") execFileSync("ln", ["-s", ssh, join(folder, "ssh")]);
    else writeFileSync(join(folder, "ssh"), "#!/bin/sh\n", { mode: 0o755 });
    vi.stubEnv("PATH", folder);
    const { error } = await start();
    expect(error?.message).toBe(
      "web1 (203.0.113.7): start nixos-anywhere: it is not on PATH. Next: install nixos-anywhere (it is in nixpkgs).",
    );
  });

  test("has no secret in its arguments, its environment, its output or its log", async () => {
    onPath('env; echo "$@"; exit 1');
    const { error, log } = await start();
    for (const secret of secrets) {
      expect(printed.join("") + log + error?.message).not.toContain(secret);
    }
  });
});
