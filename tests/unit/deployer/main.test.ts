import { spawn } from "node:child_process";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { text } from "node:stream/consumers";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { parseEvents } from "../../../deployer/runs/events.ts";
import { recordVariable } from "../../../deployer/runs/record.ts";
import { installOfWeb1, secrets } from "./install/samples.ts";

const main = new URL("../../../deployer/main.ts", import.meta.url).pathname;

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "berth-main-"));
  mkdirSync(join(folder, "tmp"));
});
afterEach(() => rmSync(folder, { recursive: true }));

/** Put a program of that name first on the PATH of the command. */
function onPath(name: string, script: string): void {
  writeFileSync(join(folder, name), `#!/bin/sh\n${script}\n`);
  chmodSync(join(folder, name), 0o755);
}

/** `deployer/main.ts <args>` as Pulumi runs it. */
async function berth(args: string[], stdin: string, env: Record<string, string> = {}) {
  const child = spawn(process.execPath, [main, ...args], {
    cwd: folder,
    env: {
      ...process.env,
      PATH: `${folder}${delimiter}${process.env.PATH}`,
      TMPDIR: join(folder, "tmp"),
      ...env,
    },
  });
  child.stdin.end(stdin);
  const [stdout, stderr, exitCode] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    new Promise<number | null>((resolve) => child.once("exit", resolve)),
  ]);
  return { stdout, stderr, exitCode };
}

const log = () => join(folder, ".berth/logs/install-dev-web1.log");

