import { execFileSync } from "node:child_process";
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
  type Phase,
  phaseOf,
} from "../../../../deployer/install/nixos-anywhere.ts";
import { installOfWeb1, secrets } from "./samples.ts";

const all: Phase[] = ["kexec", "disko", "install", "reboot"];
const files = { extraFiles: "/run/b/extra", identity: "/run/b/login" };
const { target } = installOfWeb1;

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "berth-test-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

describe("the command line of nixos-anywhere", () => {
  const store = ["--store-paths", installOfWeb1.diskoScript.out, installOfWeb1.toplevel.out];
  const kexec = ["--kexec", installOfWeb1.kexecTarball?.out];
  const extra = ["--extra-files", "/run/b/extra"];
  const options = ["--ssh-option", "ConnectTimeout=10", "--ssh-option", "ServerAliveInterval=5"];
  const phases = (names: string) => ["--phases", names];
  const everything = phases("kexec,disko,install,reboot");

  test.each<
    [
      string,
      Partial<InstallDocument>,
      Phase[],
      typeof files | { extraFiles: string; identity: undefined },
      (string | undefined)[],
    ]
  >([
    [
      "a whole install with our own installer",
      {},
      all,
      files,
      [
        ...store,
        ...kexec,
        ...extra,
        ...everything,
        "-i",
        "/run/b/login",
        ...options,
        "--target-host",
        "root@203.0.113.7",
      ],
    ],
    [
      "the installer that nixos-anywhere brings",
      { kexecTarball: null },
      all,
      files,
      [
        ...store,
        ...extra,
        ...everything,
        "-i",
        "/run/b/login",
        ...options,
        "--target-host",
        "root@203.0.113.7",
      ],
    ],
    [
      "going on in the installer",
      {},
      ["disko", "install", "reboot"],
      files,
      [
        ...store,
        ...kexec,
        ...extra,
        ...phases("disko,install,reboot"),
        "-i",
        "/run/b/login",
        ...options,
        "--target-host",
        "root@203.0.113.7",
      ],
    ],
    [
      "another port and a user who may sudo",
      { target: { ...target, port: 2222, user: "admin" } },
      all,
      files,
      [
        ...store,
        ...kexec,
        ...extra,
        ...everything,
        "-i",
        "/run/b/login",
        "-p",
        "2222",
        "--post-kexec-ssh-port",
        "2222",
        ...options,
        "--target-host",
        "admin@203.0.113.7",
      ],
    ],
    [
      "the agent's key",
      {},
      all,
      { ...files, identity: undefined },
      [...store, ...kexec, ...extra, ...everything, ...options, "--target-host", "root@203.0.113.7"],
    ],
  ])("for %s", (_, changes, wanted, paths, expected) => {
    expect(commandLine({ ...installOfWeb1, ...changes }, wanted, paths)).toEqual(expected);
  });

  test("holds no secret and switches no check off", () => {
    const line = commandLine(installOfWeb1, all, files).join(" ");
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
  };
  let text: string;
  try {
    text = execFileSync("sh", [shim, ...lax, "-G", "root@203.0.113.7"], { encoding: "utf8", env });
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
  ): Promise<{ error: Error | undefined; log: string }> {
    const log = new InstallLog(join(folder, "install.log"));
    const work = join(folder, "work");
    mkdirSync(work);
    try {
      await nixosAnywhere(document, all, work, log, deadline);
      return { error: undefined, log: readFileSync(log.file, "utf8") };
    } catch (error) {
      return { error: error as Error, log: readFileSync(log.file, "utf8") };
    } finally {
      log.close();
    }
  }

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
    expect(log).toContain(`${folder}/work/bin/ssh`);
    expect(log).not.toContain("AAAAlasting");
  });

  test("that fails tells at which phase, with its last lines, and where the log is", async () => {
    onPath("echo '### Formatting ###'; echo 'no such disk' >&2; exit 4");
    const { error } = await start();
    expect(error?.message).toMatch(
      /^web1 \(203\.0\.113\.7\): install NixOS, at "Formatting": nixos-anywhere ended with 4\n.*no such disk/s,
    );
    expect(error?.message).toContain(`the whole log is in ${join(folder, "install.log")}`);
  });

  test("that hangs is ended at the deadline, though what it started holds on", async () => {
    onPath("echo '### Formatting ###'; sleep 9 & wait");
    const started = Date.now();
    const { error } = await start(installOfWeb1, 400);
    expect(error?.message).toContain('install NixOS, at "Formatting": no end within');
    expect(Date.now() - started).toBeLessThan(6_000);
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