describe("the deployer's command", () => {
  test.each([
    [["deinstall"], 'berth: deinstall: the only verb is "install"\n'],
    [[], 'berth: no verb: the only verb is "install"\n'],
  ])("called as %j says what it can do", async (args, said) => {
    expect(await berth(args, "")).toEqual({ stdout: "", stderr: said, exitCode: 64 });
  });

  test.each<[string, string, string]>([
    ["nothing", "", "the whole of it"],
    ["no JSON", '{"privateKey": hunter2-lasting', "the whole of it"],
    [
      "a document with wrong parts",
      JSON.stringify({ ...installOfWeb1, deadline: -1, marker: secrets[0] }),
      "marker, deadline",
    ],
  ])("given %s names the place, never what is there", async (_, stdin, where) => {
    expect(await berth(["install"], stdin)).toEqual({
      stdout: "",
      stderr: `berth: the install document on stdin has another shape: ${where}\n`,
      exitCode: 64,
    });
  });

  test("shows the log of a build that fails, stops looking at the host, and leaves no key behind", async () => {
    onPath("nix", 'sleep 1; echo "error: builder failed" >&2; exit 1');
    onPath("ssh", "exec sleep 20");
    onPath("nixos-anywhere", `touch ${folder}/wiped`);
    const { stderr, exitCode } = await berth(["install"], JSON.stringify(installOfWeb1));
    expect(exitCode).toBe(1);
    expect(stderr).toMatch(
      /^build toplevel \(.*\.drv\): the build failed\nerror: builder failed\n Nothing was changed/,
    );
    expect(readFileSync(log(), "utf8")).toContain("error: builder failed");
    expect(existsSync(join(folder, "wiped"))).toBe(false);
    expect(readdirSync(join(folder, "tmp"))).toEqual([]);
  });

  test("tells the record of the update what it did and how it failed, without a secret", async () => {
    const { ageKey, lastingHostKey, hetzner } = installOfWeb1;
    onPath("nix", `echo "error: ${ageKey} ${lastingHostKey.privateKey} ${hetzner?.token}" >&2; exit 1`);
    onPath("ssh", "exec sleep 20");
    const record = join(folder, "runs/run.jsonl");
    await berth(["install"], JSON.stringify(installOfWeb1), { [recordVariable]: record });
    const events = parseEvents(readFileSync(record, "utf8"));
    expect(events).toMatchObject([
      { event: "installing", host: "web1", step: "building the system, looking at the host" },
      {
        event: "installed",
        failure: { cameBack: expect.stringContaining("[secret]"), next: expect.any(String) },
      },
    ]);
    for (const secret of secrets) expect(JSON.stringify(events)).not.toContain(secret);
  });

  test("refuses a host that runs something else, and does not touch its disk", async () => {
    onPath("nix", builds);
    onPath("nixos-anywhere", `touch ${folder}/wiped`);
    onPath("ssh", `cat >/dev/null; echo '${observed({ os: "arch" })}'`);
    const { stderr, exitCode } = await berth(["install"], JSON.stringify(installOfWeb1));
    expect(stderr).toBe(
      'web1 (203.0.113.7): install NixOS: refused, the host runs "arch", not a base image. The disk was not touched. Next: order the server with a base image such as debian-13.\n',
    );
    expect(exitCode).toBe(1);
    expect(existsSync(join(folder, "wiped"))).toBe(false);
  });

  test("finds a host that it has installed and leaves it alone", async () => {
    onPath("nix", builds);
    onPath("nixos-anywhere", `touch ${folder}/wiped`);
    const marker = JSON.stringify(installOfWeb1.marker);
    const seen = observed({ os: "nixos", marker }).replaceAll("\\", "\\\\");
    // It answers with the lasting key alone.
    const known = 'grep -q AAAAlasting "$(dirname "$2")/known_hosts"';
    const stranger = "{ echo 'Host key verification failed.' >&2; exit 255; }";
    onPath("ssh", `cat >/dev/null; ${known} || ${stranger}; printf '%b\\n' '${seen}'`);
    // Nothing of an earlier reinstall is looked for where there is no API.
    const document = { ...installOfWeb1, hetzner: null };
    const { stdout, exitCode } = await berth(["install"], JSON.stringify(document));
    expect(stdout).toContain("installed already; nothing to do\n");
    expect(exitCode).toBe(0);
    expect(existsSync(join(folder, "wiped"))).toBe(false);
  });

  test("gives up on a host that is somebody else, after it has had the time to become itself", async () => {
    onPath("nix", builds);
    onPath("ssh", `echo asked >>${folder}/seen; echo 'Host key verification failed.' >&2; exit 255`);
    const { stderr, exitCode } = await berth(["install"], JSON.stringify(installOfWeb1));
    expect(exitCode).toBe(1);
    expect(stderr).toMatch(
      /^web1 \(203\.0\.113\.7\): ssh as root on port 22: host key verification failed: .* Next: someone else answers/,
    );
    expect(readFileSync(join(folder, "seen"), "utf8").trim().split("\n").length).toBeGreaterThan(2);
  });

  test("gives up soon on a host that lets it in and makes no sense", async () => {
    onPath("nix", builds);
    onPath("ssh", "cat >/dev/null; echo 'This account is currently not available.'");
    const { stderr, exitCode } = await berth(["install"], JSON.stringify(installOfWeb1));
    expect(exitCode).toBe(1);
    expect(stderr).toContain(
      "web1 (203.0.113.7): inspect on the host: exit code 0: This account is currently not available.",
    );
  });

  test("gives up on a host that never answers, at its deadline", async () => {
    onPath("nix", builds);
    onPath("ssh", "echo 'ssh: connect to host 203.0.113.7 port 22: Connection refused' >&2; exit 255");
    const started = Date.now();
    const { stderr, exitCode } = await berth(["install"], JSON.stringify({ ...installOfWeb1, deadline: 2 }));
    expect(exitCode).toBe(1);
    expect(stderr).toContain("web1 (203.0.113.7): ssh as root on port 22: ssh: connect to host");
    expect(Date.now() - started).toBeLessThan(40_000);
  });

  test("has no secret in its output, its log, its children's arguments or their environment", async () => {
    onPath("nix", `{ echo "$@"; env; } >>${folder}/seen; ${builds}`);
    const answer = `echo '${observed({ os: "debian" })}'`;
    onPath("ssh", `{ echo "$@"; env; } >>${folder}/seen; ${answer}; cat >>${folder}/seen`);
    onPath("nixos-anywhere", `{ echo "$@"; env; } >>${folder}/seen; exit 1`);
    const { stdout, stderr, exitCode } = await berth(["install"], JSON.stringify(installOfWeb1));
    expect(exitCode).toBe(1);
    const all = stdout + stderr + readFileSync(log(), "utf8") + readFileSync(join(folder, "seen"), "utf8");
    expect(all).toContain("--store-paths");
    for (const secret of secrets) expect(all).not.toContain(secret);
  });
});

/** A Nix that has everything: it prints the output of the derivation it is asked for. */
const builds = `case "$*" in
  *nixos-system*) echo ${installOfWeb1.toplevel.out} ;;
  *disko*) echo ${installOfWeb1.diskoScript.out} ;;
  *) echo ${installOfWeb1.kexecTarball?.out} ;;
esac`;

/** What every script that an installation runs on a host would print, in one. */
function observed(changes: { os: string; marker?: string }): string {
  const size = 40e9;
  return JSON.stringify({
    ok: true,
    ...{ variant: "", hostname: "web1", root: "ext4", machine: "x86_64", memory: 4e9, firmware: "bios" },
    ...{ bootId: "1", current: null, marker: null },
    ...{ mounted: false, formatted: null, installed: null, tokens: [] },
    disks: [{ name: "sda", size, ids: [], serial: "1", holds: "" }],
    ...{ layout: [{ device: "/dev/sda", disk: "sda" }], volumes: [] },
    ...changes,
  });
}
